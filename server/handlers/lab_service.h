// Service alloclab.v1.Lab.
#ifndef ALLOCLAB_SERVER_HANDLERS_LAB_SERVICE_H_
#define ALLOCLAB_SERVER_HANDLERS_LAB_SERVICE_H_

#include <functional>
#include <utility>

#include "alloclab/v1/lab.grpc.pb.h"
#include "server/collections/instance_registry.h"
#include "server/entities/native_allocator.h"
#include "server/handlers/callers.h"
#include "server/handlers/queued_service.h"

namespace alloclab::server {

class LabService final : public QueuedService<v1::Lab> {
 public:
  // `instances`, `callers` and `natives` outlive the service; `describe` says what GetServer answers.
  LabService(InstanceRegistry& instances, const Callers& callers, const NativeAllocators& natives,
             std::function<v1::Server()> describe, CallQueue& calls);

 private:
  grpc::Status DoGetServer(const Caller& caller, const v1::GetServerRequest& request, v1::Server& reply);
  grpc::Status DoGetCatalog(const Caller& caller, const v1::GetCatalogRequest& request, v1::Catalog& reply);
  grpc::Status DoCreateInstance(const Caller& caller, const v1::CreateInstanceRequest& request, v1::Instance& reply);
  grpc::Status DoGetInstance(const Caller& caller, const v1::GetInstanceRequest& request, v1::Instance& reply);
  grpc::Status DoListInstances(const Caller& caller, const v1::ListInstancesRequest& request, v1::ListInstancesResponse& reply);
  grpc::Status DoDeleteInstance(const Caller& caller, const v1::DeleteInstanceRequest& request,
                                v1::DeleteInstanceResponse& reply);

  InstanceRegistry& instances_;
  const NativeAllocators& natives_;
  const std::function<v1::Server()> describe_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_LAB_SERVICE_H_
