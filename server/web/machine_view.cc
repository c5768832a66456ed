#include "server/web/machine_view.h"

#include "absl/time/clock.h"
#include "server/converters/inspect_converter.h"

namespace alloclab::server {
namespace {

constexpr int kRestPerLook = 4;

v1::BlockList ReadBlocks(const HeapAllocator& heap, std::uint32_t from, std::uint32_t to, std::uint32_t limit) {
  const Declaration& declaration = heap.declaration();
  v1::BlockList list = EmptyBlockList(declaration);
  list.set_end(heap.brk().raw());
  const auto broken = heap.VisitBlocks({.address = from}, [&](const Block& block) {
    if (block.address >= to || list.blocks_size() == static_cast<int>(limit)) return false;
    *list.add_blocks() = ToProto(block, declaration);
    return true;
  });
  if (broken) *list.mutable_broken() = ToProto(*broken);
  return list;
}

}  // namespace

absl::Status MachineView::PacedLook(const LookAt& look_at, absl::Time deadline, const Look& look) {
  const MutexLock lock(mutex_);
  if (rest_until_ > deadline) return absl::DeadlineExceededError("the web page is too busy; try again");
  absl::SleepFor(rest_until_ - absl::Now());
  absl::Duration spent;
  absl::Status status = look_at(
      [&](const Driver& driver) {
        const absl::Time began = absl::Now();
        look(driver);
        spent = absl::Now() - began;
      },
      deadline);
  rest_until_ = absl::Now() + kRestPerLook * spent;
  return status;
}

absl::StatusOr<v1::MemoryMap> MachineView::Map(const LookAt& look_at, const MapRequest& request) {
  const absl::Time deadline = absl::Now() + kViewDeadline;
  MemoryMapper mapper(request);
  bool begun = false, done = false;
  while (!done) {
    const absl::Status status =
        PacedLook(look_at, deadline, [&](const Driver& driver) { done = mapper.Look(driver.instance()); });
    if (!status.ok() && !begun) return status;
    if (!status.ok()) {
      mapper.MarkPartial();
      break;
    }
    begun = true;
  }
  return mapper.Take();
}

absl::StatusOr<v1::BlockList> MachineView::Blocks(const LookAt& look_at, std::uint32_t from, std::uint32_t to,
                                                  std::uint32_t limit) {
  absl::StatusOr<v1::BlockList> list = absl::FailedPreconditionError("this machine has no heap: it has pages only");
  const absl::Status status = PacedLook(look_at, absl::Now() + kViewDeadline, [&](const Driver& driver) {
    if (const HeapAllocator* heap = driver.instance().heap()) list = ReadBlocks(*heap, from, to, limit);
  });
  return status.ok() ? list : status;
}

}  // namespace alloclab::server
