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

constexpr std::uint64_t kPieceOperations = 256;    // between two looks at the clock, which so cost nothing
constexpr std::uint64_t kSliceNsMax = 20'000'000;  // a slice is left when it has taken that long

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
        curve_step_(CurveStep(trace.operations)),
        pacer_(std::max<std::uint64_t>(options.progress_every, 1)) {}

  absl::Status Run() {
    for (const std::uint64_t checkpoint : options_.checkpoints) {
      if (!AdvanceTo(checkpoint)) return refused_;
      Mark();
    }
    AdvanceTo(operations_.size());
    return refused_;
  }

  // Records a checkpoint here, unless there is one.
  void Mark() {
    const bool marked = !result_.checkpoints.empty() && result_.checkpoints.back().after_operation == result_.operations;
    if (instance_.heap() == nullptr || marked) return;
    if (result_.cancelled) {
      result_.checkpoints.push_back({result_.operations, instance_.heap()->Shape(), instance_.heap()->Figures(), ""});
    } else {
      result_.checkpoints.push_back(TakeCheckpoint(instance_, result_.operations, options_.interrupt));
    }
  }

 private:
  // How many of the next operations are to be applied at once; 0: none, as the caller refused.
  std::uint64_t NextSlice(std::uint64_t end) {
    const std::uint64_t to_point = curve_step_ - result_.operations % curve_step_;
    const std::uint64_t count = std::min({pacer_.slice(), to_point, end - result_.operations});
    if (!options_.admit) return count;
    const absl::StatusOr<std::size_t> admitted = options_.admit(driver_, operations_.subspan(result_.operations, count));
    refused_ = admitted.status();
    return admitted.ok() ? *admitted : 0;
  }

  // Applies a slice, or its beginning when its operations turn out to be slow. How many were applied.
  std::uint64_t Apply(std::uint64_t count) {
    const std::uint64_t start_ns = NowNs();
    std::uint64_t applied = 0, took_ns = 0;
    while (applied < count && took_ns < kSliceNsMax) {
      const std::uint64_t piece = std::min(kPieceOperations, count - applied);
      driver_.Apply(operations_.subspan(result_.operations + applied, piece));
      applied += piece;
      took_ns = NowNs() - start_ns;
    }
    pacer_.Took(applied, took_ns);
    result_.wall_ns += took_ns;
    return applied;
  }

  // False when the caller said stop.
  bool AdvanceTo(std::uint64_t end) {
    while (result_.operations < end) {
      const std::uint64_t count = NextSlice(end);
      if (count == 0) return false;
      result_.operations += Apply(count);
      if (result_.operations % curve_step_ == 0 || result_.operations == operations_.size()) {
        result_.curve.push_back(TakeCurvePoint(driver_));
      }
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
  const std::uint64_t curve_step_;
  Pacer pacer_;
  absl::Status refused_;
};

void Summarise(const Instance& instance, const Driver& driver, const Interrupt& interrupt, RunResult& result) {
  result.counters = driver.counters();
  result.page_counts = instance.pages().Counts();
  result.pages = instance.pages().Shape();
  result.page_figures = instance.pages().Figures();
  const Costs costs = instance.costs();
  result.simulated_cycles_386 = Cycles(k386dx33, costs);
  result.simulated_cycles_486 = Cycles(k486dx2_66, costs);
  result.vm_costs = costs.vm;
  if (!result.cancelled) result.violations = instance.pages().CheckInvariants(interrupt).size();
  if (instance.heap() == nullptr) return;
  result.heap_counts = instance.heap()->Counts();
  if (!result.cancelled) result.violations += instance.heap()->CheckInvariants(interrupt).size();
}

}  // namespace

Checkpoint TakeCheckpoint(const Instance& instance, std::uint64_t after_operation, const Interrupt& interrupt) {
  ALLOCLAB_CHECK(instance.heap() != nullptr);
  const HeapAllocator& heap = *instance.heap();
  Sha256 digest;
  heap.VisitMetadata([&digest](std::uint32_t word) { digest.UpdateU32(word); }, interrupt);
  return {after_operation, heap.Shape(), heap.Figures(), digest.HexDigest()};
}

std::uint64_t PeakRamBytes(const RunResult& result) {
  if (result.checkpoints.empty()) return 0;
  const HeapShape& heap = result.checkpoints.back().heap;
  const std::uint64_t size = result.counters.heap_size_peak_bytes;
  if (size < heap.limit - heap.start) return size;
  if (const std::uint64_t peak = CountOf(result.heap_counts, "pages_peak"); peak != 0) return peak * kPageBytes;
  const std::uint64_t pages =
      std::max({result.vm_costs.demand_faults, std::uint64_t{result.vm_costs.mapped_frames}, result.record.blocks.pages()});
  return std::min(size, pages * kPageBytes);
}

absl::StatusOr<RunResult> ExecuteRun(const Trace& trace, const InstanceConfig& config, const RunOptions& options) {
  if (absl::Status status = CheckCheckpoints(options.checkpoints, trace.operations.size()); !status.ok()) return status;
  auto instance = Instance::Create(config);
  if (!instance.ok()) return instance.status();
  Driver driver(**instance);
  if (absl::Status status = driver.Admit(trace.operations); !status.ok()) return status;

  RunResult result;
  result.config = (*instance)->config();
  result.trace_sha256 = WorkloadDigest(trace, options.interrupt);
  driver.TouchAs(trace.touches);
  driver.RecordIn(&result.record);
  Replay replay(trace, options, **instance, driver, result);
  if (absl::Status status = replay.Run(); !status.ok()) return status;
  replay.Mark();
  Summarise(**instance, driver, options.interrupt, result);
  if (Interrupted(options.interrupt)) return absl::CancelledError("the run was interrupted");
  if (options.ended) options.ended(result);
  return result;
}

}  // namespace alloclab
