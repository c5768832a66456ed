#include "server/collections/replay_run.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/time/clock.h"
#include "allocators/workload/builtins.h"
#include "allocators/workload/checkpoints.h"
#include "allocators/workload/run.h"
#include "server/converters/run_converter.h"

namespace alloclab::server {
namespace {

// What the finished run's machine looked like, for the metrics: exactly what the result says.
Snapshot FinalSnapshot(const RunResult& result) {
  Snapshot snapshot;
  snapshot.time = absl::Now();
  snapshot.operations = result.operations;
  snapshot.counters = result.counters;
  snapshot.heap_counts = result.heap_counts;
  snapshot.page_counts = result.page_counts;
  snapshot.vm_costs = result.vm_costs;
  if (!result.checkpoints.empty()) {
    snapshot.heap = result.checkpoints.back().heap;
    snapshot.heap_figures = result.checkpoints.back().figures;
  }
  snapshot.pages = result.pages;
  snapshot.page_figures = result.page_figures;
  snapshot.violations = result.violations;
  return snapshot;
}

// Charges the budget for the host memory that the run's machine holds.
class MemoryCharge {
 public:
  explicit MemoryCharge(HostBudget& budget) : budget_(budget) {}
  ~MemoryCharge() { budget_.Charge(held_bytes_, 0); }

  // What the machine holds now; not OK when everything together is too much.
  absl::Status Update(std::uint64_t held_bytes) {
    budget_.Charge(held_bytes_, held_bytes);
    held_bytes_ = held_bytes;
    return budget_.Admit();
  }

 private:
  HostBudget& budget_;
  std::uint64_t held_bytes_ = 0;
};

std::uint64_t SeedOf(const RunRequest& request) {
  if (const auto* spec = std::get_if<WorkloadSpec>(&request.workload)) return spec->seed;
  const auto* choice = std::get_if<BuiltinChoice>(&request.workload);
  if (choice == nullptr) return 0;
  if (choice->seed != 0) return choice->seed;
  for (const BuiltinWorkload& builtin : BuiltinWorkloads()) {
    const auto* spec = std::get_if<WorkloadSpec>(&builtin.content);
    if (builtin.name == choice->name && spec != nullptr) return spec->seed;
  }
  return 0;
}

absl::StatusOr<RunReport> Replay(LiveRun& live, const RunRequest& request, TraceLibrary& traces, HostBudget& budget) {
  const absl::Time began = absl::Now();
  const absl::StatusOr<std::shared_ptr<const Trace>> trace = traces.Load(request);
  if (!trace.ok()) return trace.status();
  auto checkpoints = ParseCheckpoints(request.digest_at, (*trace)->operations.size());
  if (!checkpoints.ok()) return checkpoints.status();
  const absl::Duration prepared = absl::Now() - began;

  MemoryCharge charge(budget);
  absl::Status refused;
  RunOptions options;
  options.checkpoints = *std::move(checkpoints);
  options.progress = [&](const RunProgress& progress, const Driver& driver) {
    if (live.Advance(progress, driver)) refused = charge.Update(driver.instance().host_bytes() + driver.host_bytes());
    return refused.ok() && !live.cancel_requested();
  };
  absl::StatusOr<RunResult> result = ExecuteRun(**trace, request.config, options);
  if (!result.ok()) return result.status();
  if (!refused.ok()) return refused;
  return RunReport{*std::move(result), (*trace)->format, (*trace)->notes, SeedOf(request),
                   static_cast<std::uint64_t>(absl::ToInt64Nanoseconds(prepared))};
}

absl::StatusOr<RunReport> ReplayWithinBudget(LiveRun& live, const RunRequest& request, TraceLibrary& traces,
                                             HostBudget& budget) {
  if (absl::Status status = budget.Admit(); !status.ok()) return status;
  if (absl::Status status = budget.Promise(request.config.ram_bytes); !status.ok()) return status;
  const absl::Cleanup release = [&] { budget.Release(request.config.ram_bytes); };
  return Replay(live, request, traces, budget);
}

}  // namespace

Run ReplayRun(LiveRun& live, TraceLibrary& traces, HostBudget& budget) {
  Run run = live.Get();
  const absl::StatusOr<RunReport> report = ReplayWithinBudget(live, run.request, traces, budget);
  if (report.ok()) {
    live.SetFinalSnapshot(FinalSnapshot(report->result));
    run.state = report->result.cancelled ? RunState::kCancelled : RunState::kSucceeded;
    run.operations_done = report->result.operations;
    if (!report->result.cancelled) run.operations_total = report->result.operations;
    run.result = std::make_shared<const v1::RunResult>(ToProto(*report));
  } else {
    run.state = RunState::kFailed;
    run.error = std::string(report.status().message());
  }
  run.end_time = absl::Now();
  return run;
}

}  // namespace alloclab::server
