#include "server/handlers/runs_service.h"

#include <fmt/format.h>

#include <span>

#include "absl/cleanup/cleanup.h"
#include "allocators/common/check.h"
#include "allocators/guest/guest_patience.h"
#include "allocators/workload/difference.h"
#include "allocators/workload/host_need.h"
#include "server/access/owner.h"
#include "server/converters/list_converter.h"
#include "server/converters/run_comparison.h"
#include "server/converters/run_converter.h"
#include "server/entities/memory_lease.h"
#include "server/entities/native_allocator.h"
#include "server/errors.h"
#include "server/handlers/grpc_status.h"
#include "server/handlers/run_watch.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

grpc::Status Reply(const absl::StatusOr<Run>& run, v1::Run& reply) {
  if (run.ok()) reply = ToProto(*run);
  return ToGrpcStatus(run.status());
}

// A run with a result; FAILED_PRECONDITION without one.
absl::StatusOr<Run> GetEnded(const RunExecutor& runs, std::uint64_t id) {
  absl::StatusOr<Run> run = runs.Get(id);
  if (run.ok() && !run->result) return errors::RunWithoutResult(id, RunStateName(run->state));
  if (run.ok() && IsNative(run->request.config)) return errors::NativeNotComparable(id);
  return run;
}

bool HaveSameTrace(const Run& a, const Run& b) { return a.result->exact().trace_sha256() == b.result->exact().trace_sha256(); }

// REQUIRES: both replayed the same operations.
absl::Status AddFirstDifference(TraceLibrary& traces, const Run& a, const Run& b, const Caller& caller,
                                v1::DiffRunsReply& reply) {
  ALLOCLAB_CHECK(HaveSameTrace(a, b));
  const Interrupt left = [&caller] { return caller.IsCancelled(); };
  const absl::StatusOr<std::shared_ptr<const Trace>> trace = traces.Load(a.request, left);
  if (!trace.ok()) return trace.status();
  const std::uint64_t handles = HandlesHostNeed((*trace)->heap_handles + (*trace)->page_handles);
  MachineLease lease_a(traces.budget()), lease_b(traces.budget());
  for (const auto& [lease, run] : {std::pair(&lease_a, &a), std::pair(&lease_b, &b)}) {
    if (absl::Status status = lease->Take(MachineHostNeed(run->request.config) + handles); !status.ok()) return status;
  }
  const auto go_on = [&](const RunProgress&, const Driver&) { return !left(); };
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

RunsService::RunsService(RunExecutor& runs, const Callers& callers, TraceLibrary& traces, OpenCalls& watchers, OpenCalls& diffs,
                         WriteWatch& writes, CallQueue& calls)
    : runs_(runs), callers_(callers), traces_(traces), watchers_(watchers), diffs_(diffs), writes_(writes) {
  Queue(calls, "SubmitRun", &RunsService::DoSubmitRun);
  Queue(calls, "GetRun", &RunsService::DoGetRun);
  Queue(calls, "ListRuns", &RunsService::DoListRuns);
  Queue(calls, "CancelRun", &RunsService::DoCancelRun);
  Queue(calls, "DeleteRun", &RunsService::DoDeleteRun);
  Queue(calls, "DiffRuns", &RunsService::DoDiffRuns);
}

grpc::Status RunsService::DoSubmitRun(const Caller& caller, const v1::SubmitRunRequest& request, v1::Run& reply) {
  absl::StatusOr<RunSubmission> wanted = FromProto(request);
  if (!wanted.ok()) return ToGrpcStatus(wanted.status());
  const absl::StatusOr<Bearer> who = callers_.Who(caller);
  if (!who.ok()) return ToGrpcStatus(who.status());
  if (wanted->request.owner.empty()) wanted->request.owner = who->name;
  const absl::Status may = CheckOwner(*who, wanted->request.owner, "the run");
  if (!may.ok()) return ToGrpcStatus(may);
  return Reply(runs_.Submit(*std::move(wanted)), reply);
}

grpc::Status RunsService::DoGetRun(const Caller&, const v1::GetRunRequest& request, v1::Run& reply) {
  return Reply(runs_.Get(request.id()), reply);
}

grpc::Status RunsService::DoListRuns(const Caller&, const v1::ListRunsRequest& request, v1::ListRunsResponse& reply) {
  const auto size = PageSizeFromProto(request.page_size(), kListRunsDefault, kListRunsMax);
  if (!size.ok()) return ToGrpcStatus(size.status());
  const auto before = PageTokenFromProto(request.page_token());
  if (!before.ok()) return ToGrpcStatus(before.status());
  const auto filter = FilterFromProto(request);
  if (!filter.ok()) return ToGrpcStatus(filter.status());
  const auto runs = runs_.List(*before, *size + 1, *filter);
  if (!runs.ok()) return ToGrpcStatus(runs.status());
  reply = ToProto(*runs, *size);
  return grpc::Status::OK;
}

grpc::ServerWriteReactor<v1::Run>* RunsService::WatchRun(grpc::CallbackServerContext* context,
                                                         const v1::WatchRunRequest* request) {
  return new RunWatch(*context, runs_, watchers_, writes_, request->id());  // deletes itself
}

grpc::Status RunsService::DoCancelRun(const Caller& caller, const v1::CancelRunRequest& request, v1::Run& reply) {
  if (absl::Status own = callers_.CheckOwn(caller, runs_, request.id()); !own.ok()) return ToGrpcStatus(own);
  return Reply(runs_.Cancel(request.id()), reply);
}

grpc::Status RunsService::DoDeleteRun(const Caller& caller, const v1::DeleteRunRequest& request, v1::DeleteRunResponse&) {
  if (absl::Status own = callers_.CheckOwn(caller, runs_, request.id()); !own.ok()) return ToGrpcStatus(own);
  return ToGrpcStatus(runs_.Delete(request.id()));
}

grpc::Status RunsService::DoDiffRuns(const Caller& caller, const v1::DiffRunsRequest& request, v1::DiffRunsReply& reply) {
  if (absl::Status status = diffs_.Admit(&caller, caller.peer(), errors::TooManyDiffs(diffs_.max())); !status.ok())
    return ToGrpcStatus(status);
  const absl::Cleanup leave = [&] { diffs_.Leave(&caller); };
  const absl::StatusOr<Run> a = GetEnded(runs_, request.a()), b = GetEnded(runs_, request.b());
  if (!a.ok()) return ToGrpcStatus(a.status());
  if (!b.ok()) return ToGrpcStatus(b.status());
  bool identical = true;
  for (v1::FieldDifference& difference : CompareExact(a->result->exact(), b->result->exact())) {
    identical = identical && IsGiven(difference);
    *reply.add_differences() = std::move(difference);
  }
  reply.set_identical(identical);
  reply.set_same_trace(HaveSameTrace(*a, *b));
  if (identical || !reply.same_trace()) return grpc::Status::OK;
  return ToGrpcStatus(AddFirstDifference(traces_, *a, *b, caller, reply));
}

}  // namespace alloclab::server
