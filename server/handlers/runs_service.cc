#include "server/handlers/runs_service.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "server/access/owner.h"
#include "server/collections/run_difference.h"
#include "server/converters/list_converter.h"
#include "server/converters/run_converter.h"
#include "server/errors.h"
#include "server/handlers/grpc_status.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

grpc::Status Reply(const absl::StatusOr<Run>& run, v1::Run& reply) {
  if (run.ok()) reply = ToProto(*run);
  return ToGrpcStatus(run.status());
}

}  // namespace

RunsService::RunsService(const RunWatch::Hosts& hosts, const Callers& callers, TraceLibrary& traces, OpenCalls& diffs,
                         CallQueue& calls)
    : QueuedService(callers), runs_(hosts.runs), traces_(traces), watchers_(hosts), diffs_(diffs) {
  Queue(calls, "SubmitRun", &RunsService::DoSubmitRun);
  Queue(calls, "GetRun", &RunsService::DoGetRun);
  Queue(calls, "ListRuns", &RunsService::DoListRuns);
  Queue(calls, "CancelRun", &RunsService::DoCancelRun);
  Queue(calls, "DeleteRun", &RunsService::DoDeleteRun);
  Queue(calls, "UpdateRun", &RunsService::DoUpdateRun);
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
  wanted->request_id = RequestIdOf(wanted->request.owner, wanted->request_id);
  return Reply(runs_.Submit(*std::move(wanted), LeftBy(caller)), reply);
}

grpc::Status RunsService::DoGetRun(const Caller&, const v1::GetRunRequest& request, v1::Run& reply) {
  return Reply(runs_.Get(request.id()), reply);
}

grpc::Status RunsService::DoListRuns(const Caller& caller, const v1::ListRunsRequest& request, v1::ListRunsResponse& reply) {
  const auto size = PageSizeFromProto(request.page_size(), kListRunsDefault, kListRunsMax);
  if (!size.ok()) return ToGrpcStatus(size.status());
  const auto before = PageTokenFromProto(request.page_token());
  if (!before.ok()) return ToGrpcStatus(before.status());
  const auto filter = FilterFromProto(request);
  if (!filter.ok()) return ToGrpcStatus(filter.status());
  const auto runs = runs_.List(*before, *size + 1, *filter, LeftBy(caller));
  if (!runs.ok()) return ToGrpcStatus(runs.status());
  reply = ToProto(*runs, *size);
  return grpc::Status::OK;
}

grpc::ServerWriteReactor<v1::Run>* RunsService::WatchRun(grpc::CallbackServerContext* context,
                                                         const v1::WatchRunRequest* request) {
  return new RunWatch(*context, watchers_, request->id(), callers_.Enter(*context));  // deletes itself
}

grpc::Status RunsService::DoCancelRun(const Caller& caller, const v1::CancelRunRequest& request, v1::Run& reply) {
  if (absl::Status own = callers_.CheckOwn(caller, runs_, request.id()); !own.ok()) return ToGrpcStatus(own);
  return Reply(runs_.Cancel(request.id()), reply);
}

grpc::Status RunsService::DoDeleteRun(const Caller& caller, const v1::DeleteRunRequest& request, v1::DeleteRunResponse&) {
  if (absl::Status own = callers_.CheckOwn(caller, runs_, request.id()); !own.ok()) return ToGrpcStatus(own);
  return ToGrpcStatus(runs_.Delete(request.id()));
}

grpc::Status RunsService::DoUpdateRun(const Caller& caller, const v1::UpdateRunRequest& request, v1::Run& reply) {
  if (absl::Status own = callers_.CheckOwn(caller, runs_, request.id()); !own.ok()) return ToGrpcStatus(own);
  const absl::StatusOr<RunChange> change = FromProto(request);
  return change.ok() ? Reply(runs_.Update(request.id(), *change), reply) : ToGrpcStatus(change.status());
}

grpc::Status RunsService::DoDiffRuns(const Caller& caller, const v1::DiffRunsRequest& request, v1::DiffRunsReply& reply) {
  const absl::StatusOr<Bearer> who = callers_.Who(caller);
  if (!who.ok()) return ToGrpcStatus(who.status());
  if (absl::Status status = diffs_.Admit(&caller, {caller.peer(), who->name}, errors::TooManyDiffs(diffs_.max())); !status.ok())
    return ToGrpcStatus(status);
  const absl::Cleanup leave = [&] { diffs_.Leave(&caller); };
  absl::StatusOr<v1::DiffRunsReply> found =
      server::DiffRuns(runs_, traces_, request.a(), request.b(), LeftBy(caller), who->name);
  if (found.ok()) reply = *std::move(found);
  return ToGrpcStatus(found.status());
}

}  // namespace alloclab::server
