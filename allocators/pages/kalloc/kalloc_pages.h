// The page allocator of today's xv6 (MIT, kalloc.c; since 2007), on which thousands of students have built. A stack of pages: a
// free puts the page on top, an allocation takes the one on top. Good: both take the same few instructions, whatever is free,
// and the page given is the one that was used last. Bad: one page at a time, so nothing larger than 4 KiB ever lies together;
// no count and no owner, so a page that is freed twice is on the stack twice, and is handed out for ever.
//
//   page   +0 next: address of the page below, 0 of the last     +4 ... 4,092 bytes of junk
//
// The head of the list is a variable. A free first fills the page with 0x01, so that who still uses it finds out. At the
// beginning each page of the arena is freed, the lowest first, so the highest is the first one to be handed out.
//
// A request is for one page: what is longer is refused, kFragmented when so many bytes are free, otherwise kOutOfMemory. A free
// of several pages frees one after the other, upwards.
//
// Unguarded use. The original has no lengths: whatever length up to a page is asked for gives a page, and part of a page is
// freed as a whole one. It panics, before the page has changed, on an address that is no page of the arena. An allocation from
// a list that leads out of RAM ends with kMachineFault at that address.
//
// Metadata, for the digest: address of every page in list order.
//
// Costs (PageCosts): an allocation reads the link of the page it gives, a free writes one. There is no search. The fill is in
// the counter filled_bytes alone.
//
// Invariants (CheckInvariants):
//   X1 every page of the list lies inside the arena, page-aligned
//   X2 the list ends
#ifndef ALLOCLAB_ALLOCATORS_PAGES_KALLOC_KALLOC_PAGES_H_
#define ALLOCLAB_ALLOCATORS_PAGES_KALLOC_KALLOC_PAGES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "allocators/machine/physical_memory.h"
#include "allocators/pages/page_allocator.h"
#include "allocators/pages/page_allocator_info.h"

namespace alloclab {

inline constexpr CounterInfo kKallocCounters[] = {
    {"filled_bytes", "junk bytes that frees wrote over the pages"},
};

class KallocPages final : public PageAllocator {
 public:
  // Frees each page of the arena. REQUIRES: the arena lies in RAM, is not empty and begins above address 0.
  KallocPages(PhysicalMemory& memory, const Arena& arena);

  PageResult Allocate(std::uint32_t bytes) override;
  PageResult Free(PhysAddr first, std::uint32_t bytes) override;
  bool HoldsPages(std::uint32_t count) const override;

  const Declaration& declaration() const override;
  std::span<const std::uint64_t> own_counters() const override { return state_.counters.values(); }
  std::vector<std::uint64_t> FigureValues() const override { return {state_.head.raw()}; }
  PageShape Shape() const override;
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit) const override;
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override;
  std::uint64_t host_bytes() const override { return sizeof(*this); }

 private:
  bool IsPage(PhysAddr page) const { return page.offset() == 0 && arena_.Contains(page, kPageBytes); }
  void FreePage(PhysAddr page);

  struct State {
    Counters<kKallocCounters> counters;
    PhysAddr head;  // null: no page is free
  };

  // The pages of the list from `page` on, until `visit` returns false. Nothing when the list ends; else where it does not.
  std::optional<BrokenWalk> Walk(PhysAddr page, const std::function<bool(PhysAddr page, PhysAddr next)>& visit) const;

  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(state_); }
  void RestoreOwn(const AllocatorState& saved) override { RestoreState(saved, state_); }
  void ResetOwnCounters() override { state_.counters.Reset(); }

  PhysicalMemory& memory_;
  State state_;
};

struct KallocOptions {
  bool guarded = true;
  // The kernel's `end` symbol: the arena starts at the first page border that is not below.
  std::uint32_t kernel_end = kPageBytes;
  // Pages of the arena; 0 means all of RAM from its start.
  std::uint32_t arena_pages = 0;
};

// INVALID_ARGUMENT: the arena would have page 0, does not fit RAM, or is empty.
absl::StatusOr<std::unique_ptr<PageGuard>> MakeKalloc(PhysicalMemory& memory, const KallocOptions& options);

PageAllocatorInfo KallocInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_KALLOC_KALLOC_PAGES_H_
