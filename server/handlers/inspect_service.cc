#include "server/handlers/inspect_service.h"

#include <fmt/format.h>

#include <utility>

#include "proto/converters/bounds.h"
#include "server/converters/inspect_converter.h"
#include "server/converters/statistics_converter.h"
#include "server/errors.h"
#include "server/handlers/grpc_status.h"
#include "server/handlers/walk.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

// Looks at an instance for a caller, as long as he waits.
absl::Status LookFor(const Caller& caller, LiveInstance& instance, const Look& look) {
  return instance.LookAt(look, MonotonicTime::InfiniteFuture(), LeftBy(caller));
}

}  // namespace

InspectService::InspectService(InstanceRegistry& instances, const Callers& callers, const StreamHosts& walks, CallQueue& calls)
    : QueuedService(callers), instances_(instances), walks_(walks) {
  Queue(calls, "GetStatistics", &InspectService::DoGetStatistics);
  Queue(calls, "ReadMemory", &InspectService::DoReadMemory);
  Queue(calls, "Translate", &InspectService::DoTranslate);
  Queue(calls, "CheckInvariants", &InspectService::DoCheckInvariants);
}

grpc::Status InspectService::DoGetStatistics(const Caller& caller, const v1::GetStatisticsRequest& request,
                                             v1::Statistics& reply) {
  const auto instance = instances_.Find(request.instance());
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  absl::Status status = LookFor(caller, **instance, [&](const Driver& driver) { reply = ToProto(TakeSnapshot(driver)); });
  reply.set_instance((*instance)->name());
  reply.set_id((*instance)->id());
  return ToGrpcStatus(status);
}

grpc::ServerWriteReactor<v1::BlockList>* InspectService::WalkBlocks(grpc::CallbackServerContext* context,
                                                                    const v1::WalkBlocksRequest* request) {
  // With the first page: to find that there is no such instance may take long, where other servers may have it.
  NextPage<v1::BlockList> next = [this, request = *request, walk = NextPage<v1::BlockList>()](
                                     v1::BlockList& page, const Interrupt& left) mutable -> absl::StatusOr<bool> {
    if (walk == nullptr) {
      absl::StatusOr<NextPage<v1::BlockList>> begun = BeginWalk(request);
      if (!begun.ok()) return begun.status();
      walk = *std::move(begun);
    }
    return walk(page, left);
  };
  return new PageStream<v1::BlockList>(*context, walks_, callers_.Enter(*context), errors::TooManyWalks(walks_.calls.max()),
                                       std::move(next));
}

absl::StatusOr<NextPage<v1::BlockList>> InspectService::BeginWalk(const v1::WalkBlocksRequest& request) const {
  if (absl::Status status = CheckBounds(request); !status.ok()) return status;
  const auto instance = instances_.Find(request.instance());
  if (!instance.ok()) return instance.status();
  if (!v1::AllocatorKind_IsValid(request.allocator())) {
    return errors::BadField("allocator",
                            fmt::format("{} is no allocator; HEAP and PAGES are", static_cast<int>(request.allocator())));
  }
  return WalkBlocksOf(*instance, request);
}

grpc::Status InspectService::DoReadMemory(const Caller& caller, const v1::ReadMemoryRequest& request,
                                          v1::ReadMemoryReply& reply) {
  const auto instance = instances_.Find(request.instance());
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  if (request.bytes() == 0 || request.bytes() > kReadMemoryBytesMax) {
    return ToGrpcStatus(
        errors::BadField("bytes", fmt::format("{} is not between 1 and {}", request.bytes(), kReadMemoryBytesMax)));
  }
  absl::Status read;
  absl::Status looked =
      LookFor(caller, **instance, [&](const Driver& driver) { read = ReadMemoryOf(driver, request, *reply.mutable_data()); });
  reply.set_address(request.address());
  return ToGrpcStatus(looked.ok() ? read : looked);
}

grpc::Status InspectService::DoTranslate(const Caller& caller, const v1::TranslateRequest& request, v1::Translation& reply) {
  const auto instance = instances_.Find(request.instance());
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  absl::Status translated;
  absl::Status looked = LookFor(caller, **instance, [&](const Driver& driver) {
    if (AddressSpace* space = driver.instance().space()) {
      reply = ToProto(space->Translate(VirtAddr(request.address())));
    } else {
      translated = errors::InstanceWithoutHeap((*instance)->name());
    }
  });
  return ToGrpcStatus(looked.ok() ? translated : looked);
}

grpc::Status InspectService::DoCheckInvariants(const Caller& caller, const v1::CheckInvariantsRequest& request,
                                               v1::CheckInvariantsReply& reply) {
  const auto instance = instances_.Find(request.instance());
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  absl::Status status = LookFor(caller, **instance, [&](const Driver& driver) {
    Instance& machine = driver.instance();
    const Interrupt left = LeftBy(caller);
    for (const Violation& violation : machine.pages().CheckInvariants(left)) *reply.add_violations() = ToProto(violation);
    reply.set_page_blocks(machine.pages().Shape().free_blocks);
    if (const HeapAllocator* heap = machine.heap()) {
      for (const Violation& violation : heap->CheckInvariants(left)) *reply.add_violations() = ToProto(violation);
      reply.set_heap_blocks(heap->Shape().blocks);
    }
  });
  if (status.ok() && caller.IsCancelled()) status = errors::CallCancelled();  // the check may not have come to its end
  if (status.ok()) (*instance)->CountViolations(static_cast<std::uint64_t>(reply.violations_size()));
  return ToGrpcStatus(status);
}

}  // namespace alloclab::server
