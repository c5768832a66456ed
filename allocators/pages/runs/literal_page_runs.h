// Page runs by walking the list in RAM, step for step as the original does: the reference. See page_runs.h.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_RUNS_LITERAL_PAGE_RUNS_H_
#define ALLOCLAB_ALLOCATORS_PAGES_RUNS_LITERAL_PAGE_RUNS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "allocators/common/check.h"
#include "allocators/pages/page_allocator.h"
#include "allocators/pages/runs/run_list.h"

namespace alloclab {

class LiteralPageRuns final : public PageAllocator {
 public:
  // REQUIRES: the arena lies in RAM and is not empty; smaller than 2 GiB unless `wide`: then lengths are unsigned and the arena
  // may end at 4 GiB, which no difference makes to a program that a guard watches.
  LiteralPageRuns(PhysicalMemory& memory, const Arena& arena, bool wide, RunFit fit)
      : PageAllocator(arena), list_(memory, arena), wide_(wide), fit_(fit) {
    if (!wide) ALLOCLAB_CHECK_LT(arena.bytes, 1u << 31);
  }

  PageResult Allocate(std::uint32_t bytes) override;
  PageResult Free(PhysAddr first, std::uint32_t bytes) override;
  bool HoldsPages(std::uint32_t count) const override;

  const Declaration& declaration() const override { return kPageRunsDeclaration; }
  std::span<const std::uint64_t> own_counters() const override { return list_.state().counters.values(); }
  std::vector<std::uint64_t> FigureValues() const override { return {list_.head().raw()}; }
  PageShape Shape() const override { return list_.Shape(); }
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override {
    return list_.VisitBlocks(from, visit);
  }
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit) const override { list_.VisitMetadata(visit); }
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override { return list_.CheckInvariants(interrupt); }
  std::uint64_t host_bytes() const override { return sizeof(*this); }

 private:
  class Words;

  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(list_.state()); }
  void RestoreOwn(const AllocatorState& saved) override { RestoreState(saved, list_.state()); }
  void ResetOwnCounters() override { list_.state().counters.Reset(); }

  PageResult AllocateFirst(std::uint32_t bytes);
  PageResult AllocateBest(std::uint32_t bytes);
  PageResult Taken(PhysAddr block, std::uint32_t bytes, bool splits);
  // Junk over the range, byte by byte upwards, wrapping at 32 bits.
  void Fill(PhysAddr first, std::uint32_t bytes);
  Merge Link(Words& words, PhysAddr first, std::uint32_t bytes);
  Merge MergeBelow(Words& words, PhysAddr link, std::uint32_t bytes, std::uint64_t end);

  // One past the last byte: the original's pointer wraps.
  std::uint64_t EndOf(PhysAddr first, std::uint32_t bytes) const {
    return wide_ ? std::uint64_t{first.raw()} + bytes : (first + bytes).raw();
  }
  // The original compares signed lengths.
  bool IsLonger(std::uint32_t run_bytes, std::uint32_t bytes) const {
    return wide_ ? run_bytes > bytes : static_cast<std::int32_t>(run_bytes) > static_cast<std::int32_t>(bytes);
  }

  RunList list_;
  const bool wide_;
  const RunFit fit_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_RUNS_LITERAL_PAGE_RUNS_H_
