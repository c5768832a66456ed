#include "allocators/heap/knr/knr_heap.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "allocators/heap/heap_guard.h"
#include "allocators/heap/heap_range.h"
#include "allocators/machine/loop_watch.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kUnit = 8;
constexpr std::uint32_t kGrowthUnits = 4096;  // at least
constexpr std::uint32_t kSizeOffset = 4;      // of the word `units`; `next` is the first one

constexpr FigureInfo kFigures[] = {
    {"freep", "the block behind which the next search begins; 1: the base of the ring", FigureInfo::Unit::kAddress},
};
constexpr FieldInfo kFields[] = {
    {"next", "of a free block: the next free one by address; 1: the base of the ring", FigureInfo::Unit::kAddress},
    {"units", "size in units of 8 bytes, header included", FigureInfo::Unit::kCount},
};
constexpr Declaration kDeclaration{
    .counters = kKnrCounters,
    .figures = kFigures,
    .block_fields = kFields,
    .alignment = kUnit,
    .request_max = 0xFFFFFFF0,  // above, 8 bytes for each unit wrap
    .frees_null = false,
    .made_by_first_request = true,
};

std::uint32_t UnitsFor(std::uint32_t bytes) { return (bytes + (kUnit - 1)) / kUnit + 1; }  // the sum wraps

}  // namespace

KnrHeap::KnrHeap(AddressSpace& space, std::uint32_t limit_bytes, Engine engine)
    : HeapAllocator(space, ProgramBreak(space, kHeapStart, kHeapStart + limit_bytes)), index_(engine) {}

const Declaration& KnrHeap::declaration() const { return kDeclaration; }

std::uint32_t KnrHeap::PayloadBytes(VirtAddr block) {
  AccessCosts uncounted;
  return (WordView(space_, uncounted).Load(block - kUnit + kSizeOffset) - 1) * kUnit;
}

std::uint32_t KnrHeap::BlockBytes(std::uint32_t bytes) const { return UnitsFor(bytes) * kUnit; }

VirtAddr KnrHeap::Next(WordView& words, VirtAddr block) const {
  return block == kBase ? state_.base_next : VirtAddr(words.Load(block));
}

void KnrHeap::SetNext(WordView& words, VirtAddr block, VirtAddr next) {
  if (block == kBase) {
    state_.base_next = next;
  } else {
    words.Store(block, next.raw());
  }
}

std::uint32_t KnrHeap::Units(WordView& words, VirtAddr block) const {
  return block == kBase ? 0 : words.Load(block + kSizeOffset);
}

// malloc
HeapResult KnrHeap::Malloc(std::uint32_t bytes) {
  index_.Follow(costs_.search_steps, [this] { return Listed(); });
  const std::uint32_t units = UnitsFor(bytes);
  if (state_.freep.is_null()) state_.base_next = state_.freep = kBase;
  Found found = Search(units);
  EndSearch();
  while (found.block.is_null()) {
    if (!Grow(units)) return {Outcome::kOutOfMemory, VirtAddr{}};
    found = Search(units);
  }
  return {Outcome::kOk, Take(found, units) + kUnit};
}

// Once round the ring, from the block behind freep.
KnrHeap::Found KnrHeap::Search(std::uint32_t units) {
  if (index_) return AskForFit(units);
  WordView words(space_, costs_);
  LoopWatch<VirtAddr> watch;
  std::uint32_t page = ~0u;
  VirtAddr before = state_.freep;
  for (VirtAddr block = Next(words, before);; before = block, block = Next(words, block)) {
    watch.Check(block);
    ++costs_.search_steps;
    if (block != kBase && page != block.page()) ++costs_.search_pages, page = block.page();
    if (Units(words, block) >= units) return {before, block};
    if (block == state_.freep) return {};
  }
}

// The end of the block found, or all of it.
VirtAddr KnrHeap::Take(const Found& found, std::uint32_t units) {
  WordView words(space_, costs_);
  VirtAddr block = found.block;
  if (Units(words, block) == units) {
    ++state_.counters.Of<"exact_fits">();
    SetNext(words, found.before, Next(words, block));
    if (index_) index_->Erase(index_->LowerBound(Key(block)));
  } else {
    ++state_.counters.Of<"splits">();
    const std::uint32_t rest = Units(words, block) - units;
    words.Store(block + kSizeOffset, rest);
    if (index_) index_->Resize(index_->LowerBound(Key(block)), rest);
    block = block + rest * kUnit;
    words.Store(block + kSizeOffset, units);
  }
  state_.freep = found.before;
  return block;
}

// morecore
bool KnrHeap::Grow(std::uint32_t units) {
  units = std::max(units, kGrowthUnits);
  const VirtAddr block = break_.Sbrk(static_cast<std::int32_t>(units * kUnit));  // the product wraps
  if (block == ProgramBreak::kFailed) return false;
  WordView(space_, costs_).Store(block + kSizeOffset, units);
  Insert(block);
  return true;
}

