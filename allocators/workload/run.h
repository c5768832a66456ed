// A run: one workload on one fresh instance, from the first operation to the last, and everything that was found.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_RUN_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_RUN_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/catalog/instance.h"
#include "allocators/common/interrupt.h"
#include "allocators/workload/curve.h"
#include "allocators/workload/driver.h"
#include "allocators/workload/trace.h"

namespace alloclab {

// The state of a heap's metadata after a number of operations; what the reference vectors hold.
struct Checkpoint {
  std::uint64_t after_operation = 0;
  HeapShape heap;
  std::vector<Figure> figures;
  std::string metadata_sha256;  // over the words that VisitMetadata shows, u32 little-endian; empty where a run was stopped

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// Takes one now. Interrupted, its digest is of nothing. REQUIRES: the instance has a heap.
Checkpoint TakeCheckpoint(const Instance& instance, std::uint64_t after_operation, const Interrupt& interrupt = {});

struct RunProgress {
  std::uint64_t operations_done = 0, operations_total = 0;
  std::uint64_t wall_ns = 0;
};

// Called between operations, about every 10 ms (never later than one operation after that), and at the end. False: stop.
using ProgressCallback = std::function<bool(const RunProgress&, const Driver&)>;

// Called before operations are applied, with those that come next: how many of them may be, at least one; an error ends the
// run.
using AdmitCallback = std::function<absl::StatusOr<std::size_t>(const Driver&, std::span<const Operation>)>;

// Everything a run found. All but wall_ns is exact: the same on every machine, engine and compiler.
struct RunResult {
  InstanceConfig config;  // complete
  std::string trace_sha256;
  std::uint64_t operations = 0;  // done
  bool cancelled = false;        // stopped by the callback: then what takes a walk over the heap is left off, digest and check
  DriverCounters counters;
  std::vector<Count> heap_counts, page_counts;
  VmCosts vm_costs;
  PageShape pages;
  std::vector<Figure> page_figures;
  std::vector<Checkpoint> checkpoints;  // the last one is the end; none without a heap
  OperationRecord record;
  std::vector<CurvePoint> curve;  // every CurveStep operations, and at the end
  std::uint64_t violations = 0;   // of the invariants of both allocators, at the end of the trace; at most kViolationsMax each
  // Of both allocators, cost model i386-v1: the sum of what the operations cost.
  std::uint64_t simulated_cycles_386 = 0, simulated_cycles_486 = 0;
  std::uint64_t wall_ns = 0;  // of the replay alone
};

// The most RAM that the heap took. A heap that grows is as large as it had to be; of one in an arena: the pages that it
// touched, or in which blocks lay; of one that gives pages back, its counter pages_peak. 0 without a heap.
std::uint64_t PeakRamBytes(const RunResult& result);

struct RunOptions {
  std::vector<std::uint64_t> checkpoints;  // operation counts, ascending; one at the end is always taken
  std::uint64_t progress_every = 65536;    // at most so many operations between two calls of `progress`
  ProgressCallback progress;
  AdmitCallback admit = nullptr;
  // Called with the result while the machine still stands, which may take a while to take down.
  std::function<void(const RunResult&)> ended = nullptr;
  // Asked in all that is long beside the replay itself: digests and checks of a large heap are left off, and the run ends with
  // CANCELLED.
  Interrupt interrupt = nullptr;
};

// Errors of Instance::Create and of the callbacks, and INVALID_ARGUMENT for an operation whose handle is out of range or
// checkpoints that do not ascend or lie beyond the trace.
absl::StatusOr<RunResult> ExecuteRun(const Trace& trace, const InstanceConfig& config, const RunOptions& options);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_RUN_H_
