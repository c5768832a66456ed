// Service alloclab.v1.Heap. The stream is a reactor (heap_stream.h).
#ifndef ALLOCLAB_SERVER_HANDLERS_HEAP_SERVICE_H_
#define ALLOCLAB_SERVER_HANDLERS_HEAP_SERVICE_H_

#include <string>

#include "alloclab/v1/heap.grpc.pb.h"
#include "server/collections/instance_registry.h"
#include "server/converters/single_operation.h"
#include "server/handlers/callers.h"
#include "server/handlers/heap_stream.h"
#include "server/handlers/queued_service.h"
#include "server/http/call_queue.h"

namespace alloclab::server {

class HeapService final : public QueuedService<v1::Heap, v1::Heap::WithCallbackMethod_Stream<v1::Heap::Service>> {
 public:
  // All outlive the service. Two queues: single operations, those of `streams`, are short, batches long.
  HeapService(InstanceRegistry& instances, const Callers& callers, CallQueue& batches, const HeapStream::Hosts& streams);

  grpc::ServerBidiReactor<v1::Batch, v1::BatchReply>* Stream(grpc::CallbackServerContext* context) override;

 private:
  grpc::Status DoMalloc(const Caller& caller, const v1::MallocRequest& request, v1::OperationReply& reply);
  grpc::Status DoCalloc(const Caller& caller, const v1::CallocRequest& request, v1::OperationReply& reply);
  grpc::Status DoRealloc(const Caller& caller, const v1::ReallocRequest& request, v1::OperationReply& reply);
  grpc::Status DoFree(const Caller& caller, const v1::FreeRequest& request, v1::OperationReply& reply);
  grpc::Status DoAllocatePages(const Caller& caller, const v1::AllocatePagesRequest& request, v1::OperationReply& reply);
  grpc::Status DoFreePages(const Caller& caller, const v1::FreePagesRequest& request, v1::OperationReply& reply);
  grpc::Status DoApply(const Caller& caller, const v1::Batch& batch, v1::BatchReply& reply);

  // One operation on the instance of that name.
  grpc::Status Operate(const Caller& caller, const std::string& instance, const SingleOperation& operation,
                       v1::OperationReply& reply);

  InstanceRegistry& instances_;
  const HeapStream::Hosts streams_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_HEAP_SERVICE_H_
