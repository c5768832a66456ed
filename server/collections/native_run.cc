#include "server/collections/native_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/collections/native_process.h"
#include "server/converters/native_converter.h"
#include "server/converters/run_converter.h"
#include "server/entities/memory_lease.h"
#include "server/entities/native_plan.h"
#include "server/entities/shared_memory.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

// What a process may hold: blocks cost more than was asked for, the more the smaller they are.
std::uint64_t RssMax(const NativePlan& plan) {
  return kNativeHeapFactor * (plan.peak_live_bytes + kNativeBlockBytes * plan.peak_live_blocks) + kNativeSlackBytes +
         plan.slots * sizeof(void*);
}

class Measuring {
 public:
  Measuring(LiveRun& live, const RunRequest& request, const NativeAllocators& natives, const Interrupt& interrupt)
      : live_(live), request_(request), natives_(natives), interrupt_(interrupt) {}

  absl::Status Prepare(const Trace& trace, MemoryLease& lease) {
    const std::uint64_t operation_bytes = trace.operations.size() * (sizeof(Operation) + sizeof(std::uint32_t));
    if (absl::Status status = lease.Take(operation_bytes + PlanBytes(trace)); !status.ok()) return status;
    absl::StatusOr<SharedMemory> operations = SharedMemory::Create(trace.operations.size() * sizeof(Operation));
    if (!operations.ok()) return operations.status();
    report_.plan = PlanNative(trace, operations->As<Operation>(), interrupt_);
    if (Interrupted(interrupt_)) return absl::CancelledError("the run was cancelled");
    if (report_.plan.operations == 0)
      return absl::AbortedError("the workload has no heap operation that a real allocator can do");
    operations->Shrink(report_.plan.operations * sizeof(Operation));
    absl::StatusOr<SharedMemory> times = SharedMemory::Create(report_.plan.operations * sizeof(std::uint32_t));
    if (!times.ok()) return times.status();
    std::ranges::fill(times->As<std::uint32_t>(), std::numeric_limits<std::uint32_t>::max());
    for (const SharedMemory* memory : {&*operations, &*times}) {
      if (absl::Status status = memory->SealSize(); !status.ok()) return status;
    }
    operations_.emplace(*std::move(operations));
    times_.emplace(*std::move(times));
    return lease.Take(RssMax(report_.plan));
  }

  absl::StatusOr<v1::NativeResult> Measure() {
    const absl::StatusOr<NativeAllocator> allocator = natives_.Find(request_.config.heap_allocator);
    if (!allocator.ok()) return allocator.status();
    library_ = allocator->library;
    const std::uint32_t repeats = NativeAllocators::RepeatsOf(request_.config);
    passes_ = 1 + kNativeLatencyPasses + repeats;
    const MonotonicTime began = MonotonicTime::Now();
    std::vector<native::Result> memory;
    if (absl::Status status = Pass(native::kPassMemory, memory); !status.ok()) return status;
    report_.memory = memory.front();
    for (std::uint32_t i = 0; i < kNativeLatencyPasses; ++i) {
      if (absl::Status status = Pass(native::kPassLatency, report_.latency); !status.ok()) return status;
    }
    for (std::uint32_t i = 0; i < repeats; ++i) {
      if (i >= kNativeRepeatsMin && MonotonicTime::Now() - began > natives_.time_max()) break;
      if (absl::Status status = Pass(native::kPassTime, report_.time); !status.ok()) return status;
    }
    report_.times = times_->As<const std::uint32_t>();
    return ToProto(report_);
  }

 private:
  absl::Status Pass(std::string_view pass, std::vector<native::Result>& results) {
    const absl::StatusOr<native::Result> result = RunNativePass({.program = natives_.program(),
                                                                 .library = library_,
                                                                 .pass = pass,
                                                                 .plan = report_.plan,
                                                                 .operations = *operations_,
                                                                 .times = pass == native::kPassLatency ? &*times_ : nullptr,
                                                                 .rss_max = RssMax(report_.plan),
                                                                 .time_max = natives_.time_max()},
                                                                interrupt_);
    if (absl::IsCancelled(result.status())) return result.status();
    if (!result.ok()) {
      return absl::AbortedError(
          fmt::format("{}, {} replay: {}", request_.config.heap_allocator, pass, std::string(result.status().message())));
    }
    results.push_back(*result);
    live_.Proceed(++passes_done_, passes_);
    return absl::OkStatus();
  }

  LiveRun& live_;
  const RunRequest& request_;
  const NativeAllocators& natives_;
  const Interrupt& interrupt_;
  NativeReport report_;
  std::optional<SharedMemory> operations_, times_;
  std::string library_;
  std::uint32_t passes_ = 0, passes_done_ = 0;
};

absl::StatusOr<v1::RunResult> Measure(LiveRun& live, const Run& run, TraceLibrary& traces,
                                      const std::shared_ptr<HostBudget>& budget, const NativeAllocators& natives) {
  const RunRequest& request = run.request;
  const Interrupt interrupt = [&live] { return live.cancel_requested(); };
  const MonotonicTime began = MonotonicTime::Now();
  const absl::StatusOr<std::shared_ptr<const Trace>> trace = traces.Load(request, interrupt);
  if (!trace.ok()) return trace.status();
  MemoryLease lease(budget);
  Measuring measuring(live, request, natives, interrupt);
  if (absl::Status status = measuring.Prepare(**trace, lease); !status.ok()) return status;
  const TraceFile file = run.file.value_or(TraceFile{(*trace)->format, (*trace)->notes});
  RunReport report{{}, file.format, file.notes, SeedOf(request), 0};
  report.result.config = request.config;
  report.result.operations = (*trace)->operations.size();
  report.result.trace_sha256 = WorkloadDigest(**trace, interrupt);
  report.prepare_ns = static_cast<std::uint64_t>(absl::ToInt64Nanoseconds(MonotonicTime::Now() - began));
  absl::StatusOr<v1::NativeResult> result = measuring.Measure();
  if (!result.ok()) return result.status();
  return ToProto(report, *std::move(result));
}

}  // namespace

void MeasureRun(LiveRun& live, TraceLibrary& traces, const std::shared_ptr<HostBudget>& budget, const NativeAllocators& natives,
                absl::FunctionRef<void(Run)> finish) {
  Run run = live.Get();
  absl::StatusOr<v1::RunResult> result = Measure(live, run, traces, budget, natives);
  run.end_time = live.EndTime();
  if (result.ok()) {
    run.state = RunState::kSucceeded;
    run.operations_total = run.operations_done = result->exact().operations();
    run.result = std::make_shared<const v1::RunResult>(*std::move(result));
  } else if (absl::IsCancelled(result.status())) {
    run.state = RunState::kCancelled;
  } else {
    run.state = RunState::kFailed;
    run.error = std::string(result.status().message());
  }
  finish(run);
}

}  // namespace alloclab::server
