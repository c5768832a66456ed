#include "server/handlers/inspect_service.h"

#include <fmt/format.h>

#include "proto/converters/bounds.h"
#include "server/converters/inspect_converter.h"
#include "server/converters/statistics_converter.h"
#include "server/errors.h"
#include "server/handlers/grpc_status.h"
#include "server/handlers/page_stream.h"
#include "server/handlers/walk.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

// A stream that says only why there is none.
template <class Page>
grpc::ServerWriteReactor<Page>* Refuse(WorkPool& pool, const absl::Status& status) {
  return new PageStream<Page>(pool, [status](Page&) -> absl::StatusOr<bool> { return status; });
}

}  // namespace

grpc::Status InspectService::GetStatistics(grpc::ServerContext*, const v1::GetStatisticsRequest* request,
                                           v1::Statistics* reply) {
  if (grpc::Status bad = CheckRequest(*request); !bad.ok()) return bad;
  const auto instance = instances_.Find(request->instance());
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  absl::Status status = (*instance)->LookAt([&](const Driver& driver) { *reply = ToProto(TakeSnapshot(driver)); });
  reply->set_instance((*instance)->name());
  reply->set_id((*instance)->id());
  return ToGrpcStatus(status);
}

grpc::ServerWriteReactor<v1::BlockList>* InspectService::WalkBlocks(grpc::CallbackServerContext*,
                                                                    const v1::WalkBlocksRequest* request) {
  if (absl::Status status = CheckBounds(*request); !status.ok()) return Refuse<v1::BlockList>(pool_, status);
  const auto instance = instances_.Find(request->instance());
  if (!instance.ok()) return Refuse<v1::BlockList>(pool_, instance.status());
  if (!v1::AllocatorKind_IsValid(request->allocator())) {
    return Refuse<v1::BlockList>(pool_, errors::BadField("allocator", fmt::format("{} is no allocator; HEAP and PAGES are",
                                                                                  static_cast<int>(request->allocator()))));
  }
  return new PageStream<v1::BlockList>(pool_, WalkBlocksOf(*instance, *request));
}

grpc::Status InspectService::ReadMemory(grpc::ServerContext*, const v1::ReadMemoryRequest* request,
                                        v1::ReadMemoryReply* reply) {
  if (grpc::Status bad = CheckRequest(*request); !bad.ok()) return bad;
  const auto instance = instances_.Find(request->instance());
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  if (request->bytes() == 0 || request->bytes() > kReadMemoryBytesMax) {
    return ToGrpcStatus(
        errors::BadField("bytes", fmt::format("{} is not between 1 and {}", request->bytes(), kReadMemoryBytesMax)));
  }
  absl::Status read;
  absl::Status looked =
      (*instance)->LookAt([&](const Driver& driver) { read = ReadMemoryOf(driver, *request, *reply->mutable_data()); });
  reply->set_address(request->address());
  return ToGrpcStatus(looked.ok() ? read : looked);
}

grpc::Status InspectService::Translate(grpc::ServerContext*, const v1::TranslateRequest* request, v1::Translation* reply) {
  if (grpc::Status bad = CheckRequest(*request); !bad.ok()) return bad;
  const auto instance = instances_.Find(request->instance());
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  absl::Status translated;
  absl::Status looked = (*instance)->LookAt([&](const Driver& driver) {
    if (AddressSpace* space = driver.instance().space()) {
      *reply = ToProto(space->Translate(VirtAddr(request->address())));
    } else {
      translated = errors::InstanceWithoutHeap((*instance)->name());
    }
  });
  return ToGrpcStatus(looked.ok() ? translated : looked);
}

grpc::Status InspectService::CheckInvariants(grpc::ServerContext*, const v1::CheckInvariantsRequest* request,
                                             v1::CheckInvariantsReply* reply) {
  if (grpc::Status bad = CheckRequest(*request); !bad.ok()) return bad;
  const auto instance = instances_.Find(request->instance());
  if (!instance.ok()) return ToGrpcStatus(instance.status());
  absl::Status status = (*instance)->LookAt([&](const Driver& driver) {
    Instance& machine = driver.instance();
    for (const Violation& violation : machine.pages().CheckInvariants()) *reply->add_violations() = ToProto(violation);
    reply->set_page_blocks(machine.pages().Shape().free_blocks);
    if (const HeapAllocator* heap = machine.heap()) {
      for (const Violation& violation : heap->CheckInvariants()) *reply->add_violations() = ToProto(violation);
      reply->set_heap_blocks(heap->Shape().blocks);
    }
  });
  (*instance)->CountViolations(static_cast<std::uint64_t>(reply->violations_size()));
  return ToGrpcStatus(status);
}

}  // namespace alloclab::server
