#include "allocators/pages/literal_page_runs.h"

#include <algorithm>
#include <array>
#include <span>

namespace alloclab {

// The list's words as the original's code touches them, each access counted. A link is where a run's address is kept: the list
// head, written kHead here, or the `next` word of the run before. After an access outside RAM nothing is written and
// everything reads as 0, so that every walk ends.
class LiteralPageRuns::Words {
 public:
  static constexpr PhysAddr kHead{0};

  Words(RunList& list, PageCosts& costs) : list_(list), costs_(costs) {}

  PhysAddr Follow(PhysAddr link) {
    if (link != kHead) return Next(link);
    return faulted_ ? PhysAddr() : list_.head();
  }
  void Point(PhysAddr link, PhysAddr run) {
    if (link != kHead) {
      SetNext(link, run);
    } else if (!faulted_) {
      list_.set_head(run);
    }
  }
  PhysAddr Next(PhysAddr run) { return PhysAddr(Load(run + kRunNext)); }
  void SetNext(PhysAddr run, PhysAddr next) { Store(run + kRunNext, next.raw()); }
  std::uint32_t Bytes(PhysAddr run) { return Load(run + kRunBytes); }
  void SetBytes(PhysAddr run, std::uint32_t bytes) { Store(run + kRunBytes, bytes); }

  // Where the first access outside RAM was, if there was one.
  bool faulted() const { return faulted_; }
  PageResult Fault() const { return {Outcome::kMachineFault, fault_}; }

 private:
  std::uint32_t Load(PhysAddr address) {
    if (faulted_) return 0;
    const std::optional<std::uint32_t> word = list_.memory().LoadU32(address);
    if (!word) return SetFault(address), 0;
    ++costs_.words_loaded;
    return *word;
  }
  void Store(PhysAddr address, std::uint32_t value) {
    if (faulted_) return;
    if (!list_.memory().StoreU32(address, value)) return SetFault(address);
    ++costs_.words_stored;
  }
  void SetFault(PhysAddr address) {  // a word across the end of RAM faults at its first byte outside
    const bool begins_inside = list_.memory().Contains(address, 1);
    fault_ = begins_inside ? PhysAddr(static_cast<std::uint32_t>(list_.memory().size_bytes())) : address;
    faulted_ = true;
  }

