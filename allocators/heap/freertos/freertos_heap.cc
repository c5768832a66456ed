#include "allocators/heap/freertos/freertos_heap.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_format.h"
#include "allocators/heap/heap_range.h"
#include "allocators/machine/loop_watch.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kLeastRest = 16;  // a remainder is larger
constexpr std::uint32_t kTooLarge = 0;

// Header added and rounded up; kTooLarge if that has no 31 bits.
std::uint32_t BlockSize(std::uint32_t bytes) {
  const std::uint64_t size = (std::uint64_t{bytes} + 8 + 7) & ~std::uint64_t{7};
  return size >> 31 != 0 ? kTooLarge : static_cast<std::uint32_t>(size);
}

}  // namespace

FreeRtosHeap::FreeRtosHeap(AddressSpace& space, std::uint32_t arena_bytes, VirtAddr end, std::uint32_t usable_bytes,
                           bool merges, Engine engine)
    : HeapAllocator(space, ProgramBreak::Arena(space, kHeapStart, arena_bytes)),
      end_(end),
      usable_bytes_(usable_bytes),
      merges_(merges),
      index_(engine) {}

std::uint32_t FreeRtosHeap::PayloadBytes(VirtAddr block) {
  AccessCosts uncounted;
  return (WordView(space_, uncounted).Load(block - kHeader + kSizeOffset) & ~kAllocated) - kHeader;
}

std::uint32_t FreeRtosHeap::BlockBytes(std::uint32_t bytes) const { return BlockSize(bytes); }

HeapResult FreeRtosHeap::Malloc(std::uint32_t bytes) {
  index_.Follow(costs_.search_steps, [this] { return Listed(); });
  if (!state_.initialised) {
    WordView words(space_, costs_);
    Init(words);
    if (index_) index_->Insert(index_->end(), EntryOf(start(), usable_bytes_));
    state_.initialised = true;
  }
  if (bytes == 0) return {Outcome::kZeroSize, VirtAddr{}};
  const std::uint32_t size = BlockSize(bytes);
  if (size == kTooLarge || size > state_.free_bytes) return {Outcome::kOutOfMemory, VirtAddr{}};
  const Found found = Search(size);
  EndSearch();
  if (found.block.is_null()) return {Outcome::kOutOfMemory, VirtAddr{}};
  return {Outcome::kOk, Take(found, size) + kHeader};
}

FreeRtosHeap::Found FreeRtosHeap::Search(std::uint32_t size) {
  if (index_) return AskForFit(size);
  WordView words(space_, costs_);
  LoopWatch<VirtAddr> watch;
  std::uint32_t page = ~0u;
  VirtAddr before = kStartVariable, block = state_.first;
  for (;; before = block, block = Next(words, block)) {
    watch.Check(block);
    if (Size(words, block) >= size || Next(words, block).is_null()) break;
    ++costs_.search_steps;
    if (page != block.page()) ++costs_.search_pages, page = block.page();
  }
  if (block == end_) return {};
  return {{before}, block};
}

FreeRtosHeap::Found FreeRtosHeap::AskForFit(std::uint32_t size) {
  const OrderedBlocks::Cursor found = merges_ ? index_->FirstFrom(index_->begin(), size) : index_->LowerBound(size);
  const OrderedBlocks::Counts passed = index_->Between(index_->begin(), found);
  costs_.search_steps += passed.blocks;
  costs_.search_pages += passed.pages;
  // Of each block passed its size and, twice, its next; of the last its size, and of an end in RAM its next.
  const bool failed = found == index_->end();
  costs_.words_loaded += 3 * std::uint64_t{passed.blocks} + (!failed ? 1 : end_ == kEndVariable ? 0 : 2);
  if (failed) return {};
  return {{Before(found), found}, index_->At(found).address};
}

VirtAddr FreeRtosHeap::Before(OrderedBlocks::Cursor place) const {
  return place == index_->begin() ? kStartVariable : index_->At(index_->Previous(place)).address;
}

VirtAddr FreeRtosHeap::Take(const Found& found, std::uint32_t size) {
  WordView words(space_, costs_);
  const VirtAddr block = found.block;
  SetNext(words, found.place.before, Next(words, block));
  std::uint32_t taken = Size(words, block);
  if (taken - size <= kLeastRest) {
    if (index_) index_->Erase(found.place.at);
  } else {
    ++state_.counters.Of<"splits">();
    const VirtAddr rest = block + size;
    words.Store(rest + kSizeOffset, taken - size);
    words.Store(block + kSizeOffset, size);
    taken = size;
    InsertRest(words, found.place, rest);
  }
  state_.free_bytes -= taken;
  state_.fewest_free_bytes = std::min(state_.fewest_free_bytes, state_.free_bytes);
  words.Store(block + kSizeOffset, taken | kAllocated);
  words.Store(block, 0);
  return block;
}

HeapResult FreeRtosHeap::Calloc(std::uint32_t count, std::uint32_t bytes) {
  if (count > 0 && bytes > std::numeric_limits<std::uint32_t>::max() / count) return {Outcome::kOutOfMemory, VirtAddr{}};
  return HeapAllocator::Calloc(1, count * bytes);
}

