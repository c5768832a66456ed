#include "server/converters/single_operation.h"

#include "server/converters/inspect_converter.h"

namespace alloclab::server {
namespace {

auto ExplainHeapFor(std::uint64_t bytes) {
  return [bytes](const Instance& machine, Outcome refused) { return machine.ExplainHeap(refused, bytes); };
}

}  // namespace

SingleOperation MallocOf(std::uint32_t bytes) {
  return {
      {OpKind::kMalloc, kNoBlock, bytes, 0}, [bytes](Driver& driver) { return driver.Malloc(bytes); }, ExplainHeapFor(bytes)};
}

SingleOperation CallocOf(std::uint32_t count, std::uint32_t bytes) {
  return {{OpKind::kCalloc, kNoBlock, bytes, count},
          [count, bytes](Driver& driver) { return driver.Calloc(count, bytes); },
          ExplainHeapFor(std::uint64_t{count} * bytes)};
}

SingleOperation ReallocOf(std::uint32_t address, std::uint32_t bytes) {
  return {{OpKind::kRealloc, kNoBlock, bytes, kNoBlock},
          [address, bytes](Driver& driver) { return driver.Realloc(VirtAddr(address), bytes); },
          ExplainHeapFor(bytes)};
}

SingleOperation FreeOf(std::uint32_t address) {
  return {{OpKind::kFree, kNoBlock, 0, 0}, [address](Driver& driver) { return driver.Free(VirtAddr(address)); }, nullptr};
}

SingleOperation AllocatePagesOf(std::uint32_t bytes) {
  return {{OpKind::kAllocatePages, kNoBlock, bytes, 0},
          [bytes](Driver& driver) { return driver.AllocatePages(bytes); },
          [bytes](const Instance& machine, Outcome /*refused*/) { return machine.ExplainPages(bytes); }};
}

SingleOperation FreePagesOf(std::uint32_t address, std::uint32_t bytes) {
  return {{OpKind::kFreePages, kNoBlock, bytes, 0},
          [address, bytes](Driver& driver) { return driver.FreePages(PhysAddr(address), bytes); },
          nullptr};
}

absl::StatusOr<v1::OperationReply> ApplyTo(LiveInstance& instance, const SingleOperation& operation, const Interrupt& left) {
  v1::OperationReply reply;
  const auto work = [&](Driver& driver) {
    const Instance& machine = driver.instance();
    const Costs before = machine.costs();
    const OpResult result = operation.work(driver);
    reply = ToProto(result, driver.operations(), before, machine.costs());
    const bool explained = Refused(result.outcome) || result.outcome == Outcome::kSizeOverflow;
    if (operation.explain && explained) *reply.mutable_refusal() = ToProto(operation.explain(machine, result.outcome));
  };
  if (absl::Status status = instance.ApplyOne(operation.kind, work, left); !status.ok()) return status;
  return reply;
}

}  // namespace alloclab::server
