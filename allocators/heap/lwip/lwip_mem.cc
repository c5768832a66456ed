#include "allocators/heap/lwip/lwip_mem.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/heap/heap_guard.h"
#include "allocators/heap/heap_range.h"
#include "allocators/machine/loop_watch.h"

namespace alloclab {
namespace {

constexpr FigureInfo kFigures[] = {
    {"lfree", "where the lowest free block begins, from the heap's start", FigureInfo::Unit::kBytes},
};
constexpr FieldInfo kFields[] = {
    {"next", "offset of the block behind, from the heap's start", FigureInfo::Unit::kWord},
    {"prev", "offset of the block before, from the heap's start", FigureInfo::Unit::kWord},
    {"used", "1: live, 0: free", FigureInfo::Unit::kCount},
};
constexpr Declaration kDeclaration{
    .counters = kLwipCounters,
    .figures = kFigures,
    .block_fields = kFields,
    .alignment = 4,
    .request_max = 0xFFFFFFF0,  // above, the size of a block wraps
};

constexpr std::uint32_t RoundUp(std::uint32_t bytes) { return (bytes + 3) & ~3u; }  // wraps

}  // namespace

LwipMem::LwipMem(AddressSpace& space, std::uint32_t arena_bytes, Engine engine)
    : HeapAllocator(space, ProgramBreak::Arena(space, kHeapStart, arena_bytes + BytesBehind(arena_bytes))),
      end_(RoundUp(arena_bytes)),
      index_(engine) {
  ALLOCLAB_CHECK_GE(arena_bytes, kArenaBytesMin);
  WordView words(space_, costs_);
  SetNext(words, 0, end_);
  SetPrev(words, 0, 0);
  SetUsed(words, 0, false);
  SetNext(words, end_, end_);
  SetPrev(words, end_, end_);
  SetUsed(words, end_, true);
}

const Declaration& LwipMem::declaration() const { return kDeclaration; }

std::uint32_t LwipMem::PayloadBytes(VirtAddr block) {
  AccessCosts uncounted;
  WordView words(space_, uncounted);
  return At(Next(words, block - kHeader - start())) - block;
}

std::uint32_t LwipMem::BlockBytes(std::uint32_t bytes) const { return std::max(RoundUp(bytes), kPayloadMin) + kHeader; }

HeapResult LwipMem::Malloc(std::uint32_t bytes) {
  if (bytes == 0) return {Outcome::kZeroSize, VirtAddr{}};
  index_.Follow(costs_.search_steps, [this] { return Listed(); });
  const std::uint32_t size = std::max(RoundUp(bytes), kPayloadMin);
  if (size > end_ || size < bytes) return {Outcome::kOutOfMemory, VirtAddr{}};
  const std::optional<Found> found = Search(size);
  EndSearch();
  if (!found) return {Outcome::kOutOfMemory, VirtAddr{}};
  WordView words(space_, costs_);
  const OrderedBlocks::Cursor at = Take(words, *found, size);
  if (found->block == state_.lfree) MoveLowestFree(words, at);
  return {Outcome::kOk, At(found->block) + kHeader};
}

std::optional<LwipMem::Found> LwipMem::Search(std::uint32_t size) {
  if (index_) return AskForFit(size);
  WordView words(space_, costs_);
  LoopWatch<VirtAddr> watch;
  std::uint32_t page = ~0u;
  for (Offset block = state_.lfree; block < end_ - size; block = Next(words, block)) {
    watch.Check(At(block));
    ++costs_.search_steps;
    if (page != At(block).page()) ++costs_.search_pages, page = At(block).page();
    if (!Used(words, block) && Next(words, block) - (block + kHeader) >= size) return Found{block};
  }
  return std::nullopt;
}

std::optional<LwipMem::Found> LwipMem::AskForFit(std::uint32_t size) {
  const OrderedBlocks::Cursor first = index_->LowerBound(state_.lfree), found = index_->FirstFrom(first, size);
  const bool failed = found == index_->end();
  const Offset stop = std::max(state_.lfree, end_ - size);
  const OrderedBlocks::Counts seen = index_->Between(first, failed ? index_->LowerBound(stop) : index_->Next(found));
  costs_.search_steps += seen.blocks;
  costs_.search_pages += seen.pages;
  // `used` and `next` of each, and `next` once more of a free one; at the last one the walk ends before that.
  costs_.words_loaded += 2 * std::uint64_t{seen.blocks} + seen.sized - (failed ? 0 : 1);
  if (failed) return std::nullopt;
  return Found{index_->At(found).key, found};
}

OrderedBlocks::Cursor LwipMem::Take(WordView& words, const Found& found, std::uint32_t size) {
  const Offset block = found.block;
  OrderedBlocks::Cursor at = found.at;
  if (index_) index_->Resize(at, 0);
  if (Next(words, block) - (block + kHeader) >= size + kHeader + kPayloadMin) {
    ++state_.counters.Of<"splits">();
    const Offset rest = block + kHeader + size;
    SetUsed(words, rest, false);
    SetNext(words, rest, Next(words, block));
    SetPrev(words, rest, block);
    SetNext(words, block, rest);
    if (Next(words, rest) != end_) SetPrev(words, Next(words, rest), rest);
    if (index_) {
      at = index_->Previous(index_->Insert(index_->Next(at), EntryOf(rest, *space_.Peek(At(rest)), false)));
    }
  }
  SetUsed(words, block, true);
  return at;
}

void LwipMem::MoveLowestFree(WordView& words, OrderedBlocks::Cursor from) {
  if (index_) {
    const OrderedBlocks::Cursor free = index_->FirstFrom(from, 1);
    const std::uint64_t steps = index_->Distance(from, free);
    costs_.search_steps += steps;
    state_.counters.Of<"lfree_steps">() += steps;
    costs_.words_loaded += 2 * steps + 1;  // `used` and `next` of each, and `used` of the last one
    state_.lfree = free == index_->end() ? end_ : index_->At(free).key;
    return;
  }
  LoopWatch<VirtAddr> watch;
  Offset block = state_.lfree;
  for (; Used(words, block) && block != end_; block = Next(words, block)) {
    watch.Check(At(block));
    ++costs_.search_steps;
    ++state_.counters.Of<"lfree_steps">();
  }
  state_.lfree = block;
}

HeapResult LwipMem::Free(VirtAddr payload) {
  if (payload.is_null() || payload.raw() % 4 != 0) return {};
  const VirtAddr header = payload - kHeader;
  if (header < start() || payload + kPayloadMin > At(end_)) return {};
  WordView words(space_, costs_);
  const Offset block = header - start();
  if (!Used(words, block) || !IsLinked(words, block)) return {};
  SetUsed(words, block, false);
  state_.lfree = std::min(state_.lfree, block);
  Merge(words, block);
  return {};
}

bool LwipMem::IsLinked(WordView& words, Offset block) const {
  const Offset next = Next(words, block), prev = Prev(words, block);
  if (next > end_ || prev > end_) return false;
  if (prev != block && Next(words, prev) != block) return false;
  return next == end_ || Prev(words, next) == block;
}

void LwipMem::Merge(WordView& words, Offset block) {
  const Offset next = Next(words, block);
  const bool above = next != block && !Used(words, next) && next != end_;
  if (above) {
    if (state_.lfree == next) state_.lfree = block;
    Absorb(words, block, next);
  }
  const Offset prev = Prev(words, block);
  const bool below = prev != block && !Used(words, prev);
  if (below) {
    if (state_.lfree == block) state_.lfree = prev;
    Absorb(words, prev, block);
  }
  ++state_.counters.Of<"merges">(MergedWith(below, above));
  if (!index_) return;
  const Offset whole = below ? prev : block;
  const OrderedBlocks::Cursor at = index_->LowerBound(whole);
  for (int swallowed = (below ? 1 : 0) + (above ? 1 : 0); swallowed > 0; --swallowed) index_->Erase(index_->Next(at));
  index_->Resize(at, EntryOf(whole, *space_.Peek(At(whole)), false).bytes);
}

void LwipMem::Absorb(WordView& words, Offset before, Offset block) {
  SetNext(words, before, Next(words, block));
  if (Next(words, block) != end_) SetPrev(words, Next(words, block), before);
}

// The guard asks at each refusal.
HeapShape LwipMem::Shape() const {
  if (!index_) return HeapAllocator::Shape();
  HeapShape shape{.start = start(), .brk = brk(), .limit = limit()};
  for (OrderedBlocks::Cursor at = index_->begin(); at != index_->end();) {
    const OrderedBlocks::Entry block = index_->At(at);
    at = index_->Next(at);
    const Offset next = at == index_->end() ? end_ : index_->At(at).key;
    shape.Add({.address = block.address.raw(),
               .bytes = next - block.key,
               .kind = block.bytes == 0 ? BlockKind::kLive : BlockKind::kFree});
  }
  shape.Add({.address = At(end_).raw(), .bytes = brk() - At(end_), .kind = BlockKind::kMetadata});
  return shape;
}

std::vector<OrderedBlocks::Entry> LwipMem::Listed() const {
  std::vector<OrderedBlocks::Entry> listed;
  VisitBlocks({}, [&](const Block& block) {
    if (block.kind == BlockKind::kMetadata) return true;
    listed.push_back(EntryOf(VirtAddr(block.address) - start(), block.fields[0], block.kind == BlockKind::kLive));
    return true;
  });
  return listed;
}

std::optional<BrokenWalk> LwipMem::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  const VirtAddr wanted(from.address), end = At(end_);
  const auto show = [&](const Block& block) { return block.address + block.bytes <= wanted.raw() || visit(block); };
  VirtAddr at = from.exact ? wanted : start();
  while (at < end) {
    const auto next = space_.Peek(at), prev = space_.Peek(at + kPrevOffset), used = space_.Peek(at + kUsedOffset);
    if (!next || !prev || !used) return BrokenWalk{at.raw(), absl::StrFormat("the header at %#010x is not mapped", at.raw())};
    const std::uint32_t bytes = At(*next) - at;
    if (*next > end_ || At(*next) <= at || bytes < kHeader + kPayloadMin || bytes % 4 != 0) {
      return BrokenWalk{at.raw(),
                        absl::StrFormat("the block at offset %#x has the next one at %#x; expected a multiple of 4 from "
                                        "%#x to %#x",
                                        at - start(), *next, at - start() + kHeader + kPayloadMin, end_)};
    }
    const bool live = (*used & 0xFF) != 0;
    if (!show({.address = at.raw(),
               .bytes = bytes,
               .kind = live ? BlockKind::kLive : BlockKind::kFree,
               .payload = live ? (at + kHeader).raw() : 0,
               .fields = {*next, *prev, *used & 0xFF}})) {
      return std::nullopt;
    }
    at = At(*next);
  }
  if (at < brk()) show({.address = at.raw(), .bytes = brk() - at, .kind = BlockKind::kMetadata});
  return std::nullopt;
}

