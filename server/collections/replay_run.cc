#include "server/collections/replay_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/functional/function_ref.h"
#include "absl/time/clock.h"
#include "allocators/common/printable.h"
#include "allocators/guest/guest_heap.h"
#include "allocators/guest/guest_pages.h"
#include "allocators/guest/guest_patience.h"
#include "allocators/workload/checkpoints.h"
#include "allocators/workload/host_need.h"
#include "allocators/workload/run.h"
#include "server/converters/run_converter.h"
#include "server/entities/memory_lease.h"

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

// How a user's program died, empty if it did not, and what it printed, line by line.
void AddProgramNotes(std::string_view died, const GuestText& text, std::vector<std::string>& notes) {
  if (!died.empty()) notes.push_back("the program died: " + Printable(died));
  for (std::string_view rest = text.printed; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    notes.push_back("the program printed: " + Printable(line));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  if (const std::uint64_t more = text.printed_bytes - text.printed.size(); more > 0) {
    notes.push_back(fmt::format("the program printed {} bytes more, which were not kept", more));
  }
}

// Of the machine's programs; whether one of them died.
bool AddProgramNotes(const Instance& machine, std::vector<std::string>& notes) {
  bool died = false;
  const auto add = [&](const auto* program) {
    if (program == nullptr) return;
    AddProgramNotes(program->died(), program->text(), notes);
    died = died || !program->died().empty();
  };
  add(dynamic_cast<const GuestPages*>(&machine.pages()));
  add(dynamic_cast<const GuestHeap*>(machine.heap()));
  return died;
}

absl::Status Replay(LiveRun& live, const Run& run, TraceLibrary& traces, const std::shared_ptr<HostBudget>& budget,
                    absl::FunctionRef<void(const RunReport&)> done) {
  const RunRequest& request = run.request;
  const MonotonicTime began = MonotonicTime::Now();
  const absl::StatusOr<std::shared_ptr<const Trace>> trace = traces.Load(request, [&live] { return live.cancel_requested(); });
  if (!trace.ok()) return trace.status();
  auto checkpoints = ParseCheckpoints(request.digest_at, (*trace)->operations.size());
  if (!checkpoints.ok()) return checkpoints.status();
  const auto prepared_ns = static_cast<std::uint64_t>(absl::ToInt64Nanoseconds(MonotonicTime::Now() - began));

  MachineLease lease(budget);
  const std::uint64_t handles = std::uint64_t{(*trace)->heap_handles} + (*trace)->page_handles;
  const std::uint64_t need = MachineHostNeed(request.config) + HandlesHostNeed(handles);
  if (absl::Status status = lease.Take(need); !status.ok()) return status;
  RunOptions options;
  options.checkpoints = *std::move(checkpoints);
  options.admit = [&](const Driver& driver, std::span<const Operation> next) { return lease.Admit(driver, next); };
  const Instance* machine = nullptr;
  options.progress = [&](const RunProgress& progress, const Driver& driver) {
    machine = &driver.instance();
    live.Advance(progress, driver);
    return !live.cancel_requested();
  };
  options.interrupt = [&live] { return live.end_claimed(); };  // a cancelled run is summed up, while someone waits for that
  options.ended = [&](const RunResult& result) {
    TraceFile file = run.file.value_or(TraceFile{(*trace)->format, (*trace)->notes});
    const bool died = machine != nullptr && AddProgramNotes(*machine, file.notes);
    RunReport report{result, file.format, file.notes, SeedOf(request), prepared_ns};
    // A program that was left in the middle of the last operation did not do it.
    report.result.cancelled |= died && live.cancel_requested();
    done(report);
  };
  const GuestPatience patience([&live] { return live.cancel_requested(); });
  return ExecuteRun(**trace, request.config, options).status();
}

absl::Status ReplayWithinBudget(LiveRun& live, const Run& run, TraceLibrary& traces, const std::shared_ptr<HostBudget>& budget,
                                absl::FunctionRef<void(const RunReport&)> done) {
  const std::uint64_t ram_bytes = run.request.config.ram_bytes;
  if (absl::Status status = budget->Promise(ram_bytes); !status.ok()) return status;
  absl::Cleanup release = [&] { budget->Release(ram_bytes); };
  return Replay(live, run, traces, budget, [&](const RunReport& report) {
    std::move(release).Invoke();  // whoever hears of the end may promise as much
    done(report);
  });
}

}  // namespace

void ReplayRun(LiveRun& live, TraceLibrary& traces, const std::shared_ptr<HostBudget>& budget,
               absl::FunctionRef<void(Run)> finish) {
  Run run = live.Get();
  const Run submitted = run;
  const absl::Status status = ReplayWithinBudget(live, submitted, traces, budget, [&](const RunReport& report) {
    live.SetFinalSnapshot(FinalSnapshot(report.result));
    run.state = report.result.cancelled ? RunState::kCancelled : RunState::kSucceeded;
    run.operations_done = report.result.operations;
    if (!report.result.cancelled) run.operations_total = report.result.operations;
    run.result = std::make_shared<const v1::RunResult>(ToProto(report));
    run.end_time = live.EndTime();
    finish(run);
  });
  if (status.ok()) return;
  run.state = absl::IsCancelled(status) ? RunState::kCancelled : RunState::kFailed;
  if (run.state == RunState::kFailed) run.error = std::string(status.message());
  run.end_time = live.EndTime();
  finish(run);
}

}  // namespace alloclab::server