HeapResult KnrHeap::Free(VirtAddr block) {
  index_.Follow(costs_.search_steps, [this] { return Listed(); });
  Insert(block - kUnit);
  return {};
}

void KnrHeap::Insert(VirtAddr block) {
  WordView words(space_, costs_);
  const VirtAddr before = FindPlace(words, block);
  const VirtAddr after = Next(words, before);
  const bool above = block + Units(words, block) * kUnit == after;
  if (above) {
    words.Store(block + kSizeOffset, Units(words, block) + Units(words, after));
    words.Store(block, Next(words, after).raw());
  } else {
    words.Store(block, after.raw());
  }
  const bool below = before + Units(words, before) * kUnit == block;
  if (below) {
    words.Store(before + kSizeOffset, Units(words, before) + Units(words, block));
    SetNext(words, before, Next(words, block));
  } else {
    SetNext(words, before, block);
  }
  state_.freep = before;
  ++state_.counters.Of<"merges">(MergedWith(below, above));
  if (!index_) return;
  const VirtAddr whole = below ? before : block;
  index_->Join({Key(whole), *space_.Peek(whole + kSizeOffset), whole}, below, above);
}

// The free block, or base, behind which `block` belongs.
VirtAddr KnrHeap::FindPlace(WordView& words, VirtAddr block) {
  if (index_) return AskForPlace(block);
  LoopWatch<VirtAddr> watch;
  VirtAddr at = state_.freep;
  for (; !(block > at && block < Next(words, at)); at = Next(words, at)) {
    watch.Check(at);
    ++costs_.search_steps;
    ++state_.counters.Of<"place_steps">();
    if (at >= Next(words, at) && (block > at || block < Next(words, at))) break;
  }
  return at;
}

KnrHeap::Found KnrHeap::AskForFit(std::uint32_t units) {
  const OrderedBlocks& ring = *index_;
  const OrderedBlocks::Cursor behind = Behind(state_.freep);
  OrderedBlocks::Cursor found = ring.FirstFrom(behind, units);
  const bool wraps = found == ring.end();
  OrderedBlocks::Counts seen = ring.Between(behind, wraps ? found : ring.Next(found));
  if (wraps) {  // past base, and on up to freep
    if (behind != ring.begin()) found = ring.FirstFrom(ring.begin(), units);
    const OrderedBlocks::Counts low = ring.Between(ring.begin(), found == ring.end() ? behind : ring.Next(found));
    const bool on_one_page = seen.blocks != 0 && low.blocks != 0 &&
                             ring.At(ring.begin()).address.page() == ring.At(ring.Previous(ring.end())).address.page();
    seen.blocks += low.blocks;
    seen.pages += low.pages - (on_one_page ? 1 : 0);
    ++costs_.search_steps;
  }
  const bool failed = found == ring.end(), from_base = state_.freep == kBase;
  costs_.search_steps += seen.blocks;
  costs_.search_pages += seen.pages;
  // `size` and `ptr` of each block, and freep's `ptr`; at the last one the walk ends before `ptr`.
  costs_.words_loaded += 2 * std::uint64_t{seen.blocks} + (from_base ? 0 : 1) - (failed && from_base ? 0 : 1);
  if (failed) return {};
  return {Before(found), ring.At(found).address};
}

VirtAddr KnrHeap::AskForPlace(VirtAddr block) {
  const OrderedBlocks& ring = *index_;
  const OrderedBlocks::Cursor place = ring.LowerBound(Key(block));
  std::uint64_t steps = 0, loads = 0;
  const auto walk_up = [&](OrderedBlocks::Cursor from) {  // to the last block below
    const std::uint64_t below = ring.Distance(from, place);
    if (below == 0) return;
    const bool at_top = place == ring.end();
    steps += below - 1 + (at_top ? 1 : 0);
    loads += 3 * (below - 1) + (at_top ? 2 : 1);
  };
  if (state_.freep < block) {
    const bool from_base = state_.freep == kBase;
    if (from_base) steps += ring.size() == 0 || place != ring.begin() ? 1 : 0;
    walk_up(from_base ? ring.begin() : ring.LowerBound(Key(state_.freep)));
  } else {
    const std::uint64_t above = ring.Distance(ring.LowerBound(Key(state_.freep)), ring.end());
    steps += above + (place != ring.begin() ? 1 : 0);  // and base
    loads += 2 * above + 1;
    walk_up(ring.begin());
  }
  costs_.search_steps += steps;
  costs_.words_loaded += loads;
  state_.counters.Of<"place_steps">() += steps;
  return Before(place);
}

VirtAddr KnrHeap::Before(OrderedBlocks::Cursor place) const {
  return place == index_->begin() ? kBase : index_->At(index_->Previous(place)).address;
}

std::vector<OrderedBlocks::Entry> KnrHeap::Listed() const {
  std::vector<OrderedBlocks::Entry> listed;
  for (const VirtAddr at : Ring()) listed.push_back({Key(at), space_.Peek(at + kSizeOffset).value_or(0), at});
  return listed;
}

