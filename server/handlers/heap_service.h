// Service alloclab.v1.Heap. One operation or batch is a blocking call; the stream is a reactor (heap_stream.h).
#ifndef ALLOCLAB_SERVER_HANDLERS_HEAP_SERVICE_H_
#define ALLOCLAB_SERVER_HANDLERS_HEAP_SERVICE_H_

#include <functional>
#include <string>

#include "alloclab/v1/heap.grpc.pb.h"
#include "server/collections/instance_registry.h"
#include "server/handlers/open_calls.h"
#include "server/handlers/work_pool.h"
#include "server/handlers/write_watch.h"

namespace alloclab::server {

class HeapService final : public v1::Heap::WithCallbackMethod_Stream<v1::Heap::Service> {
 public:
  // All outlive the service.
  HeapService(InstanceRegistry& instances, WorkPool& pool, OpenCalls& streams, WriteWatch& writes)
      : instances_(instances), pool_(pool), streams_(streams), writes_(writes) {}

  grpc::Status Malloc(grpc::ServerContext* context, const v1::MallocRequest* request, v1::OperationReply* reply) override;
  grpc::Status Calloc(grpc::ServerContext* context, const v1::CallocRequest* request, v1::OperationReply* reply) override;
  grpc::Status Realloc(grpc::ServerContext* context, const v1::ReallocRequest* request, v1::OperationReply* reply) override;
  grpc::Status Free(grpc::ServerContext* context, const v1::FreeRequest* request, v1::OperationReply* reply) override;
  grpc::Status AllocatePages(grpc::ServerContext* context, const v1::AllocatePagesRequest* request,
                             v1::OperationReply* reply) override;
  grpc::Status FreePages(grpc::ServerContext* context, const v1::FreePagesRequest* request, v1::OperationReply* reply) override;
  grpc::Status Apply(grpc::ServerContext* context, const v1::Batch* batch, v1::BatchReply* reply) override;
  grpc::ServerBidiReactor<v1::Batch, v1::BatchReply>* Stream(grpc::CallbackServerContext* context) override;

 private:
  // Why the machine, which is as it was, could not serve the allocation.
  using ExplainRefusal = std::function<Refusal(const Instance&)>;
  // One operation on the instance of that name, what it cost, and why it was refused if it was. `kind` says what `operation` does.
  grpc::Status Operate(const grpc::ServerContext& context, const std::string& instance, v1::OperationReply& reply,
                       const Operation& kind, const std::function<OpResult(Driver&)>& operation, const ExplainRefusal& explain);

  InstanceRegistry& instances_;
  WorkPool& pool_;
  OpenCalls& streams_;
  WriteWatch& writes_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_HEAP_SERVICE_H_
