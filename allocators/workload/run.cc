#include "allocators/workload/run.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/common/cost_model.h"
#include "allocators/common/sha256.h"
#include "allocators/workload/pacer.h"

namespace alloclab {
namespace {

std::uint64_t NowNs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

absl::Status CheckCheckpoints(const std::vector<std::uint64_t>& checkpoints, std::uint64_t operations) {
  if (!std::is_sorted(checkpoints.begin(), checkpoints.end())) {
    return absl::InvalidArgumentError("checkpoints: expected ascending operation counts");
  }
  if (!checkpoints.empty() && checkpoints.back() > operations) {
    return absl::InvalidArgumentError(absl::StrFormat("checkpoints: %d is beyond the trace; expected at most its %d operations",
                                                      checkpoints.back(), operations));
  }
  return absl::OkStatus();
}

// One replay, from one checkpoint to the next.
class Replay {
 public:
  Replay(const Trace& trace, const RunOptions& options, Instance& instance, Driver& driver, RunResult& result)
      : operations_(trace.operations),
        options_(options),
        instance_(instance),
        driver_(driver),
        result_(result),
        pacer_(std::max<std::uint64_t>(options.progress_every, 1)) {}

  void Run() {
    for (const std::uint64_t checkpoint : options_.checkpoints) {
      if (!AdvanceTo(checkpoint)) return;
      Mark();
    }
    AdvanceTo(operations_.size());
  }

  // Records a checkpoint here, unless there is one.
  void Mark() {
    const bool marked = !result_.checkpoints.empty() && result_.checkpoints.back().after_operation == result_.operations;
    if (instance_.heap() != nullptr && !marked) result_.checkpoints.push_back(TakeCheckpoint(instance_, result_.operations));
  }

 private:
  // False when the caller said stop.
  bool AdvanceTo(std::uint64_t end) {
    while (result_.operations < end) {
      const std::uint64_t count = std::min(pacer_.slice(), end - result_.operations);
      const std::uint64_t start_ns = NowNs();
      driver_.Apply(operations_.subspan(result_.operations, count));
      const std::uint64_t took_ns = NowNs() - start_ns;
      if (count == pacer_.slice()) pacer_.Took(took_ns);
      result_.operations += count;
      result_.wall_ns += took_ns;
      if (options_.progress && !options_.progress({result_.operations, operations_.size(), result_.wall_ns}, driver_)) {
        result_.cancelled = result_.operations < operations_.size();
        return !result_.cancelled;
      }
    }
    return true;
  }

  std::span<const Operation> operations_;
  const RunOptions& options_;
  Instance& instance_;
  Driver& driver_;
  RunResult& result_;
  Pacer pacer_;
};

void Summarise(const Instance& instance, const Driver& driver, RunResult& result) {
  result.counters = driver.counters();
  result.page_counts = instance.pages().Counts();
  result.pages = instance.pages().Shape();
  result.page_figures = instance.pages().Figures();
  result.violations = instance.pages().CheckInvariants().size();
  const Costs costs = instance.costs();
  result.simulated_cycles_386 = Cycles(k386dx33, costs);
  result.simulated_cycles_486 = Cycles(k486dx2_66, costs);
  result.vm_costs = costs.vm;
  if (instance.heap() == nullptr) return;
  result.heap_counts = instance.heap()->Counts();
  result.violations += instance.heap()->CheckInvariants().size();
}

}  // namespace

Checkpoint TakeCheckpoint(const Instance& instance, std::uint64_t after_operation) {
  ALLOCLAB_CHECK(instance.heap() != nullptr);
  const HeapAllocator& heap = *instance.heap();
  Sha256 digest;
  heap.VisitMetadata([&digest](std::uint32_t word) { digest.UpdateU32(word); });
  return {after_operation, heap.Shape(), heap.Figures(), digest.HexDigest()};
}

absl::StatusOr<RunResult> ExecuteRun(const Trace& trace, const InstanceConfig& config, const RunOptions& options) {
  if (absl::Status status = CheckCheckpoints(options.checkpoints, trace.operations.size()); !status.ok()) return status;
  auto instance = Instance::Create(config);
  if (!instance.ok()) return instance.status();
  Driver driver(**instance);
  if (absl::Status status = driver.Admit(trace.operations); !status.ok()) return status;

  RunResult result;
  result.config = (*instance)->config();
  result.trace_sha256 = TraceDigest(trace.operations);
  Replay replay(trace, options, **instance, driver, result);
  replay.Run();
  replay.Mark();
  Summarise(**instance, driver, result);
  return result;
}

}  // namespace alloclab
