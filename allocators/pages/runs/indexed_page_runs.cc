#include "allocators/pages/runs/indexed_page_runs.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"

namespace alloclab {
namespace {

// What a step of the original's walk costs in loads and stores: at the first run, whose link is the list head, and at any
// other. The table of page_runs.h.
struct Step {
  std::uint8_t first_loads, loads, first_stores, stores;
  bool visits = true;  // looks at a run
};
constexpr Step kPassToAllocate{2, 5, 0, 0}, kExactFit{2, 4, 0, 1}, kSplit{4, 6, 1, 1}, kNothingFits{0, 1, 0, 0, false};
constexpr Step kPassToFree{1, 8, 0, 0}, kPutBefore{1, 8, 2, 3}, kPutLast{0, 1, 2, 3, false}, kMergeAbove{3, 10, 2, 3},
    kMergeBelow{4, 13, 1, 1}, kMergeBelowLast{3, 11, 1, 1}, kMergeBoth{9, 22, 3, 3};

void Charge(PageCosts& costs, std::uint32_t passed, const Step& pass, const Step& last) {
  costs.search_steps += passed + last.visits;
  if (passed == 0) {
    costs.words_loaded += last.first_loads;
    costs.words_stored += last.first_stores;
  } else {
    costs.words_loaded += pass.first_loads + (passed - std::uint64_t{1}) * pass.loads + last.loads;
    costs.words_stored += last.stores;
  }
}

// `below` runs lie below the freed range, `above` is whether any lies above it.
void ChargeFree(PageCosts& costs, Merge merge, std::uint32_t below, bool above) {
  switch (merge) {
    case Merge::kNothing:
      return Charge(costs, below, kPassToFree, above ? kPutBefore : kPutLast);
    case Merge::kAbove:
      return Charge(costs, below, kPassToFree, kMergeAbove);
    case Merge::kBelow:
      return Charge(costs, below - 1, kPassToFree, above ? kMergeBelow : kMergeBelowLast);
    case Merge::kBoth:
      return Charge(costs, below - 1, kPassToFree, kMergeBoth);
  }
}

}  // namespace

IndexedPageRuns::IndexedPageRuns(PhysicalMemory& memory, const Arena& arena)
    : PageAllocator(arena), list_(memory, arena), index_(arena.bytes >> kPageShift) {
  index_.Set(0, arena.bytes >> kPageShift);
}

PageResult IndexedPageRuns::Allocate(std::uint32_t bytes) {
  if (const auto refused = RefusedLength(bytes)) return {*refused, {}};
  const std::uint32_t pages = bytes >> kPageShift;
  const Run run = index_.FirstFit(pages);
  if (!run) {
    Charge(costs_, index_.runs(), kPassToAllocate, kNothingFits);
    return {list_.WhyNothingFits(bytes), {}};
  }
  const std::uint32_t rest = run.pages - pages, below = index_.CountBefore(run.page);
  if (rest == 0) {
    StoreLink(below == 0 ? Run{} : index_.LastBefore(run.page), index_.FirstFrom(run.page + 1));
  } else {
    StoreLength(run.page, rest);
    ++list_.state().counters.Of<"splits">();
  }
  Charge(costs_, below, kPassToAllocate, rest == 0 ? kExactFit : kSplit);
  index_.Set(run.page, rest);
  list_.CountTaken(bytes);
  return {Outcome::kOk, AddressOf(run.page + rest)};
}

PageResult IndexedPageRuns::Free(PhysAddr first, std::uint32_t bytes) {
  if (const auto refused = RefusedRange(list_.arena(), first, bytes)) return {*refused, {}};
  const Run freed{PageOf(first), bytes >> kPageShift};
  const Run below = index_.LastBefore(freed.page + 1), above = index_.FirstFrom(freed.page + 1);
  if (below && below.end() > freed.page) return {Outcome::kDoubleFree, {}};
  if (above && above.page < freed.end()) return {Outcome::kOverlapsFree, {}};

  const bool in_ram = list_.memory().FillFrames(FrameOf(first), freed.pages, kJunk);
  ALLOCLAB_CHECK(in_ram);
  list_.state().counters.Of<"filled_bytes">() += bytes;
  const std::uint32_t count_below = below ? index_.CountBefore(freed.page) : 0;
  const Merge merge = Join(below, freed, above);
  ChargeFree(costs_, merge, count_below, static_cast<bool>(above));
  ++list_.state().counters.Of<"merges">(static_cast<std::size_t>(merge));
  list_.CountFreed(bytes);
  return {};
}

// Brings a freed range into the list, between its neighbours.
Merge IndexedPageRuns::Join(Run below, Run freed, Run above) {
  const bool joins_below = below && below.end() == freed.page, joins_above = above && above.page == freed.end();
  const Run run{joins_below ? below.page : freed.page,
                freed.pages + (joins_below ? below.pages : 0) + (joins_above ? above.pages : 0)};
  if (joins_above) index_.Set(above.page, 0);
  index_.Set(run.page, run.pages);
  StoreLength(run.page, run.pages);
  if (joins_above) {
    StoreNext(run.page, index_.FirstFrom(above.page));
  } else if (!joins_below) {
    StoreNext(run.page, above);
  }
  if (joins_below) return joins_above ? Merge::kBoth : Merge::kBelow;
  StoreLink(below, run);
  return joins_above ? Merge::kAbove : Merge::kNothing;
}

void IndexedPageRuns::StoreLink(Run below, Run run) {
  if (below) return StoreNext(below.page, run);
  list_.set_head(run ? AddressOf(run.page) : PhysAddr());
}

void IndexedPageRuns::Store(PhysAddr address, std::uint32_t value) {
  const bool in_ram = list_.memory().StoreU32(address, value);
  ALLOCLAB_CHECK(in_ram);
}

PageShape IndexedPageRuns::Shape() const {
  return {.arena = arena(),
          .free_bytes = static_cast<std::uint64_t>(list_.free_bytes()),
          .free_blocks = index_.runs(),
          .largest_free_bytes = std::uint64_t{index_.longest()} << kPageShift};
}

std::optional<BrokenWalk> IndexedPageRuns::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  const PhysAddr wanted(from.address);
  if (wanted.raw() >= arena().end()) return std::nullopt;
  const std::uint32_t page = wanted <= arena().first ? 0 : PageOf(wanted);
  const Run holder = index_.LastBefore(page + 1);
  const Run first = holder && holder.end() > page ? holder : index_.FirstFrom(page);
  if (first) list_.VisitBlocks({.address = AddressOf(first.page).raw(), .exact = true}, visit);  // this list is sound
  return std::nullopt;
}