void LwipMem::VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const {
  InterruptPoll poll(interrupt);
  VisitBlocks({}, [&](const Block& block) {
    if (block.kind != BlockKind::kMetadata) visit(block.fields[0]), visit(block.fields[1]), visit(block.fields[2]);
    return !poll.Step();
  });
  const auto peek = [&](std::uint32_t offset) { return space_.Peek(At(end_) + offset).value_or(0); };
  for (const std::uint32_t word : {peek(0), peek(kPrevOffset), peek(kUsedOffset) & 0xFF, state_.lfree}) visit(word);
}

std::vector<Violation> LwipMem::CheckInvariants(const Interrupt& interrupt) const {
  std::vector<Violation> found;
  const auto add = [&](const char* invariant, VirtAddr where, std::string what) {
    if (found.size() < kViolationsMax) found.push_back({invariant, where.raw(), std::move(what)});
  };
  InterruptPoll poll(interrupt);
  Offset before = 0, lowest_free = end_;
  bool before_free = false;
  const std::optional<BrokenWalk> broken = VisitBlocks({}, [&](const Block& shown) {
    if (shown.kind == BlockKind::kMetadata) return true;
    const VirtAddr at(shown.address);
    const bool is_free = shown.kind == BlockKind::kFree;
    if (shown.fields[1] != before) {
      add("L2", at,
          absl::StrFormat("the block at offset %#x has the one before at %#x; that is %#x", at - start(), shown.fields[1],
                          before));
    }
    if (is_free && before_free) {
      add("L3", at, absl::StrFormat("the block at offset %#x is free and so is the one before", at - start()));
    }
    before = at - start();
    before_free = is_free;
    if (is_free) lowest_free = std::min(lowest_free, before);
    return !poll.Step();
  });
  if (poll.interrupted()) return found;
  if (broken) {
    add("L1", VirtAddr(broken->address), broken->what);
    return found;
  }
  const std::uint32_t next = space_.Peek(At(end_)).value_or(0), used = space_.Peek(At(end_) + kUsedOffset).value_or(0) & 0xFF;
  if (next != end_ || used != 1) {
    add("L1", At(end_), absl::StrFormat("the end marker has next %#x and used %d; expected %#x and 1", next, used, end_));
  }
  if (state_.lfree != lowest_free) {
    add("L4", At(state_.lfree),
        absl::StrFormat("lfree is %#x; the lowest free block is at offset %#x", state_.lfree, lowest_free));
  }
  if (std::string differs = index_.Difference([this] { return Listed(); }); !differs.empty()) add("L5", start(), differs);
  return found;
}

HeapAllocatorInfo LwipMemInfo() {
  return {.name = "lwip-mem",
          .title = "lwIP heap",
          .description =
              "First fit over all blocks, live ones too, from the lowest free one on; a free checks its pointer and merges "
              "at once with both neighbours.",
          .source = "lwIP, src/core/mem.c",
          .declaration = &kDeclaration,
          .parameters = {EngineParameter("heap.engine"), ArenaParameter(64u << 20)},
          .make = [](const HeapServices& machine, bool guarded,
                     const ParameterValues& values) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
            const Engine engine = EngineValue(values, "heap.engine");
            if (absl::Status status = CheckEngine(engine, guarded); !status.ok()) return status;
            const std::uint32_t arena = NumberValue(values, "heap.arena_bytes");
            const absl::Status status =
                ReserveArena(machine.space, arena, LwipMem::kArenaBytesMin, LwipMem::BytesBehind(arena));
            if (!status.ok()) return status;
            return std::make_unique<HeapGuard>(std::make_unique<LwipMem>(machine.space, arena, engine),
                                               guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
          }};
}

}  // namespace alloclab
