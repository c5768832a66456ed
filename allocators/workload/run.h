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
  std::uint32_t epilogue = 0;
  std::string metadata_sha256;  // over the header words from start to brk, u32 little-endian, prologue in, epilogue out
};

// Takes one now. REQUIRES: the instance has a heap.
Checkpoint TakeCheckpoint(Instance& instance, std::uint64_t after_operation);

struct RunProgress {
  std::uint64_t operations_done = 0, operations_total = 0;
  std::uint64_t wall_ns = 0;
};

struct RunOptions {
  std::vector<std::uint64_t> checkpoints;   // operation counts, ascending; one at the end is always taken
  std::uint64_t progress_every = 65536;     // operations between two calls of `progress`
  std::function<bool(const RunProgress&, const Driver&)> progress;  // false: stop (the result says so)
};

// Everything a run found. All but wall_ns is exact: the same on every machine, engine and compiler.
struct RunResult {
  InstanceConfig config;  // complete
  std::string trace_sha256;
  std::uint64_t operations = 0;  // done
  bool cancelled = false;
  DriverCounters counters;
  HeapCosts heap_costs;
  PageCosts page_costs;
  VmCosts vm_costs;
  PageShape pages;
  std::vector<Checkpoint> checkpoints;  // the last one is the end
  std::uint64_t violations = 0;         // of the invariants, at the end
  std::uint64_t simulated_cycles_386 = 0, simulated_cycles_486 = 0;  // cost model i386-v1
  std::uint64_t wall_ns = 0;            // of the replay alone
};

// INVALID_ARGUMENT: bad configuration or handles.
absl::StatusOr<RunResult> ExecuteRun(const Trace& trace, const InstanceConfig& config, const RunOptions& options);

// "1/4,1/2,5000" -> operation counts, ascending, for a trace of `operations`. INVALID_ARGUMENT naming the item.
absl::StatusOr<std::vector<std::uint64_t>> ParseCheckpoints(std::string_view text, std::uint64_t operations);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_RUN_H_