std::vector<VirtAddr> KnrHeap::Ring() const {
  std::vector<VirtAddr> ring;
  LoopWatch<VirtAddr> watch;
  for (VirtAddr at = state_.base_next; at >= start() && at < brk() && !watch.Revisits(at);) {
    ring.push_back(at);
    const std::optional<std::uint32_t> next = space_.Peek(at);
    if (!next) break;
    at = VirtAddr(*next);
  }
  return ring;
}

std::optional<BrokenWalk> KnrHeap::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  std::vector<VirtAddr> free = Ring();
  std::sort(free.begin(), free.end());
  const VirtAddr wanted(from.address);
  for (VirtAddr at = from.exact ? wanted : start(); at < brk();) {
    const std::optional<std::uint32_t> next = space_.Peek(at), units = space_.Peek(at + kSizeOffset);
    if (!next || !units) return BrokenWalk{at.raw(), absl::StrFormat("the header at %#010x is not mapped", at.raw())};
    if (*units == 0 || *units > (brk() - at) / kUnit) {
      return BrokenWalk{at.raw(),
                        absl::StrFormat("the block at %#010x has %d units of 8 bytes; up to the break %#010x there are %d",
                                        at.raw(), *units, brk().raw(), (brk() - at) / kUnit)};
    }
    const bool is_free = std::binary_search(free.begin(), free.end(), at);
    const VirtAddr end = at + *units * kUnit;
    if (end > wanted && !visit({.address = at.raw(),
                                .bytes = *units * kUnit,
                                .kind = is_free ? BlockKind::kFree : BlockKind::kLive,
                                .payload = is_free ? 0 : (at + kUnit).raw(),
                                .fields = {is_free ? *next : 0, *units}})) {
      return std::nullopt;
    }
    at = end;
  }
  return std::nullopt;
}

void KnrHeap::VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const {
  InterruptPoll poll(interrupt);
  VisitBlocks({}, [&](const Block& block) {
    visit(block.fields[0]);
    visit(block.fields[1]);
    return !poll.Step();
  });
  visit(state_.base_next.raw());
  visit(0);
  visit(state_.freep.raw());
}

std::vector<Violation> KnrHeap::CheckInvariants(const Interrupt& interrupt) const {
  std::vector<Violation> found;
  const auto add = [&](const char* invariant, VirtAddr where, std::string what) {
    if (found.size() < kViolationsMax) found.push_back({invariant, where.raw(), std::move(what)});
  };
  const std::vector<VirtAddr> ring = Ring();
  if (const auto down = std::is_sorted_until(ring.begin(), ring.end()); down != ring.end()) {
    add("K2", *down, absl::StrFormat("the free block %#010x follows one above it", down->raw()));
  }
  InterruptPoll poll(interrupt);
  std::size_t begun = 0;
  bool before_free = false, freep_found = state_.freep.is_null() || state_.freep == kBase;
  const std::optional<BrokenWalk> broken = VisitBlocks({}, [&](const Block& block) {
    const bool is_free = block.kind == BlockKind::kFree;
    begun += is_free;
    if (is_free && before_free) {
      add("K3", VirtAddr(block.address), absl::StrFormat("block %#010x is free and so is the one before", block.address));
    }
    freep_found = freep_found || (is_free && block.address == state_.freep.raw());
    before_free = is_free;
    return !poll.Step();
  });
  if (poll.interrupted()) return found;
  if (broken) {
    add("K1", VirtAddr(broken->address), broken->what);
    return found;
  }
  if (begun != ring.size()) {
    add("K2", start(), absl::StrFormat("the ring has %d free blocks, but %d blocks begin at them", ring.size(), begun));
  }
  if (std::string differs = index_.Difference([this] { return Listed(); }); !differs.empty()) add("K5", start(), differs);
  if (!freep_found) add("K4", state_.freep, absl::StrFormat("no free block is at freep %#010x", state_.freep.raw()));
  return found;
}

HeapAllocatorInfo KnrHeapInfo() {
  return {.name = "knr",
          .title = "Kernighan and Ritchie",
          .description =
              "Next fit round a ring of free blocks by address; a free walks the ring for its place and merges at once; "
              "the break grows by 32 KiB at least.",
          .source = "Kernighan and Ritchie, The C Programming Language, 2nd edition, 8.7; xv6, user/umalloc.c",
          .declaration = &kDeclaration,
          .parameters = {EngineParameter("heap.engine"), LimitParameter()},
          .make = [](const HeapServices& machine, bool guarded,
                     const ParameterValues& values) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
            const Engine engine = EngineValue(values, "heap.engine");
            if (absl::Status status = CheckEngine(engine, guarded); !status.ok()) return status;
            const std::uint32_t limit = NumberValue(values, "heap.limit_bytes");
            if (absl::Status status = ReserveHeapRange(machine.space, "heap.limit_bytes", limit); !status.ok()) return status;
            return std::make_unique<HeapGuard>(std::make_unique<KnrHeap>(machine.space, limit, engine),
                                               guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
          }};
}

}  // namespace alloclab
