#include "server/handlers/lab_service.h"

#include "server/converters/instance_converter.h"
#include "server/converters/list_converter.h"
#include "server/handlers/grpc_status.h"
#include "server/limits.h"
#include "server/log.h"

namespace alloclab::server {

grpc::Status LabService::GetServer(grpc::ServerContext*, const v1::GetServerRequest*, v1::Server* reply) {
  *reply = describe_();
  return grpc::Status::OK;
}

grpc::Status LabService::GetCatalog(grpc::ServerContext*, const v1::GetCatalogRequest*, v1::Catalog* reply) {
  *reply = CatalogToProto();
  return grpc::Status::OK;
}

grpc::Status LabService::CreateInstance(grpc::ServerContext*, const v1::CreateInstanceRequest* request, v1::Instance* reply) {
  if (grpc::Status bad = CheckRequest(*request); !bad.ok()) return bad;
  const absl::StatusOr<InstanceRequest> wanted = FromProto(*request);
  if (!wanted.ok()) return ToGrpcStatus(wanted.status());
  const auto instance = instances_.Create(*wanted);
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  *reply = ToProto(**instance);
  Log(LogLevel::kDebug, "instance.created", {{"instance", reply->name()}, {"id", reply->id()}});
  return grpc::Status::OK;
}

grpc::Status LabService::GetInstance(grpc::ServerContext*, const v1::GetInstanceRequest* request, v1::Instance* reply) {
  if (grpc::Status bad = CheckRequest(*request); !bad.ok()) return bad;
  const auto instance = instances_.Find(request->instance());
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  *reply = ToProto(**instance);
  return grpc::Status::OK;
}

grpc::Status LabService::ListInstances(grpc::ServerContext*, const v1::ListInstancesRequest* request,
                                       v1::ListInstancesResponse* reply) {
  if (grpc::Status bad = CheckRequest(*request); !bad.ok()) return bad;
  const auto size = PageSizeFromProto(request->page_size(), kListInstancesDefault, kListInstancesMax);
  if (!size.ok()) return ToGrpcStatus(size.status());
  const auto after = PageTokenFromProto(request->page_token());
  if (!after.ok()) return ToGrpcStatus(after.status());
  const auto instances = instances_.List(*after, *size + 1);
  PageBounds bounds(*size);
  for (const auto& instance : instances) {
    v1::Instance listed = ToProto(*instance);
    if (!bounds.Admit(listed.ByteSizeLong())) {
      reply->set_next_page_token(std::to_string(reply->instances().rbegin()->id()));
      break;
    }
    *reply->add_instances() = std::move(listed);
  }
  return grpc::Status::OK;
}

grpc::Status LabService::DeleteInstance(grpc::ServerContext*, const v1::DeleteInstanceRequest* request,
                                        v1::DeleteInstanceResponse*) {
  if (grpc::Status bad = CheckRequest(*request); !bad.ok()) return bad;
  return ToGrpcStatus(instances_.Delete(request->instance()));
}

}  // namespace alloclab::server