HeapResult FreeRtosHeap::Free(VirtAddr block) {
  if (block.is_null()) return {};
  index_.Follow(costs_.search_steps, [this] { return Listed(); });
  WordView words(space_, costs_);
  const VirtAddr header = block - kHeader;
  const std::uint32_t size = words.Load(header + kSizeOffset);
  if ((size & kAllocated) == 0 || words.Load(header) != 0) return {};
  words.Store(header + kSizeOffset, size & ~kAllocated);
  state_.free_bytes += size & ~kAllocated;
  Insert(words, header);
  return {};
}

void FreeRtosHeap::CountPlaceSteps(std::uint64_t steps) {
  costs_.search_steps += steps;
  state_.counters.Of<"place_steps">() += steps;
}

void FreeRtosHeap::RestoreOwn(const AllocatorState& saved) {
  RestoreState(saved, state_);
  index_.Drop();
}

std::vector<OrderedBlocks::Entry> FreeRtosHeap::Listed() const {
  std::vector<OrderedBlocks::Entry> listed;
  for (const VirtAddr at : List()) listed.push_back(EntryOf(at, space_.Peek(at + kSizeOffset).value_or(0)));
  return listed;
}

std::vector<VirtAddr> FreeRtosHeap::List() const {
  std::vector<VirtAddr> list;
  LoopWatch<VirtAddr> watch;
  for (VirtAddr at = state_.first; at >= start() && at < brk() && at != end_ && !watch.Revisits(at);) {
    list.push_back(at);
    const std::optional<std::uint32_t> next = space_.Peek(at);
    if (!next) break;
    at = VirtAddr(*next);
  }
  return list;
}

std::optional<BrokenWalk> FreeRtosHeap::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  const VirtAddr wanted(from.address), usable_end = start() + usable_bytes_;
  const auto show = [&](const Block& block) { return block.address + block.bytes <= wanted.raw() || visit(block); };
  VirtAddr at = from.exact ? wanted : start();
  if (!state_.initialised && at < usable_end) {
    if (!show({.address = at.raw(), .bytes = usable_end - at, .kind = BlockKind::kFree})) return std::nullopt;
    at = usable_end;
  }
  while (at < usable_end) {
    const std::optional<std::uint32_t> next = space_.Peek(at), word = space_.Peek(at + kSizeOffset);
    if (!next || !word) return BrokenWalk{at.raw(), absl::StrFormat("the header at %#010x is not mapped", at.raw())};
    const std::uint32_t bytes = *word & ~kAllocated;
    if (bytes < kHeader || bytes % kHeader != 0 || bytes > usable_end - at) {
      return BrokenWalk{at.raw(), absl::StrFormat("the block at %#010x has the size %#x; expected a multiple of 8 up to %d",
                                                  at.raw(), *word, usable_end - at)};
    }
    const bool live = (*word & kAllocated) != 0;
    if (!show({.address = at.raw(),
               .bytes = bytes,
               .kind = live ? BlockKind::kLive : BlockKind::kFree,
               .payload = live ? (at + kHeader).raw() : 0,
               .fields = {*next, *word}})) {
      return std::nullopt;
    }
    at = at + bytes;
  }
  if (at < brk()) show({.address = at.raw(), .bytes = brk() - at, .kind = BlockKind::kMetadata});
  return std::nullopt;
}

std::vector<Violation> FreeRtosHeap::CheckInvariants(const Interrupt& interrupt) const {
  std::vector<Violation> found;
  const auto add = [&](const char* invariant, VirtAddr where, std::string what) {
    if (found.size() < kViolationsMax) found.push_back({invariant, where.raw(), std::move(what)});
  };
  if (!state_.initialised) return found;
  if (std::string differs = index_.Difference([this] { return Listed(); }); !differs.empty()) add("F5", start(), differs);
  std::vector<VirtAddr> list = List();
  for (std::size_t i = 1; i < list.size(); ++i) {
    if (!InOrder(list[i - 1], list[i])) {
      add("F2", list[i], absl::StrFormat("the list has %#010x behind %#010x", list[i].raw(), list[i - 1].raw()));
    }
  }
  std::sort(list.begin(), list.end());
  InterruptPoll poll(interrupt);
  std::uint64_t free_bytes = 0, free_blocks = 0;
  bool before_free = false;
  const std::optional<BrokenWalk> broken = VisitBlocks({}, [&](const Block& block) {
    const bool is_free = block.kind == BlockKind::kFree;
    const VirtAddr at(block.address);
    if (is_free && !std::binary_search(list.begin(), list.end(), at)) {
      add("F2", at, absl::StrFormat("block %#010x is free and not in the list", at.raw()));
    }
    if (is_free && before_free && merges_) {
      add("F3", at, absl::StrFormat("block %#010x is free and so is the one before", at.raw()));
    }
    free_blocks += is_free;
    free_bytes += is_free ? block.bytes : 0;
    before_free = is_free;
    return !poll.Step();
  });
  if (poll.interrupted()) return found;
  if (broken) {
    add("F1", VirtAddr(broken->address), broken->what);
    return found;
  }
  if (free_blocks != list.size()) {
    add("F2", start(), absl::StrFormat("the list has %d blocks; %d are free", list.size(), free_blocks));
  }
  if (free_bytes != state_.free_bytes) {
    add("F4", start(), absl::StrFormat("%d bytes are free, not %d as the heap says", free_bytes, state_.free_bytes));
  }
  return found;
}

}  // namespace alloclab
