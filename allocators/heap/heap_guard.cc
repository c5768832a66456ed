#include "allocators/heap/heap_guard.h"

#include <algorithm>
#include <utility>

#include "allocators/common/check.h"
#include "allocators/machine/journal.h"
#include "allocators/machine/machine_stop.h"

namespace alloclab {
namespace {

// How far an allocator may move the break beyond the size of a request: the least growth of the classics is 64 KiB.
constexpr std::uint32_t kEdgeBytes = 256u << 10;

HeapResult OutcomeOf(const MachineStop& stop) { return {stop.outcome, VirtAddr(stop.address)}; }

template <class Call>
HeapResult Caught(Call call) {
  try {
    return call();
  } catch (const MachineStop& stop) {
    return OutcomeOf(stop);
  }
}

}  // namespace

struct HeapGuard::Saved final : AllocatorState {
  std::unique_ptr<const AllocatorState> heap;
  std::optional<LiveStarts> live;  // of an allocator that does not show its blocks
  bool made;
};

HeapResult HeapGuard::GuardedMalloc(std::uint32_t bytes) {
  const auto call = [&] { return heap_->Malloc(bytes); };
  return mode_ == Mode::kUnguarded ? Caught(call) : Allocate(bytes, call);
}

HeapResult HeapGuard::Calloc(std::uint32_t count, std::uint32_t bytes) {
  if (mode_ == Mode::kTrusted) return heap_->Calloc(count, bytes);
  const auto call = [&] { return heap_->Calloc(count, bytes); };
  if (mode_ == Mode::kUnguarded) return Caught(call);
  const std::uint64_t product = std::uint64_t{count} * bytes;
  if (product > declaration_.request_max) return {Outcome::kSizeOverflow, VirtAddr{}};
  return Allocate(static_cast<std::uint32_t>(product), call);
}

HeapResult HeapGuard::Realloc(VirtAddr block, std::uint32_t bytes) {
  if (mode_ == Mode::kTrusted) return heap_->Realloc(block, bytes);
  const auto call = [&] { return heap_->Realloc(block, bytes); };
  if (mode_ == Mode::kUnguarded) return Caught(call);
  if (block.is_null()) return GuardedMalloc(bytes);
  if (const Outcome misuse = Misuse(block); misuse != Outcome::kOk) return {misuse, VirtAddr{}};
  if (bytes == 0) return {Outcome::kZeroSize, VirtAddr{}};
  const HeapResult result = Allocate(bytes, call);
  if (result.outcome == Outcome::kOk && result.address != block) live_.Remove(block);
  return result;
}

HeapResult HeapGuard::GuardedFree(VirtAddr block) {
  const auto call = [&] { return heap_->Free(block); };
  if (mode_ == Mode::kUnguarded) return Caught(call);
  if (block.is_null()) return {};
  if (const Outcome misuse = Misuse(block); misuse != Outcome::kOk) return {misuse, VirtAddr{}};
  const HeapResult result = heap_->space().CanBringPages(edge_pages_) ? call() : Journaled(0, call);
  if (result.outcome == Outcome::kOk) live_.Remove(block);
  return result;
}

template <class Call>
HeapResult HeapGuard::Allocate(std::uint32_t bytes, Call call) {
  if (bytes > declaration_.request_max) return {Outcome::kSizeOverflow, VirtAddr{}};
  HeapResult result = NearEdge(bytes) ? Journaled(bytes, call) : call();
  if (result.outcome == Outcome::kOk) {
    live_.Add(result.address);
  } else if (result.outcome == Outcome::kOutOfMemory) {
    result.outcome = Reason(result.outcome, bytes);
  }
  return result;
}

bool HeapGuard::NearEdge(std::uint32_t bytes) const {
  const std::uint32_t growth = heap_->limit() - heap_->brk();
  const bool may_pass_limit = growth != 0 && std::uint64_t{bytes} + kEdgeBytes >= growth;
  return !made_ || may_pass_limit || !heap_->space().CanBringPages(2 * (bytes / kPageBytes) + edge_pages_);
}

template <class Call>
HeapResult HeapGuard::Journaled(std::uint32_t bytes, Call call) {
  AddressSpace& space = heap_->space();
  const auto saved_heap = heap_->Save();
  const auto saved_frames = space.frames().Save();
  heap_->BeginOperation();
  Journal journal(space.memory(), &space);
  const auto undo = [&] {
    journal.Rollback();
    space.frames().Restore(*saved_frames);
    const HeapCosts search = heap_->search_costs();
    heap_->Restore(*saved_heap);
    heap_->ChargeSearch(search);
  };
  try {
    const HeapResult result = call();
    if (!made_ && result.outcome != Outcome::kOk) {
      undo();
      return result;
    }
    made_ = true;
    journal.Commit();
    return result;
  } catch (const MachineStop& stop) {
    undo();
    return {Reason(stop.no_frame ? Outcome::kOutOfMemory : Outcome::kHeapLimit, bytes), VirtAddr{}};
  }
}

Outcome HeapGuard::Reason(Outcome refused, std::uint32_t bytes) const {
  if (!declaration_.shows_blocks || bytes == 0) return refused;
  const HeapShape shape = heap_->Shape();
  const std::uint32_t needed = heap_->BlockBytes(bytes);
  if (shape.largest_free_bytes >= needed) return refused;  // it was not for want of a block
  if (shape.free_bytes >= needed) return Outcome::kFragmented;
  const std::uint32_t growth = shape.limit - shape.brk;
  return growth != 0 && growth < needed ? Outcome::kHeapLimit : refused;
}

Outcome HeapGuard::Misuse(VirtAddr block) const {
  const bool aligned = block.raw() % declaration_.alignment == 0;
  if (aligned && live_.Contains(block)) return Outcome::kOk;  // of no bytes it may be at the break
  if (block < heap_->start() || block >= heap_->brk()) return Outcome::kForeignPointer;
  if (!aligned) return Outcome::kMisalignedPointer;
  if (!declaration_.shows_blocks) return Outcome::kDoubleFree;  // nobody knows what lies there
  BlockKind kind = BlockKind::kFree;
  heap_->VisitBlocks({.address = block.raw()}, [&](const Block& holder) {
    kind = holder.kind;
    return false;
  });
  return kind == BlockKind::kFree ? Outcome::kDoubleFree : Outcome::kInteriorPointer;
}

Refusal HeapGuard::Explain(Outcome refused, std::uint64_t bytes) const {
  const std::uint32_t request_max = declaration_.request_max;
  if (refused == Outcome::kSizeOverflow) return {.needed_bytes = bytes, .request_max_bytes = request_max};
  const HeapShape shape = heap_->Shape();
  const bool fits = bytes <= request_max;
  Refusal refusal{.needed_bytes = fits ? heap_->BlockBytes(static_cast<std::uint32_t>(bytes)) : bytes,
                  .growth_bytes = shape.limit - shape.brk};
  if (shape.broken || !declaration_.shows_blocks) return refusal;
  refusal.free_bytes = shape.free_bytes;
  refusal.largest_free_bytes = shape.largest_free_bytes;
  return refusal;
}

std::unique_ptr<const AllocatorState> HeapGuard::Save() const {
  auto saved = std::make_unique<Saved>();
  saved->heap = heap_->Save();
  saved->made = made_;
  if (mode_ == Mode::kGuarded && !declaration_.shows_blocks) saved->live = live_;
  return saved;
}

void HeapGuard::Restore(const AllocatorState& saved) {
  const auto& state = static_cast<const Saved&>(saved);
  heap_->Restore(*state.heap);
  made_ = state.made;
  if (mode_ != Mode::kGuarded) return;
  live_ = state.live.value_or(LiveStarts());
  heap_->VisitBlocks({}, [this](const Block& block) {
    if (block.kind == BlockKind::kLive) live_.Add(VirtAddr(block.payload));
    return true;
  });
}

}  // namespace alloclab
