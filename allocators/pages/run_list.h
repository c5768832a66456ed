// What both engines of page runs share: the arena, the list of free runs as it lies in RAM, and the guard's first checks.
//
//   run   +0 next: address of the next run, 0 at the end     +4 length in bytes     +8 ... free
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_RUN_LIST_H_
#define ALLOCLAB_ALLOCATORS_PAGES_RUN_LIST_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "allocators/common/outcome.h"
#include "allocators/common/violation.h"
#include "allocators/machine/physical_memory.h"
#include "allocators/pages/page_allocator.h"

namespace alloclab {

inline constexpr std::uint32_t kRunNext = 0, kRunBytes = kWordBytes;  // offsets in a run's header
inline constexpr std::uint8_t kJunk = 0x01;                           // what a free fills with

enum class Merge : std::uint8_t { kNothing, kBelow, kAbove, kBoth };  // as PageCosts::merges counts them

struct Arena {
  PhysAddr first;
  std::uint32_t bytes = 0;

  std::uint64_t end() const { return std::uint64_t{first.raw()} + bytes; }  // may be 2^32
  bool Contains(PhysAddr from, std::uint32_t count) const {
    return from >= first && from.raw() + std::uint64_t{count} <= end();
  }
};

// Why a guarded allocator refuses a length, or a range to free; nothing when it does not. Free runs are not looked at.
inline std::optional<Outcome> RefusedLength(std::uint32_t bytes) {
  if (bytes == 0) return Outcome::kZeroLength;
  if (bytes >> 31 != 0) return Outcome::kNegativeLength;
  if (bytes % kPageBytes != 0) return Outcome::kUnalignedLength;
  return std::nullopt;
}
inline std::optional<Outcome> RefusedRange(const Arena& arena, PhysAddr first, std::uint32_t bytes) {
  if (const auto refused = RefusedLength(bytes)) return refused;
  if (first.offset() != 0) return Outcome::kMisalignedPointer;
  if (!arena.Contains(first, bytes)) return Outcome::kOutsideArena;
  return std::nullopt;
}

// Notices that a walk over unchanging links has come to a run for the second time (Brent, An improved Monte Carlo factorization
// algorithm, BIT 20, 1980): within three times the length of the walk up to there.
class LoopWatch {
 public:
  bool Revisits(PhysAddr run) {
    if (run == mark_) return true;
    if (++steps_ == limit_) {
      mark_ = run;
      steps_ = 0;
      limit_ *= 2;
    }
    return false;
  }

 private:
  PhysAddr mark_;
  std::uint64_t steps_ = 0, limit_ = 1;
};

class RunList {
 public:
  // Fills the arena with junk and makes it one run. REQUIRES: the arena lies in RAM and is not empty.
  RunList(PhysicalMemory& memory, const Arena& arena);

  PhysicalMemory& memory() const { return memory_; }
  const Arena& arena() const { return arena_; }

  PhysAddr head() const { return head_; }  // the kernel's global; null: no run
  void set_head(PhysAddr run) { head_ = run; }

  // Bytes free by the calls that succeeded; what a broken list holds may differ (P4).
  std::int64_t free_bytes() const { return free_bytes_; }
  void CountTaken(std::uint32_t bytes) { free_bytes_ -= static_cast<std::int32_t>(bytes); }
  void CountFreed(std::uint32_t bytes) { free_bytes_ += static_cast<std::int32_t>(bytes); }
  Outcome WhyNothingFits(std::uint32_t bytes) const {
    return free_bytes_ > 0 && free_bytes_ >= std::int64_t{bytes} ? Outcome::kFragmented : Outcome::kOutOfMemory;
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
  WalkEnd Walk(Visit visit) const;
  // P1 to P4, at most kViolationsMax, the first broken run first.
  std::vector<Violation> CheckInvariants() const;

 private:
  PhysicalMemory& memory_;
  const Arena arena_;
  PhysAddr head_;
  std::int64_t free_bytes_;
};

inline std::optional<FreeRun> RunList::Read(PhysAddr run) const {
  const std::optional<std::uint32_t> bytes = memory_.LoadU32(run + kRunBytes);
  if (!memory_.Contains(run, 2 * kWordBytes) || !bytes) return std::nullopt;
  return FreeRun{run, *bytes};
}

template <class Visit>
RunList::WalkEnd RunList::Walk(Visit visit) const {
  LoopWatch loop;
  PhysAddr run = head_;
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

#endif  // ALLOCLAB_ALLOCATORS_PAGES_RUN_LIST_H_