void IndexedPageRuns::RestoreOwn(const AllocatorState& saved) {
  RestoreState(saved, list_.state());
  index_ = RunIndex(arena().bytes >> kPageShift);
  list_.Walk([this](const FreeRun& run) {
    index_.Set(PageOf(run.first), run.bytes >> kPageShift);
    return true;
  });
}

std::vector<Violation> IndexedPageRuns::CheckInvariants(const Interrupt& interrupt) const {
  std::vector<Violation> violations = list_.CheckInvariants(interrupt);
  if (!violations.empty() || Interrupted(interrupt)) return violations;
  Run indexed = index_.FirstFrom(0);
  InterruptPoll poll(interrupt);
  list_.Walk([&](const FreeRun& run) {
    if (poll.Step()) return false;
    const Run listed{PageOf(run.first), run.bytes >> kPageShift};
    if (indexed != listed) {
      violations.push_back({"P5", run.first.raw(),
                            absl::StrFormat("the list has a run of %d bytes, the index its next at 0x%08x with %d bytes",
                                            run.bytes, AddressOf(indexed.page).raw(), indexed.pages << kPageShift)});
      return false;
    }
    indexed = index_.FirstFrom(listed.page + 1);
    return true;
  });
  if (violations.empty() && !poll.interrupted() && indexed) {
    violations.push_back({"P5", AddressOf(indexed.page).raw(), "the index has a run that is not in the list"});
  }
  return violations;
}

}  // namespace alloclab
