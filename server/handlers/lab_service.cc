#include "server/handlers/lab_service.h"

#include "server/access/owner.h"
#include "server/converters/instance_converter.h"
#include "server/converters/list_converter.h"
#include "server/converters/native_converter.h"
#include "server/handlers/grpc_status.h"
#include "server/limits.h"
#include "server/log.h"

namespace alloclab::server {
namespace {

void AddOthers(const InstanceRegistry& instances, v1::ListInstancesResponse& reply) {
  const auto others = instances.ListElsewhere(kOtherInstancesMax);
  if (!others.ok()) return reply.set_others_trouble(std::string(others.status().message()));
  for (const InstanceDirectory::Other& other : *others) {
    v1::OtherInstance& listed = *reply.add_others();
    listed.set_name(other.entry.name);
    listed.set_id(other.entry.id);
    listed.set_owner(other.entry.owner);
    listed.mutable_place()->set_server(other.place.server);
    listed.mutable_place()->set_address(other.place.address);
    listed.mutable_place()->set_page(other.place.page);
  }
}

}  // namespace

LabService::LabService(InstanceRegistry& instances, const Callers& callers, const NativeAllocators& natives,
                       std::function<v1::Server()> describe, CallQueue& calls)
    : QueuedService(callers), instances_(instances), natives_(natives), describe_(std::move(describe)) {
  Queue(calls, "GetServer", &LabService::DoGetServer);
  Queue(calls, "GetCatalog", &LabService::DoGetCatalog);
  Queue(calls, "CreateInstance", &LabService::DoCreateInstance);
  Queue(calls, "GetInstance", &LabService::DoGetInstance);
  Queue(calls, "ListInstances", &LabService::DoListInstances);
  Queue(calls, "DeleteInstance", &LabService::DoDeleteInstance);
}

grpc::Status LabService::DoGetServer(const Caller&, const v1::GetServerRequest&, v1::Server& reply) {
  reply = describe_();
  return grpc::Status::OK;
}

grpc::Status LabService::DoGetCatalog(const Caller&, const v1::GetCatalogRequest&, v1::Catalog& reply) {
  reply = CatalogToProto();
  AddNatives(natives_, reply);
  return grpc::Status::OK;
}

grpc::Status LabService::DoCreateInstance(const Caller& caller, const v1::CreateInstanceRequest& request, v1::Instance& reply) {
  absl::StatusOr<InstanceRequest> wanted = FromProto(request);
  if (!wanted.ok()) return ToGrpcStatus(wanted.status());
  const absl::StatusOr<Bearer> who = callers_.Who(caller);
  if (!who.ok()) return ToGrpcStatus(who.status());
  wanted->owner = who->name;
  wanted->request_id = RequestIdOf(who->name, wanted->request_id);
  const auto instance = instances_.Create(*wanted);
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  reply = ToProto(**instance);
  Log(LogLevel::kDebug, "instance.created", {{"instance", reply.name()}, {"id", reply.id()}});
  return grpc::Status::OK;
}

grpc::Status LabService::DoGetInstance(const Caller&, const v1::GetInstanceRequest& request, v1::Instance& reply) {
  const auto instance = instances_.Find(request.instance());
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  reply = ToProto(**instance);
  return grpc::Status::OK;
}

grpc::Status LabService::DoListInstances(const Caller&, const v1::ListInstancesRequest& request,
                                         v1::ListInstancesResponse& reply) {
  const auto size = PageSizeFromProto(request.page_size(), kListInstancesDefault, kListInstancesMax);
  if (!size.ok()) return ToGrpcStatus(size.status());
  const auto after = PageTokenFromProto(request.page_token());
  if (!after.ok()) return ToGrpcStatus(after.status());
  const auto instances = instances_.List(*after, *size + 1);
  PageBounds bounds(*size);
  for (const auto& instance : instances) {
    v1::Instance listed = ToProto(*instance);
    if (!bounds.Admit(listed.ByteSizeLong())) {
      reply.set_next_page_token(std::to_string(reply.instances().rbegin()->id()));
      break;
    }
    *reply.add_instances() = std::move(listed);
  }
  if (reply.next_page_token().empty()) AddOthers(instances_, reply);
  return grpc::Status::OK;
}

grpc::Status LabService::DoDeleteInstance(const Caller& caller, const v1::DeleteInstanceRequest& request,
                                          v1::DeleteInstanceResponse&) {
  const auto instance = callers_.FindOwn(caller, instances_, request.instance());
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  return ToGrpcStatus(instances_.Delete(std::to_string((*instance)->id())));  // the name may be another's by now
}

}  // namespace alloclab::server
