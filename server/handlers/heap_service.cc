#include "server/handlers/heap_service.h"

#include <utility>

#include "server/handlers/grpc_status.h"

namespace alloclab::server {

HeapService::HeapService(InstanceRegistry& instances, const Callers& callers, CallQueue& batches,
                         const HeapStream::Hosts& streams)
    : QueuedService(callers), instances_(instances), streams_(streams) {
  Queue(streams.operations, "Malloc", &HeapService::DoMalloc);
  Queue(streams.operations, "Calloc", &HeapService::DoCalloc);
  Queue(streams.operations, "Realloc", &HeapService::DoRealloc);
  Queue(streams.operations, "Free", &HeapService::DoFree);
  Queue(streams.operations, "AllocatePages", &HeapService::DoAllocatePages);
  Queue(streams.operations, "FreePages", &HeapService::DoFreePages);
  Queue(batches, "Apply", &HeapService::DoApply);
}

grpc::Status HeapService::Operate(const Caller& caller, const std::string& instance, const SingleOperation& operation,
                                  v1::OperationReply& reply) {
  const auto found = callers_.FindOwn(caller, instances_, instance);
  if (!found.ok()) return ToGrpcStatus(found.status());
  absl::StatusOr<v1::OperationReply> done = ApplyTo(**found, operation, LeftBy(caller));
  if (done.ok()) reply = *std::move(done);
  return ToGrpcStatus(done.status());
}

grpc::Status HeapService::DoMalloc(const Caller& caller, const v1::MallocRequest& request, v1::OperationReply& reply) {
  return Operate(caller, request.instance(), MallocOf(request.bytes()), reply);
}

grpc::Status HeapService::DoCalloc(const Caller& caller, const v1::CallocRequest& request, v1::OperationReply& reply) {
  return Operate(caller, request.instance(), CallocOf(request.count(), request.bytes()), reply);
}

grpc::Status HeapService::DoRealloc(const Caller& caller, const v1::ReallocRequest& request, v1::OperationReply& reply) {
  return Operate(caller, request.instance(), ReallocOf(request.address(), request.bytes()), reply);
}

grpc::Status HeapService::DoFree(const Caller& caller, const v1::FreeRequest& request, v1::OperationReply& reply) {
  return Operate(caller, request.instance(), FreeOf(request.address()), reply);
}

grpc::Status HeapService::DoAllocatePages(const Caller& caller, const v1::AllocatePagesRequest& request,
                                          v1::OperationReply& reply) {
  return Operate(caller, request.instance(), AllocatePagesOf(request.bytes()), reply);
}

grpc::Status HeapService::DoFreePages(const Caller& caller, const v1::FreePagesRequest& request, v1::OperationReply& reply) {
  return Operate(caller, request.instance(), FreePagesOf(request.address(), request.bytes()), reply);
}

grpc::Status HeapService::DoApply(const Caller& caller, const v1::Batch& batch, v1::BatchReply& reply) {
  const auto found = callers_.FindOwn(caller, instances_, batch.instance());
  if (!found.ok()) return ToGrpcStatus(found.status());
  BatchWork work;
  const auto stopped = ApplyBatch(**found, batch, LeftBy(caller), work, reply);
  return ToGrpcStatus(stopped.status());
}

grpc::ServerBidiReactor<v1::Batch, v1::BatchReply>* HeapService::Stream(grpc::CallbackServerContext* context) {
  const HeapStream::Find find = [this, context](const std::string& name) {
    return callers_.FindOwn(*context, instances_, name);
  };
  return new HeapStream(*context, find, streams_, callers_.Enter(*context));  // deletes itself
}

}  // namespace alloclab::server
