#include "allocators/pages/runs/literal_page_runs.h"

#include <algorithm>
#include <array>
#include <span>

#include "allocators/machine/machine_stop.h"
#include "allocators/machine/word_view.h"

namespace alloclab {

// The list's words as the original's code touches them, each access counted. A link is where a run's address is kept: the list
// head, written kHead here, or the `next` word of the run before.
class LiteralPageRuns::Words {
 public:
  static constexpr PhysAddr kHead{0};

  Words(RunList& list, PageCosts& costs) : list_(list), view_(list.memory(), costs) {}

  PhysAddr Follow(PhysAddr link) { return link == kHead ? list_.head() : Next(link); }
  void Point(PhysAddr link, PhysAddr run) {
    if (link == kHead) {
      list_.set_head(run);
    } else {
      SetNext(link, run);
    }
  }
  PhysAddr Next(PhysAddr run) { return PhysAddr(view_.Load(run + kRunNext)); }
  void SetNext(PhysAddr run, PhysAddr next) { view_.Store(run + kRunNext, next.raw()); }
  std::uint32_t Bytes(PhysAddr run) { return view_.Load(run + kRunBytes); }
  void SetBytes(PhysAddr run, std::uint32_t bytes) { view_.Store(run + kRunBytes, bytes); }

 private:
  RunList& list_;
  PhysicalWordView view_;
};

PageResult LiteralPageRuns::Allocate(std::uint32_t bytes) {
  if (bytes % kPageBytes != 0) throw MachineStop{Outcome::kPanic};
  return fit_ == RunFit::kFirst ? AllocateFirst(bytes) : AllocateBest(bytes);
}

PageResult LiteralPageRuns::AllocateFirst(std::uint32_t bytes) {
  Words words(list_, costs_);
  LoopWatch<PhysAddr> loop;
  PhysAddr link = Words::kHead, block;
  bool fits = false, splits = false;
  while (!fits && !words.Follow(link).is_null()) {
    const PhysAddr run = words.Follow(link);
    loop.Check(run);
    ++costs_.search_steps;
    if (words.Bytes(run) == bytes) {
      words.Point(link, words.Next(run));
      block = run;
      fits = true;
    } else if (IsLonger(words.Bytes(run), bytes)) {
      block = run + (words.Bytes(run) - bytes);
      words.SetBytes(run, words.Bytes(run) - bytes);
      fits = splits = true;
    } else {
      link = words.Follow(link) + kRunNext;
    }
  }
  return fits ? Taken(block, bytes, splits) : PageResult{list_.WhyNothingFits(bytes), {}};
}

// best_fit_runs.h
PageResult LiteralPageRuns::AllocateBest(std::uint32_t bytes) {
  Words words(list_, costs_);
  LoopWatch<PhysAddr> loop;
  PhysAddr best, best_link, link = Words::kHead;
  std::uint32_t best_bytes = 0;
  for (PhysAddr run = words.Follow(link); !run.is_null(); run = words.Follow(link)) {
    loop.Check(run);
    ++costs_.search_steps;
    const std::uint32_t run_bytes = words.Bytes(run);
    const bool exact = run_bytes == bytes;
    if (exact || (IsLonger(run_bytes, bytes) && (best.is_null() || IsLonger(best_bytes, run_bytes)))) {
      best = run, best_link = link, best_bytes = run_bytes;
    }
    if (exact) break;
    link = run + kRunNext;
  }
  if (best.is_null()) return {list_.WhyNothingFits(bytes), {}};
  const std::uint32_t rest = best_bytes - bytes;
  if (rest == 0) {
    words.Point(best_link, words.Next(best));
  } else {
    words.SetBytes(best, rest);
  }
  return Taken(best + rest, bytes, rest != 0);
}

PageResult LiteralPageRuns::Taken(PhysAddr block, std::uint32_t bytes, bool splits) {
  list_.CountTaken(bytes);
  list_.state().counters.Of<"splits">() += splits;
  return {Outcome::kOk, block};
}

PageResult LiteralPageRuns::Free(PhysAddr first, std::uint32_t bytes) {
  if (bytes % kPageBytes != 0) throw MachineStop{Outcome::kPanic};
  Fill(first, bytes);
  Words words(list_, costs_);
  const Merge merge = Link(words, first, bytes);
  list_.CountFreed(bytes);
  ++list_.state().counters.Of<"merges">(static_cast<std::size_t>(merge));
  return {};
}

// Finds the range's place in the list. The order of the comparisons, and which words they read, are the original's.
Merge LiteralPageRuns::Link(Words& words, PhysAddr first, std::uint32_t bytes) {
  const std::uint64_t end = EndOf(first, bytes);
  LoopWatch<PhysAddr> loop;
  PhysAddr link = Words::kHead;
  while (!words.Follow(link).is_null()) {
    const PhysAddr run = words.Follow(link);
    loop.Check(run);
    ++costs_.search_steps;
    const std::uint64_t run_end = EndOf(run, words.Bytes(words.Follow(link)));
    if (first >= words.Follow(link) && first.raw() < run_end) throw MachineStop{Outcome::kPanic};
    if (end == words.Follow(link).raw()) {  // merge with the run above: the header moves down
      words.SetBytes(first, bytes + words.Bytes(words.Follow(link)));
      words.SetNext(first, words.Next(words.Follow(link)));
      words.Point(link, first);
      return Merge::kAbove;
    }
    if (end < words.Follow(link).raw()) {  // put before the run above
      words.SetBytes(first, bytes);
      words.SetNext(first, words.Follow(link));
      words.Point(link, first);
      return Merge::kNothing;
    }
    if (first.raw() == run_end) return MergeBelow(words, link, bytes, end);
    link = words.Follow(link) + kRunNext;
  }
  words.SetBytes(first, bytes);
  words.SetNext(first, PhysAddr());
  words.Point(link, first);
  return Merge::kNothing;
}

// Extends the run at `link`, and swallows the next one when it is reached.
Merge LiteralPageRuns::MergeBelow(Words& words, PhysAddr link, std::uint32_t bytes, std::uint64_t end) {
  const PhysAddr grown = words.Follow(link);
  words.SetBytes(grown, words.Bytes(grown) + bytes);
  const bool reached = !words.Next(words.Follow(link)).is_null() && words.Next(words.Follow(link)).raw() == end;
  if (reached) {
    const PhysAddr run = words.Follow(link);
    words.SetBytes(run, words.Bytes(run) + words.Bytes(words.Next(words.Follow(link))));
    words.SetNext(words.Follow(link), words.Next(words.Next(words.Follow(link))));
  }
  return reached ? Merge::kBoth : Merge::kBelow;
}

void LiteralPageRuns::Fill(PhysAddr first, std::uint32_t bytes) {
  if (bytes >> 31 != 0) return;  // a negative count: the loop does not run
  static constexpr auto kJunkPage = [] {
    std::array<std::uint8_t, kPageBytes> page{};
    page.fill(kJunk);
    return page;
  }();
  PhysicalMemory& memory = list_.memory();
  for (std::uint32_t left = bytes; left > 0;) {
    if (!memory.Contains(first, 1)) throw MachineStop{Outcome::kMachineFault, first.raw()};
    auto piece = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, memory.size_bytes() - first.raw()));
    if (first.offset() == 0 && piece >= kPageBytes) {
      piece -= piece % kPageBytes;
      (void)memory.FillFrames(FrameOf(first), piece / kPageBytes, kJunk);
    } else {
      piece = std::min(piece, kPageBytes - first.offset());
      (void)memory.Write(first, std::span(kJunkPage).first(piece));
    }
    list_.state().counters.Of<"filled_bytes">() += piece;
    first = first + piece;
    left -= piece;
  }
}

bool LiteralPageRuns::HoldsPages(std::uint32_t count) const {
  std::uint64_t pages = 0;
  list_.Walk([&](const FreeRun& run) {
    if (IsLonger(run.bytes, 0)) pages += run.bytes / kPageBytes;
    return pages < count;
  });
  return pages >= count;
}

}  // namespace alloclab
