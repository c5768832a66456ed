#include "server/collections/run_difference.h"

#include <fmt/format.h>

#include <span>
#include <string>
#include <utility>

#include "allocators/common/check.h"
#include "allocators/guest/guest_patience.h"
#include "allocators/workload/difference.h"
#include "allocators/workload/host_need.h"
#include "server/converters/run_comparison.h"
#include "server/entities/memory_lease.h"
#include "server/entities/native_allocator.h"
#include "server/errors.h"

namespace alloclab::server {
namespace {

// A run with a result; FAILED_PRECONDITION without one.
absl::StatusOr<Run> GetEnded(const RunExecutor& runs, std::uint64_t id) {
  absl::StatusOr<Run> run = runs.Get(id);
  if (run.ok() && !run->result) return errors::RunWithoutResult(id, RunStateName(run->state));
  if (run.ok() && IsNative(run->request.config)) return errors::NativeNotComparable(id);
  return run;
}

bool HaveSameTrace(const Run& a, const Run& b) { return a.result->exact().trace_sha256() == b.result->exact().trace_sha256(); }

// REQUIRES: both replayed the same operations.
absl::Status AddFirstDifference(TraceLibrary& traces, const Run& a, const Run& b, const Interrupt& left,
                                const std::string& owner, v1::DiffRunsReply& reply) {
  ALLOCLAB_CHECK(HaveSameTrace(a, b));
  RunRequest asked = a.request;
  asked.owner = owner;
  const absl::StatusOr<std::shared_ptr<const Trace>> trace = traces.Load(asked, left);
  if (!trace.ok()) return trace.status();
  const std::uint64_t handles = HandlesHostNeed((*trace)->heap_handles + (*trace)->page_handles);
  const std::shared_ptr<HostBudget> budget = traces.budget()->Of(owner);
  MachineLease lease_a(budget), lease_b(budget);
  for (const auto& [lease, run] : {std::pair(&lease_a, &a), std::pair(&lease_b, &b)}) {
    if (absl::Status status = lease->Take(MachineHostNeed(run->request.config) + handles); !status.ok()) return status;
  }
  const auto go_on = [&](const RunProgress&, const Driver&) { return !Interrupted(left); };
  const auto admit = [](MachineLease& lease) {
    return [&lease](const Driver& driver, std::span<const Operation> next) { return lease.Admit(driver, next); };
  };
  const GuestPatience patience(left);
  const absl::StatusOr<Difference> difference = FindFirstDifference(
      **trace, a.request.config, b.request.config, go_on, {.a = fmt::format("run {}", a.id), .b = fmt::format("run {}", b.id)},
      {.admit_a = admit(lease_a), .admit_b = admit(lease_b), .interrupt = left});
  if (!difference.ok()) return difference.status();
  if (difference->cancelled) return errors::CallCancelled();
  reply.set_first_operation(difference->operation);
  reply.set_first_difference(difference->what);
  reply.set_placement_only(difference->placement_only);
  if (difference->placement_only) reply.set_identical(difference->operation == 0);
  return absl::OkStatus();
}

// What was given, not found: the configuration, and what was said of the trace's file.
bool IsGiven(const v1::FieldDifference& difference) {
  const std::string& field = difference.field();
  return field.starts_with("config.") || field == "trace_format" || field.starts_with("trace_notes");
}

}  // namespace

absl::StatusOr<v1::DiffRunsReply> DiffRuns(const RunExecutor& runs, TraceLibrary& traces, std::uint64_t a, std::uint64_t b,
                                           const Interrupt& left, const std::string& owner) {
  const absl::StatusOr<Run> run_a = GetEnded(runs, a), run_b = GetEnded(runs, b);
  if (!run_a.ok()) return run_a.status();
  if (!run_b.ok()) return run_b.status();
  v1::DiffRunsReply reply;
  bool identical = true;
  for (v1::FieldDifference& difference : CompareExact(run_a->result->exact(), run_b->result->exact())) {
    identical = identical && IsGiven(difference);
    *reply.add_differences() = std::move(difference);
  }
  reply.set_identical(identical);
  reply.set_same_trace(HaveSameTrace(*run_a, *run_b));
  if (identical || !reply.same_trace()) return reply;
  if (absl::Status status = AddFirstDifference(traces, *run_a, *run_b, left, owner, reply); !status.ok()) return status;
  return reply;
}

}  // namespace alloclab::server
