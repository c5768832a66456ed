// The lab's own trace file, .alloctrace: operations in compressed frames that are written as they happen and read as they come.
// A file that was cut off is read up to its last whole frame; a damaged one is refused by naming the place. The grammar, byte
// by byte, is in docs/trace-format.md.
//
//   file   = magic HEAD OPER* SITE* DONE TAIL    magic = 89 "ALT" 0D 0A 1A version
//   chunk  = kind length payload-crc head-crc payload            (4 bytes each, little-endian; CRC-32 of zlib)
//   HEAD   attributes: what was recorded, by whom                OPER   one zstd frame of at most 65,536 operations
//   SITE   one zstd frame of call sites; version 2 alone         DONE   totals, index of frames, SHA-256, notes
//   TAIL   where DONE begins
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_ALLOCTRACE_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_ALLOCTRACE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/workload/call_sites.h"
#include "allocators/workload/operation.h"
#include "allocators/workload/trace.h"
#include "allocators/workload/trace_bytes.h"

namespace alloclab {

using std::string_view_literals::operator""sv;

inline constexpr std::string_view kAllocTraceMagic =
    "\x89"
    "ALT\r\n\x1a\x01"sv;
inline constexpr std::size_t kAllocTraceVersionAt = 7;        // in the magic
inline constexpr char kAllocTraceSitesVersion = 2;            // of files with call sites; the others are version 1
inline constexpr std::uint32_t kFrameOperationsMax = 65'536;  // a frame is what a crash may lose
inline constexpr std::size_t kFrameBytesMax = 2 << 20;        // inflated: more than so many operations can take
inline constexpr std::size_t kChunkBytesMax = 4 << 20;        // of any payload
inline constexpr std::size_t kIndexedFramesMax = 65'536;      // beyond, every other entry is left out
inline constexpr std::size_t kAttributesMax = 32;
inline constexpr std::size_t kAttributeNameMax = 64, kAttributeBytesMax = 4096;
inline constexpr std::size_t kAllocTraceNotesMax = 12;

// An operation with what the lab does not replay, but the file keeps.
struct RecordedOperation {
  Operation operation;
  std::uint32_t thread = 0;         // of the recorded process, numbered from 0 in the order of their first operation
  std::uint8_t alignment_log2 = 0;  // that was asked for; 0: none
  std::uint32_t site = 0;           // that called malloc, calloc or realloc (call_sites.h); 0: not known
  friend bool operator==(const RecordedOperation&, const RecordedOperation&) = default;
};

// Names and values: printable ASCII, other bytes as "\xc3".
using TraceAttributes = std::vector<std::pair<std::string, std::string>>;

// Where a frame begins in the file, and what the heap holds before it.
struct FrameEntry {
  std::uint64_t offset = 0, first_operation = 0;
  std::uint64_t live_blocks = 0, live_bytes = 0;
  std::uint32_t heap_handles = 0, page_handles = 0;  // used before
  friend bool operator==(const FrameEntry&, const FrameEntry&) = default;
};

// What DONE says.
struct AllocTraceEnd {
  std::uint64_t operations = 0;
  std::uint32_t heap_handles = 0, page_handles = 0;
  std::string sha256;  // TraceDigest, in hex
  std::vector<FrameEntry> frames;
  TraceAttributes attributes;  // those called "note" are a trace's notes
};

// The whole file, through its checks, with its notes and call sites. Threads are dropped; an alignment is noted and ignored.
absl::StatusOr<Trace> ReadAllocTrace(TraceBytes& bytes, std::string_view name, const TraceLimits& limits);

// DONE alone, found by TAIL, without reading the operations. INVALID_ARGUMENT: the file has no end, or a damaged one.
absl::StatusOr<AllocTraceEnd> ReadAllocTraceEnd(std::string_view file, std::string_view name);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_ALLOCTRACE_H_
