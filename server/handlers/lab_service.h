// Service alloclab.v1.Lab.
#ifndef ALLOCLAB_SERVER_HANDLERS_LAB_SERVICE_H_
#define ALLOCLAB_SERVER_HANDLERS_LAB_SERVICE_H_

#include <functional>
#include <utility>

#include "alloclab/v1/lab.grpc.pb.h"
#include "server/collections/instance_registry.h"

namespace alloclab::server {

class LabService final : public v1::Lab::Service {
 public:
  // `instances` outlives the service; `describe` says what GetServer answers.
  LabService(InstanceRegistry& instances, std::function<v1::Server()> describe)
      : instances_(instances), describe_(std::move(describe)) {}

  grpc::Status GetServer(grpc::ServerContext*, const v1::GetServerRequest*, v1::Server* reply) override;
  grpc::Status GetCatalog(grpc::ServerContext*, const v1::GetCatalogRequest*, v1::Catalog* reply) override;
  grpc::Status CreateInstance(grpc::ServerContext*, const v1::CreateInstanceRequest* request, v1::Instance* reply) override;
  grpc::Status GetInstance(grpc::ServerContext*, const v1::GetInstanceRequest* request, v1::Instance* reply) override;
  grpc::Status ListInstances(grpc::ServerContext*, const v1::ListInstancesRequest* request,
                             v1::ListInstancesResponse* reply) override;
  grpc::Status DeleteInstance(grpc::ServerContext*, const v1::DeleteInstanceRequest* request,
                              v1::DeleteInstanceResponse*) override;

 private:
  InstanceRegistry& instances_;
  const std::function<v1::Server()> describe_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_LAB_SERVICE_H_
