// A workload as a list of operations, and readers for recorded traces.
//
// Formats, detected by content: those of import/format.h, of which three are explained here:
//   alloctrace    the lab's own (alloctrace.h): compressed frames with checksums.
//   cmu-rep       the CMU malloc lab's .rep text: a header, then "a ID BYTES", "r ID BYTES", "f ID" lines. Dialects by header:
//                 A (2002, CS:APP): heap size, ids, ops, weight; B (newer kits): weight 0..3, ids, ops, ignore_ranges 0/1;
//                 C (2022): weight, ids, ops, peak payload bytes; or ids, ops alone; or none.
//   malloc-bench  the proto2 message Tracefile { repeated TraceLine lines = 1 } of malloc-bench, decoded as a stream.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/common/interrupt.h"
#include "allocators/workload/call_sites.h"
#include "allocators/workload/operation.h"
#include "allocators/workload/touch.h"

namespace alloclab {

struct Trace {
  std::vector<Operation> operations;
  std::uint32_t heap_handles = 0;  // handles used are below this
  std::uint32_t page_handles = 0;
  std::string format;  // "cmu-rep-a", "cmu-rep-b", "cmu-rep-c", "cmu-rep" (other header), "malloc-bench", "alloctrace",
                       // "generated"
  // What the reader dropped or found odd: at most one sentence of a kind, with the line or byte of the first and how many there
  // were.
  std::vector<std::string> notes;
  // What no replay needs: the call site of each operation, 0 where it is not known, or nothing at all; and what the sites are.
  std::vector<std::uint32_t> operation_sites = {};
  SiteTable sites = {};
  // What the program writes of its blocks, in the order of operations; nothing where none is said, as in all files.
  std::vector<TouchFrom> touches = {};

  // Host memory of the operations and their sites.
  std::uint64_t host_bytes() const;
};

// What a file may hold.
struct TraceLimits {
  std::uint64_t operations_max = 50'000'000;
  std::uint64_t inflated_bytes_max = 2ull << 30;  // of a compressed file
  // Asked before the reader takes memory, with all the bytes that it holds then, the file itself not counted. An error ends the
  // reading.
  std::function<absl::Status(std::uint64_t host_bytes)> admit = nullptr;
  Interrupt interrupt = nullptr;  // CANCELLED
};

// Reads a whole trace from memory. Blocks are numbered by HandleNumbering, so that the same operations give the same trace in
// every format; a realloc keeps its handle. A size that 32 bits cannot hold becomes 4294967295, for which a guarded heap's
// outcome is size_overflow. `name` is used in errors, which say where ("app.rep:17: ...", "app.trace: byte 4711: ...")
// and what was expected. INVALID_ARGUMENT: malformed or truncated; RESOURCE_EXHAUSTED: over a limit.
absl::StatusOr<Trace> ReadTrace(std::string_view bytes, std::string_view name, const TraceLimits& limits = {});

// The trace's identity whatever file it came in: SHA-256, in hex, over kind (u8), block, size, extra (u32 little-endian) of
// each operation in order. Interrupted, it is of nothing.
std::string TraceDigest(const std::vector<Operation>& operations, const Interrupt& interrupt = {});
// The same of a program that writes nothing; else also over 255 (u8), operation (two u32, the lower first), part (u8) and
// amount (u32) of each of `touches`.
std::string WorkloadDigest(const Trace& trace, const Interrupt& interrupt = {});

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_H_