  RunList& list_;
  PageCosts& costs_;
  bool faulted_ = false;
  PhysAddr fault_;
};

PageResult LiteralPageRuns::Allocate(std::uint32_t bytes) {
  if (guarded_) {
    if (const auto refused = RefusedLength(bytes)) return {*refused, {}};
  } else if (bytes % kPageBytes != 0) {
    return {Outcome::kPanic, {}};
  }
  Words words(list_, costs_);
  LoopWatch loop;
  PhysAddr link = Words::kHead, block;
  bool fits = false, splits = false;
  while (!fits && !words.Follow(link).is_null()) {
    const PhysAddr run = words.Follow(link);
    if (loop.Revisits(run)) return {Outcome::kMachineHang, run};
    ++costs_.runs_visited;
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
  if (words.faulted()) return words.Fault();
  if (!fits) return {list_.WhyNothingFits(bytes), {}};
  list_.CountTaken(bytes);
  costs_.splits += splits;
  return {Outcome::kOk, block};
}

PageResult LiteralPageRuns::Free(PhysAddr first, std::uint32_t bytes) {
  if (guarded_) {
    if (const auto refused = RefusedFree(first, bytes)) return {*refused, {}};
  } else if (bytes % kPageBytes != 0) {
    return {Outcome::kPanic, {}};
  }
  if (const auto left_ram = Fill(first, bytes)) return {Outcome::kMachineFault, *left_ram};
  Words words(list_, costs_);
  const Linked linked = Link(words, first, bytes);
  if (words.faulted()) return words.Fault();
  if (linked.outcome != Outcome::kOk) return {linked.outcome, linked.run};
  list_.CountFreed(bytes);
  ++costs_.merges[static_cast<std::size_t>(linked.merge)];
  return {};
}

// Finds the range's place in the list. The order of the comparisons, and which words they read, are the original's.
LiteralPageRuns::Linked LiteralPageRuns::Link(Words& words, PhysAddr first, std::uint32_t bytes) {
  const std::uint64_t end = EndOf(first, bytes);
  LoopWatch loop;
  PhysAddr link = Words::kHead;
  while (!words.Follow(link).is_null()) {
    const PhysAddr run = words.Follow(link);
    if (loop.Revisits(run)) return {.outcome = Outcome::kMachineHang, .run = run};
    ++costs_.runs_visited;
    const std::uint64_t run_end = EndOf(run, words.Bytes(words.Follow(link)));
    if (first >= words.Follow(link) && first.raw() < run_end) return {.outcome = Outcome::kPanic};
    if (end == words.Follow(link).raw()) {  // merge with the run above: the header moves down
      words.SetBytes(first, bytes + words.Bytes(words.Follow(link)));
      words.SetNext(first, words.Next(words.Follow(link)));
      words.Point(link, first);
      return {.merge = Merge::kAbove};
    }
    if (end < words.Follow(link).raw()) {  // put before the run above
      words.SetBytes(first, bytes);
      words.SetNext(first, words.Follow(link));
      words.Point(link, first);
      return {.merge = Merge::kNothing};
    }
    if (first.raw() == run_end) return {.merge = MergeBelow(words, link, bytes, end)};
    link = words.Follow(link) + kRunNext;
  }
  words.SetBytes(first, bytes);
  words.SetNext(first, PhysAddr());
  words.Point(link, first);
  return {.merge = Merge::kNothing};
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

std::optional<Outcome> LiteralPageRuns::RefusedFree(PhysAddr first, std::uint32_t bytes) const {
  if (const auto refused = RefusedRange(list_.arena(), first, bytes)) return refused;
  const std::uint64_t end = EndOf(first, bytes);
  std::optional<Outcome> refused;
  list_.Walk([&](const FreeRun& run) {
    if (first >= run.first && first.raw() < EndOf(run.first, run.bytes)) refused = Outcome::kDoubleFree;
    if (first < run.first && end > run.first.raw()) refused = Outcome::kOverlapsFree;
    return !refused && run.first < first;
  });
  return refused;
}

std::optional<PhysAddr> LiteralPageRuns::Fill(PhysAddr first, std::uint32_t bytes) {
  if (bytes >> 31 != 0) return std::nullopt;  // a negative count: the loop does not run
  static constexpr auto kJunkPage = [] {
    std::array<std::uint8_t, kPageBytes> page{};
    page.fill(kJunk);
    return page;
  }();
  PhysicalMemory& memory = list_.memory();
  for (std::uint32_t left = bytes; left > 0;) {
    if (!memory.Contains(first, 1)) return first;
    auto piece = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, memory.size_bytes() - first.raw()));
    if (first.offset() == 0 && piece >= kPageBytes) {
      piece -= piece % kPageBytes;
      (void)memory.FillFrames(FrameOf(first), piece / kPageBytes, kJunk);
    } else {
      piece = std::min(piece, kPageBytes - first.offset());
      (void)memory.Write(first, std::span(kJunkPage).first(piece));
    }
    costs_.filled_bytes += piece;
    first = first + piece;
    left -= piece;
  }
  return std::nullopt;
}

std::optional<PageFrame> LiteralPageRuns::TakeFrame() {
  const PageResult taken = Allocate(kPageBytes);
  if (taken.outcome != Outcome::kOk) return std::nullopt;
  return FrameOf(taken.address);
}

bool LiteralPageRuns::CanTakeFrames(std::uint32_t count) const {
  std::uint64_t frames = 0;
  list_.Walk([&](const FreeRun& run) {
    if (IsLonger(run.bytes, 0)) frames += run.bytes / kPageBytes;
    return frames < count;
  });
  return frames >= count;
}

PageShape LiteralPageRuns::Shape() const {
  PageShape shape{.arena_first = list_.arena().first, .arena_bytes = list_.arena().bytes};
  list_.Walk([&](const FreeRun& run) {
    ++shape.runs;
    if (!IsLonger(run.bytes, 0)) return true;
    shape.free_bytes += run.bytes;
    shape.largest_run_bytes = std::max<std::uint64_t>(shape.largest_run_bytes, run.bytes);
    return true;
  });
  return shape;
}

void LiteralPageRuns::VisitRuns(PhysAddr from, const std::function<bool(const FreeRun&)>& visit) const {
  bool reached = false;
  list_.Walk([&](const FreeRun& run) {
    reached = reached || run.first >= from;
    return !reached || visit(run);
  });
}

}  // namespace alloclab
