#include "allocators/heap/explicit_list/explicit_list_heap.h"

#include <algorithm>

#include "allocators/common/check.h"
#include "allocators/heap/heap_range.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kGrowthBytes = 4096;  // at least

}  // namespace

ExplicitListHeap::ExplicitListHeap(AddressSpace& space, std::uint32_t limit_bytes, Order order, Fit fit)
    : HeapAllocator(space, ProgramBreak(space, kHeapStart, kHeapStart + limit_bytes)), order_(order), fit_(fit) {
  ALLOCLAB_CHECK_GE(limit_bytes, kLimitBytesMin);
  break_.Sbrk(kLimitBytesMin);
  WordView words(space_, costs_);
  words.Store(start(), 0);
  SetTags(words, start() + 8, 8, kLive);
  words.Store(start() + kPrologueBytes, kLive);
}

std::uint32_t ExplicitListHeap::SizeFor(std::uint32_t bytes) { return bytes <= 8 ? kSizeMin : (bytes + (8 + 7)) & ~7u; }

std::uint32_t ExplicitListHeap::BlockBytes(std::uint32_t bytes) const { return SizeFor(bytes); }

std::uint32_t ExplicitListHeap::PayloadBytes(VirtAddr block) {
  AccessCosts uncounted;
  WordView words(space_, uncounted);
  return Size(words, block) - 2 * kTag;
}

void ExplicitListHeap::SetTags(WordView& words, VirtAddr block, std::uint32_t size, std::uint32_t live) {
  words.Store(block - kTag, size | live);
  words.Store(block + (size - 2 * kTag), size | live);
}

HeapResult ExplicitListHeap::Malloc(std::uint32_t bytes) {
  if (bytes == 0) return {Outcome::kZeroSize, VirtAddr{}};
  const std::uint32_t size = SizeFor(bytes);
  VirtAddr block = Search(size);
  EndSearch();
  if (block.is_null()) {
    const VirtAddr grown = Grow(size);
    if (grown.is_null()) return {Outcome::kOutOfMemory, VirtAddr{}};
    block = grown;
  }
  Place(block, size);
  return {Outcome::kOk, block};
}

void ExplicitListHeap::CountLook(Looking& looking, VirtAddr block) {
  looking.watch.Check(block);
  ++costs_.search_steps;
  if (looking.page != block.page()) ++costs_.search_pages, looking.page = block.page();
}

VirtAddr ExplicitListHeap::FirstFit(Looking& looking, VirtAddr from, VirtAddr end, std::uint32_t size) {
  WordView words(space_, costs_);
  for (VirtAddr block = from; !block.is_null() && block != end; block = VirtAddr(words.Load(block + kNext))) {
    CountLook(looking, block);
    if (Size(words, block) >= size) return block;
  }
  return {};
}

VirtAddr ExplicitListHeap::Search(std::uint32_t size) {
  if (fit_ == Fit::kBest || fit_ == Fit::kWorst) return SearchAll(size);
  Looking looking;
  if (fit_ == Fit::kFirst || state_.rover.is_null()) return FirstFit(looking, head(0), VirtAddr{}, size);
  const VirtAddr block = FirstFit(looking, state_.rover, VirtAddr{}, size);
  return block.is_null() ? FirstFit(looking, head(0), state_.rover, size) : block;
}

VirtAddr ExplicitListHeap::SearchAll(std::uint32_t size) {
  WordView words(space_, costs_);
  Looking looking;
  VirtAddr found;
  std::uint32_t found_size = 0;
  for (VirtAddr block = head(0); !block.is_null(); block = VirtAddr(words.Load(block + kNext))) {
    CountLook(looking, block);
    const std::uint32_t its_size = Size(words, block);
    if (its_size < size) continue;
    if (!found.is_null() && (fit_ == Fit::kBest ? its_size >= found_size : its_size <= found_size)) continue;
    found = block;
    found_size = its_size;
    if (fit_ == Fit::kBest && its_size == size) break;
  }
  return found;
}

