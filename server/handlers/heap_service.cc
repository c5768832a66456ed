#include "server/handlers/heap_service.h"

#include "server/converters/inspect_converter.h"
#include "server/handlers/grpc_status.h"
#include "server/handlers/heap_stream.h"

namespace alloclab::server {

HeapService::HeapService(InstanceRegistry& instances, const Callers& callers, const Queues& queues, WorkPool& pool,
                         OpenCalls& streams, WriteWatch& writes)
    : instances_(instances), callers_(callers), pool_(pool), streams_(streams), writes_(writes) {
  Queue(queues.operations, "Malloc", &HeapService::DoMalloc);
  Queue(queues.operations, "Calloc", &HeapService::DoCalloc);
  Queue(queues.operations, "Realloc", &HeapService::DoRealloc);
  Queue(queues.operations, "Free", &HeapService::DoFree);
  Queue(queues.operations, "AllocatePages", &HeapService::DoAllocatePages);
  Queue(queues.operations, "FreePages", &HeapService::DoFreePages);
  Queue(queues.batches, "Apply", &HeapService::DoApply);
}

grpc::Status HeapService::Operate(const Caller& caller, const std::string& instance, v1::OperationReply& reply,
                                  const Operation& kind, const std::function<OpResult(Driver&)>& operation,
                                  const ExplainRefusal& explain) {
  const auto found = callers_.FindOwn(caller, instances_, instance);
  if (!found.ok()) return ToGrpcStatus(found.status());
  const auto work = [&](Driver& driver) {
    const Instance& machine = driver.instance();
    const Costs before = machine.costs();
    const OpResult result = operation(driver);
    reply = ToProto(result, driver.operations(), before, machine.costs());
    const bool explained = Refused(result.outcome) || result.outcome == Outcome::kSizeOverflow;
    if (explain && explained) *reply.mutable_refusal() = ToProto(explain(machine, result.outcome));
  };
  return ToGrpcStatus((*found)->ApplyOne(kind, work, LeftBy(caller)));
}

grpc::Status HeapService::DoMalloc(const Caller& caller, const v1::MallocRequest& request, v1::OperationReply& reply) {
  return Operate(
      caller, request.instance(), reply, {OpKind::kMalloc, kNoBlock, request.bytes(), 0},
      [&](Driver& driver) { return driver.Malloc(request.bytes()); },
      [&](const Instance& machine, Outcome refused) { return machine.ExplainHeap(refused, request.bytes()); });
}

grpc::Status HeapService::DoCalloc(const Caller& caller, const v1::CallocRequest& request, v1::OperationReply& reply) {
  return Operate(
      caller, request.instance(), reply, {OpKind::kCalloc, kNoBlock, request.bytes(), request.count()},
      [&](Driver& driver) { return driver.Calloc(request.count(), request.bytes()); },
      [&](const Instance& machine, Outcome refused) {
        return machine.ExplainHeap(refused, std::uint64_t{request.count()} * request.bytes());
      });
}

grpc::Status HeapService::DoRealloc(const Caller& caller, const v1::ReallocRequest& request, v1::OperationReply& reply) {
  return Operate(
      caller, request.instance(), reply, {OpKind::kRealloc, kNoBlock, request.bytes(), kNoBlock},
      [&](Driver& driver) { return driver.Realloc(VirtAddr(request.address()), request.bytes()); },
      [&](const Instance& machine, Outcome refused) { return machine.ExplainHeap(refused, request.bytes()); });
}

grpc::Status HeapService::DoFree(const Caller& caller, const v1::FreeRequest& request, v1::OperationReply& reply) {
  return Operate(
      caller, request.instance(), reply, {OpKind::kFree, kNoBlock, 0, 0},
      [&](Driver& driver) { return driver.Free(VirtAddr(request.address())); }, nullptr);
}

grpc::Status HeapService::DoAllocatePages(const Caller& caller, const v1::AllocatePagesRequest& request,
                                          v1::OperationReply& reply) {
  return Operate(
      caller, request.instance(), reply, {OpKind::kAllocatePages, kNoBlock, request.bytes(), 0},
      [&](Driver& driver) { return driver.AllocatePages(request.bytes()); },
      [&](const Instance& machine, Outcome /*refused*/) { return machine.ExplainPages(request.bytes()); });
}

grpc::Status HeapService::DoFreePages(const Caller& caller, const v1::FreePagesRequest& request, v1::OperationReply& reply) {
  return Operate(
      caller, request.instance(), reply, {OpKind::kFreePages, kNoBlock, request.bytes(), 0},
      [&](Driver& driver) { return driver.FreePages(PhysAddr(request.address()), request.bytes()); }, nullptr);
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
  return new HeapStream(*context, find, pool_, streams_, writes_);  // deletes itself
}

}  // namespace alloclab::server
