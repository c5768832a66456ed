// A run: one workload on one fresh instance, from the first operation to the last, and everything that was found.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_RUN_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_RUN_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/catalog/instance.h"
#include "allocators/workload/driver.h"
#include "allocators/workload/trace.h"

namespace alloclab {

// The state of a heap's metadata after a number of operations; what the reference vectors hold.
struct Checkpoint {
  std::uint64_t after_operation = 0;
  HeapShape heap;
  std::vector<Figure> figures;
  std::string metadata_sha256;  // over the words that VisitMetadata shows, u32 little-endian

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// Takes one now. REQUIRES: the instance has a heap.
Checkpoint TakeCheckpoint(const Instance& instance, std::uint64_t after_operation);

struct RunProgress {
  std::uint64_t operations_done = 0, operations_total = 0;
  std::uint64_t wall_ns = 0;
};

// Called between operations, about every 10 ms (never later than one operation after that), and at the end. False: stop.
using ProgressCallback = std::function<bool(const RunProgress&, const Driver&)>;

struct RunOptions {
  std::vector<std::uint64_t> checkpoints;  // operation counts, ascending; one at the end is always taken
  std::uint64_t progress_every = 65536;    // at most so many operations between two calls of `progress`
  ProgressCallback progress;
};

// Everything a run found. All but wall_ns is exact: the same on every machine, engine and compiler.
struct RunResult {
  InstanceConfig config;  // complete
  std::string trace_sha256;
  std::uint64_t operations = 0;  // done
  bool cancelled = false;
  DriverCounters counters;
  std::vector<Count> heap_counts, page_counts;
  VmCosts vm_costs;
  PageShape pages;
  std::vector<Figure> page_figures;
  std::vector<Checkpoint> checkpoints;  // the last one is the end; none without a heap
  std::uint64_t violations = 0;         // of the invariants of both allocators, at the end; at most kViolationsMax each
  // Of both allocators, cost model i386-v1. The page allocator's work for page faults is in them, if not in the cycles of the
  // operation that faulted.
  std::uint64_t simulated_cycles_386 = 0, simulated_cycles_486 = 0;
  std::uint64_t wall_ns = 0;  // of the replay alone
};

// Errors of Instance::Create, and INVALID_ARGUMENT for an operation whose handle is out of range or checkpoints that do not
// ascend or lie beyond the trace.
absl::StatusOr<RunResult> ExecuteRun(const Trace& trace, const InstanceConfig& config, const RunOptions& options);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_RUN_H_
