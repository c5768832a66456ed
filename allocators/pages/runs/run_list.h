// What both engines of page runs share: the list of free runs as it lies in RAM, and what they declare.
//
//   run   +0 next: address of the next run, 0 at the end     +4 length in bytes     +8 ... free
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_RUNS_RUN_LIST_H_
#define ALLOCLAB_ALLOCATORS_PAGES_RUNS_RUN_LIST_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "allocators/common/interrupt.h"
#include "allocators/common/outcome.h"
#include "allocators/common/violation.h"
#include "allocators/machine/loop_watch.h"
#include "allocators/machine/physical_memory.h"
#include "allocators/pages/page_allocator.h"

namespace alloclab {

inline constexpr std::uint32_t kRunNext = 0, kRunBytes = kWordBytes;  // offsets in a run's header
inline constexpr std::uint8_t kJunk = 0x01;                           // what a free fills with

enum class RunFit : std::uint8_t { kFirst, kBest };  // which run serves a request: page_runs.h, best_fit_runs.h
enum class Merge : std::uint8_t { kNothing, kBelow, kAbove, kBoth };  // as the counters have them

// A maximal range of free page frames.
struct FreeRun {
  PhysAddr first;
  std::uint32_t bytes = 0;
};

inline constexpr std::string_view kRunMergesHelp = "frees, by which neighbouring blocks they were merged with";
inline constexpr CounterInfo kPageRunsCounters[] = {
    {"splits", "allocations carved from a longer block"}, {"merges", kRunMergesHelp, "with", "none"},
    {"merges", kRunMergesHelp, "with", "below"},          {"merges", kRunMergesHelp, "with", "above"},
    {"merges", kRunMergesHelp, "with", "both"},           {"filled_bytes", "junk bytes that frees wrote over the pages"},
};
using PageRunsCounters = Counters<kPageRunsCounters>;
inline constexpr FigureInfo kPageRunsFigures[] = {
    {"head", "address of the first free block", FigureInfo::Unit::kAddress},
};
inline constexpr FieldInfo kPageRunsFields[] = {
    {"next", "address of the next free block, 0 at the end", FigureInfo::Unit::kAddress},
};
inline constexpr Declaration kPageRunsDeclaration{
    .counters = kPageRunsCounters, .figures = kPageRunsFigures, .block_fields = kPageRunsFields, .alignment = kPageBytes};

class RunList {
 public:
  // Fills the arena with junk and makes it one run. REQUIRES: the arena lies in RAM and is not empty.
  RunList(PhysicalMemory& memory, const Arena& arena);

  // What is not in RAM.
  struct State {
    PhysAddr head;  // the kernel's global; null: no run
    std::int64_t free_bytes = 0;
    PageRunsCounters counters;
  };
  State& state() { return state_; }
  const State& state() const { return state_; }

  PhysicalMemory& memory() const { return memory_; }
  const Arena& arena() const { return arena_; }

  PhysAddr head() const { return state_.head; }
  void set_head(PhysAddr run) { state_.head = run; }

  // Bytes free by the calls that succeeded; what a broken list holds may differ (P4).
  std::int64_t free_bytes() const { return state_.free_bytes; }
  void CountTaken(std::uint32_t bytes) { state_.free_bytes -= static_cast<std::int32_t>(bytes); }
  void CountFreed(std::uint32_t bytes) { state_.free_bytes += static_cast<std::int32_t>(bytes); }
  Outcome WhyNothingFits(std::uint32_t bytes) const {
    return free_bytes() > 0 && free_bytes() >= std::int64_t{bytes} ? Outcome::kFragmented : Outcome::kOutOfMemory;
  }

  // The run whose header is at `run`; nothing when that is not in RAM.
  std::optional<FreeRun> Read(PhysAddr run) const;
  // In list order until `visit` returns false or the list ends, in whatever way.
  enum class End { kStopped, kNull, kOutsideRam, kCircle };
  struct WalkEnd {
    End end;
    PhysAddr at;  // the run that could not be visited
  };
  template <class Visit>
  WalkEnd Walk(Visit visit) const {
    return WalkFrom(state_.head, visit);
  }
  template <class Visit>
  WalkEnd WalkFrom(PhysAddr run, Visit visit) const;
  // As PageAllocator's.
  PageShape Shape() const;
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit) const;
  // P1 to P4, at most kViolationsMax, the first broken run first.
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt = {}) const;

 private:
  PhysicalMemory& memory_;
  const Arena arena_;
  State state_;
};

inline std::optional<FreeRun> RunList::Read(PhysAddr run) const {
  const std::optional<std::uint32_t> bytes = memory_.LoadU32(run + kRunBytes);
  if (!memory_.Contains(run, 2 * kWordBytes) || !bytes) return std::nullopt;
  return FreeRun{run, *bytes};
}

template <class Visit>
RunList::WalkEnd RunList::WalkFrom(PhysAddr run, Visit visit) const {
  LoopWatch<PhysAddr> loop;
  while (!run.is_null()) {
    if (loop.Revisits(run)) return {End::kCircle, run};
    const std::optional<FreeRun> found = Read(run);
    if (!found) return {End::kOutsideRam, run};
    if (!visit(*found)) return {End::kStopped, run};
    run = PhysAddr(memory_.LoadU32(run + kRunNext).value_or(0));
  }
  return {End::kNull, run};
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_RUNS_RUN_LIST_H_
