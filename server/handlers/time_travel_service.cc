#include "server/handlers/time_travel_service.h"

#include <string>

#include "server/converters/time_travel_converter.h"
#include "server/handlers/grpc_status.h"

namespace alloclab::server {

TimeTravelService::TimeTravelService(OpenedRuns& runs, const InstanceRegistry& instances, const Callers& callers,
                                     CallQueue& calls)
    : QueuedService(callers), runs_(runs), instances_(instances) {
  Queue(calls, "Open", &TimeTravelService::DoOpen);
  Queue(calls, "Seek", &TimeTravelService::DoSeek);
  Queue(calls, "Explain", &TimeTravelService::DoExplain);
  Queue(calls, "ExplainRun", &TimeTravelService::DoExplainRun);
  Queue(calls, "FindTenants", &TimeTravelService::DoFindTenants);
  Queue(calls, "Describe", &TimeTravelService::DoDescribe);
  Queue(calls, "Close", &TimeTravelService::DoClose);
}

grpc::Status TimeTravelService::DoOpen(const Caller& caller, const v1::OpenRunRequest& request, v1::Moment& reply) {
  const absl::StatusOr<Bearer> who = callers_.Who(caller);
  if (!who.ok()) return ToGrpcStatus(who.status());
  const auto instance = runs_.Open(request.run(), request.operation(), LeftBy(caller), who->name);
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  reply = MomentOf(**instance);
  return grpc::Status::OK;
}

absl::StatusOr<std::shared_ptr<LiveInstance>> TimeTravelService::FindOwn(const Caller& caller, const std::string& name) {
  const auto own = callers_.FindOwn(caller, instances_, name);
  if (!own.ok()) return own.status();
  return runs_.Find(std::to_string((*own)->id()));  // the name may be another's by now
}

grpc::Status TimeTravelService::DoSeek(const Caller& caller, const v1::SeekRequest& request, v1::Moment& reply) {
  const auto instance = FindOwn(caller, request.instance());
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  if (absl::Status status = (*instance)->Seek(request.operation(), LeftBy(caller)); !status.ok()) return ToGrpcStatus(status);
  reply = MomentOf(**instance);
  return grpc::Status::OK;
}

grpc::Status TimeTravelService::DoExplain(const Caller& caller, const v1::ExplainRequest& request, v1::Explanation& reply) {
  const auto instance = FindOwn(caller, request.instance());
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  const auto explanation = (*instance)->ExplainOperation(request.operation(), LeftBy(caller));
  if (!explanation.ok()) return ToGrpcStatus(explanation.status());
  reply = ToProto(*explanation, (*instance)->opened_run()->run);
  return grpc::Status::OK;
}

grpc::Status TimeTravelService::DoExplainRun(const Caller& caller, const v1::ExplainRunRequest& request,
                                             v1::RunExplanation& reply) {
  const auto instance = FindOwn(caller, request.instance());
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  const OpenedRun& opened = *(*instance)->opened_run();
  const std::uint64_t until = request.until() != 0 ? request.until() : opened.trace->operations.size();
  if (absl::Status status = (*instance)->SurveyHoles(until, LeftBy(caller)); !status.ok()) return ToGrpcStatus(status);
  const auto report = (*instance)->ReportHoles();
  if (!report.ok()) return ToGrpcStatus(report.status());
  reply = ToProto(*report, opened.run);
  return grpc::Status::OK;
}

grpc::Status TimeTravelService::DoFindTenants(const Caller& caller, const v1::FindTenantsRequest& request,
                                              v1::TenantList& reply) {
  const auto instance = FindOwn(caller, request.instance());
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  const OpenedRun& opened = *(*instance)->opened_run();
  const std::uint64_t until = request.until() != 0 ? request.until() : opened.trace->operations.size();
  const auto report = (*instance)->FindTenants(request.address(), request.pages(), until, LeftBy(caller));
  if (!report.ok()) return ToGrpcStatus(report.status());
  reply = ToProto(*report, opened, request);
  return grpc::Status::OK;
}

grpc::Status TimeTravelService::DoDescribe(const Caller&, const v1::DescribeRequest& request, v1::Moment& reply) {
  const auto instance = runs_.Find(request.instance());
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  reply = MomentOf(**instance);
  return grpc::Status::OK;
}

grpc::Status TimeTravelService::DoClose(const Caller& caller, const v1::CloseRunRequest& request, v1::CloseRunReply&) {
  const auto own = callers_.FindOwn(caller, instances_, request.instance());
  if (!own.ok()) return ToGrpcStatus(own.status());
  return ToGrpcStatus(runs_.Close(std::to_string((*own)->id())));
}

}  // namespace alloclab::server
