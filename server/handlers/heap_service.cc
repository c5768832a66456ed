#include "server/handlers/heap_service.h"

#include "server/converters/inspect_converter.h"
#include "server/handlers/grpc_status.h"
#include "server/handlers/heap_stream.h"

namespace alloclab::server {

grpc::Status HeapService::Operate(const grpc::ServerContext& context, const std::string& instance, v1::OperationReply& reply,
                                  const Operation& kind, const std::function<OpResult(Driver&)>& operation,
                                  const ExplainRefusal& explain) {
  const auto found = instances_.Find(instance);
  if (!found.ok()) return ToGrpcStatus(found.status());
  const auto work = [&](Driver& driver) {
    const Instance& machine = driver.instance();
    const Costs before = machine.costs();
    const OpResult result = operation(driver);
    reply = ToProto(result, driver.operations(), before, machine.costs());
    const bool explained = Refused(result.outcome) || result.outcome == Outcome::kSizeOverflow;
    if (explain && explained) *reply.mutable_refusal() = ToProto(explain(machine));
  };
  return ToGrpcStatus((*found)->ApplyOne(kind, work, [&context] { return context.IsCancelled(); }));
}

grpc::Status HeapService::Malloc(grpc::ServerContext* context, const v1::MallocRequest* request, v1::OperationReply* reply) {
  if (grpc::Status bad = CheckRequest(*request); !bad.ok()) return bad;
  return Operate(
      *context, request->instance(), *reply, {OpKind::kMalloc, kNoBlock, request->bytes(), 0},
      [&](Driver& driver) { return driver.Malloc(request->bytes()); },
      [&](const Instance& machine) { return machine.ExplainHeap(request->bytes()); });
}

grpc::Status HeapService::Calloc(grpc::ServerContext* context, const v1::CallocRequest* request, v1::OperationReply* reply) {
  if (grpc::Status bad = CheckRequest(*request); !bad.ok()) return bad;
  return Operate(
      *context, request->instance(), *reply, {OpKind::kCalloc, kNoBlock, request->bytes(), request->count()},
      [&](Driver& driver) { return driver.Calloc(request->count(), request->bytes()); },
      [&](const Instance& machine) { return machine.ExplainHeap(std::uint64_t{request->count()} * request->bytes()); });
}

grpc::Status HeapService::Realloc(grpc::ServerContext* context, const v1::ReallocRequest* request, v1::OperationReply* reply) {
  if (grpc::Status bad = CheckRequest(*request); !bad.ok()) return bad;
  return Operate(
      *context, request->instance(), *reply, {OpKind::kRealloc, kNoBlock, request->bytes(), kNoBlock},
      [&](Driver& driver) { return driver.Realloc(VirtAddr(request->address()), request->bytes()); },
      [&](const Instance& machine) { return machine.ExplainHeap(request->bytes()); });
}

grpc::Status HeapService::Free(grpc::ServerContext* context, const v1::FreeRequest* request, v1::OperationReply* reply) {
  if (grpc::Status bad = CheckRequest(*request); !bad.ok()) return bad;
  return Operate(
      *context, request->instance(), *reply, {OpKind::kFree, kNoBlock, 0, 0},
      [&](Driver& driver) { return driver.Free(VirtAddr(request->address())); }, nullptr);
}

grpc::Status HeapService::AllocatePages(grpc::ServerContext* context, const v1::AllocatePagesRequest* request,
                                        v1::OperationReply* reply) {
  if (grpc::Status bad = CheckRequest(*request); !bad.ok()) return bad;
  return Operate(
      *context, request->instance(), *reply, {OpKind::kAllocatePages, kNoBlock, request->bytes(), 0},
      [&](Driver& driver) { return driver.AllocatePages(request->bytes()); },
      [&](const Instance& machine) { return machine.ExplainPages(request->bytes()); });
}

grpc::Status HeapService::FreePages(grpc::ServerContext* context, const v1::FreePagesRequest* request,
                                    v1::OperationReply* reply) {
  if (grpc::Status bad = CheckRequest(*request); !bad.ok()) return bad;
  return Operate(
      *context, request->instance(), *reply, {OpKind::kFreePages, kNoBlock, request->bytes(), 0},
      [&](Driver& driver) { return driver.FreePages(PhysAddr(request->address()), request->bytes()); }, nullptr);
}

grpc::Status HeapService::Apply(grpc::ServerContext* context, const v1::Batch* batch, v1::BatchReply* reply) {
  if (grpc::Status bad = CheckRequest(*batch); !bad.ok()) return bad;
  const auto found = instances_.Find(batch->instance());
  if (!found.ok()) return ToGrpcStatus(found.status());
  BatchWork work;
  const auto stopped = ApplyBatch(
      **found, *batch, [context] { return context->IsCancelled(); }, work, *reply);
  return ToGrpcStatus(stopped.status());
}

grpc::ServerBidiReactor<v1::Batch, v1::BatchReply>* HeapService::Stream(grpc::CallbackServerContext* context) {
  return new HeapStream(*context, instances_, pool_, streams_, writes_);  // deletes itself
}

}  // namespace alloclab::server