// extend_heap: the tag in front of the new block takes the place of the epilogue.
VirtAddr ExplicitListHeap::Grow(std::uint32_t size) {
  const std::uint32_t bytes = std::max(size, kGrowthBytes);
  const VirtAddr block = break_.Sbrk(static_cast<std::int32_t>(bytes));
  if (block == ProgramBreak::kFailed) return {};
  WordView words(space_, costs_);
  SetTags(words, block, bytes, 0);
  words.Store(block + bytes - kTag, kLive);
  return Coalesce(words, block);
}

HeapResult ExplicitListHeap::Free(VirtAddr block) {
  if (block.is_null()) return {};
  WordView words(space_, costs_);
  SetTags(words, block, Size(words, block), 0);
  Coalesce(words, block);
  return {};
}

VirtAddr ExplicitListHeap::Coalesce(WordView& words, VirtAddr block) {
  std::uint32_t size = Size(words, block);
  const std::uint32_t tag_below = words.Load(block - 2 * kTag);
  const VirtAddr after = block + size;
  const std::uint32_t tag_above = Tag(words, after);
  const bool below = (tag_below & kLive) == 0, above = (tag_above & kLive) == 0;
  if (above) {
    Remove(words, after, tag_above & ~7u);
    size += tag_above & ~7u;
  }
  if (below) {
    block = block - (tag_below & ~7u);
    Remove(words, block, tag_below & ~7u);
    size += tag_below & ~7u;
  }
  if (below || above) SetTags(words, block, size, 0);
  Insert(words, block, size);
  ++state_.counters.Of<"merges">(MergedWith(below, above));
  return block;
}

void ExplicitListHeap::Place(VirtAddr block, std::uint32_t size) {
  WordView words(space_, costs_);
  const std::uint32_t whole = Size(words, block);
  if (fit_ == Fit::kNext) state_.rover = VirtAddr(words.Load(block + kNext));
  Remove(words, block, whole);
  if (whole - size < kSizeMin) return SetTags(words, block, whole, kLive);
  ++state_.counters.Of<"splits">();
  SetTags(words, block, size, kLive);
  SetTags(words, block + size, whole - size, 0);
  Insert(words, block + size, whole - size);
}

void ExplicitListHeap::Insert(WordView& words, VirtAddr block, std::uint32_t size) {
  const std::uint32_t list = ListOf(size);
  VirtAddr& head = state_.heads[list];
  VirtAddr& tail = state_.tails[list];
  const VirtAddr before = order_ == Order::kLifo ? VirtAddr{} : order_ == Order::kFifo ? tail : FindPlace(words, block, list);
  const VirtAddr next = before.is_null() ? head : VirtAddr(words.Load(before + kNext));
  words.Store(block + kNext, next.raw());
  words.Store(block + kPrev, before.raw());
  if (before.is_null()) {
    head = block;
  } else {
    words.Store(before + kNext, block.raw());
  }
  if (next.is_null()) {
    tail = block;
  } else {
    words.Store(next + kPrev, block.raw());
  }
}

VirtAddr ExplicitListHeap::FindPlace(WordView& words, VirtAddr block, std::uint32_t list) {
  LoopWatch<VirtAddr> watch;
  VirtAddr before;
  for (VirtAddr at = head(list); !at.is_null() && at < block; at = VirtAddr(words.Load(at + kNext))) {
    watch.Check(at);
    ++costs_.search_steps;
    ++state_.counters.Of<"place_steps">();
    before = at;
  }
  return before;
}

void ExplicitListHeap::Remove(WordView& words, VirtAddr block, std::uint32_t size) {
  const VirtAddr next(words.Load(block + kNext)), before(words.Load(block + kPrev));
  const std::uint32_t list = ListOf(size);
  if (before.is_null()) {
    state_.heads[list] = next;
  } else {
    words.Store(before + kNext, next.raw());
  }
  if (next.is_null()) {
    state_.tails[list] = before;
  } else {
    words.Store(next + kPrev, before.raw());
  }
  if (state_.rover == block) state_.rover = next;
}

}  // namespace alloclab
