// The page allocator of Linux: a binary buddy system, invented by Harry Markowitz, published by Knowlton (A Fast Storage
// Allocator, CACM 8(10), 1965), in Linux since its first years. Here by the rules of Linux 2.6.18, mm/page_alloc.c
// (__rmqueue, expand, __free_one_page): the last version before its lists were split by mobility. What 2.6.18 has around it,
// zones, watermarks and lists for each processor, is left out. Good: a request and a free take at most a step for each of the
// 11 orders, whatever is free, and runs of pages stay together and aligned. Bad: requests are rounded up to a power of two,
// so a quarter of longer ones is lost on average; neighbours that are no buddies are never joined; nothing above 4 MiB; 32
// bytes of RAM describe each page. Read: Gorman, Understanding the Linux Virtual Memory Manager, 2004, chapter 6.
//
//   kernel | free areas | struct page of each page of RAM | arena ...
//          ^ the page border at or above kernel_end        ^ the next page border
//
//   free area of order k, 12 bytes     +0 next  +4 prev  +8 nr_free: blocks of 2^k pages in the list
//   struct page, 32 bytes              +0 flags: bit 10 PG_reserved, bit 19 PG_buddy    +4 _count    +12 private: the order
//                                      +24 lru.next  +28 lru.prev; the other words are not used
//
// Links are physical addresses of the next and the last `next` word, the free area's own included: the lists are circles. How
// many pages are free is a variable. A block of order k begins at a page number that is a multiple of 2^k. At the beginning
// the arena is freed upwards, in the largest blocks that fit, so the highest of a list is the first one to be handed out.
//
// Request: the least order that holds it. The first block of the least order from there on that has any, last in, first out.
// It is halved down to the order wanted; the upper halves go into their lists. Free: joined with the buddy, at the page
// number ^ 2^k, as long as that is a free block of the same order. A page number behind the end of RAM is no buddy. A request
// that no list can serve is kFragmented when so many bytes are free, otherwise kOutOfMemory.
//
// Unguarded use. There is no panic. An address inside a page means that page; a length means the order that holds it. A free
// counts _count down and does nothing unless that becomes 0: so a page freed twice, and the second page of a block, are left
// alone, and of a block freed in part the rest is lost. A page whose _count or flags cannot be right is counted (bad_pages)
// and mended, as the kernel does after its message "Bad page state"; so freeing more than a block takes live pages away. An
// order above 10 goes to a list behind the last free area. An address outside RAM ends the call with kMachineFault.
//
// Metadata, for the digest: of each free area nr_free, then the addresses of its blocks in list order.
//
// Costs (PageCosts): search_steps are the free areas that a request looks at, each a load, and a load more for the page found.
//   Allocate   + 6 loads, 9 stores; a halving + 3 loads, 7 stores
//   Free       for each page 2 loads, and of the first 1 load, 1 store more; + 3 loads, 7 stores; a look at a buddy 1 load if
//              it is not free, 2 if it is of another order, 3 if it is joined, and then + 4 loads, 7 stores
//
// Invariants (CheckInvariants):
//   L1 each list is a circle, linked both ways, of pages of the arena
//   L2 each block is aligned to its order, inside the arena, has PG_buddy, its order, and a _count of 0
//   L3 nr_free is the length of the list; the lists have as many pages as the counters call free
//   L4 no two blocks overlap, and no two buddies are free
#ifndef ALLOCLAB_ALLOCATORS_PAGES_BUDDY_BUDDY_PAGES_H_
#define ALLOCLAB_ALLOCATORS_PAGES_BUDDY_BUDDY_PAGES_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "allocators/machine/physical_memory.h"
#include "allocators/machine/word_view.h"
#include "allocators/pages/page_allocator.h"
#include "allocators/pages/page_allocator_info.h"

namespace alloclab {

inline constexpr CounterInfo kBuddyPagesCounters[] = {
    {"buddy_splits", "blocks of pages halved into two buddies"},
    {"buddy_merges", "pairs of buddies joined by frees"},
    {"bad_pages", "pages whose state could not be right, mended by the kernel"},
};

class BuddyPages final : public PageAllocator {
 public:
  static constexpr std::uint32_t kOrders = 11;

  // Writes free areas and struct pages from `zone` on and frees the arena. REQUIRES: all lies in RAM, the arena behind the
  // rest.
  BuddyPages(PhysicalMemory& memory, PhysAddr zone, const Arena& arena);

  PageResult Allocate(std::uint32_t bytes) override;
  PageResult Free(PhysAddr first, std::uint32_t bytes) override;
  bool HoldsPages(std::uint32_t count) const override;

  const Declaration& declaration() const override;
  std::span<const std::uint64_t> own_counters() const override { return state_.counters.values(); }
  std::vector<std::uint64_t> FigureValues() const override;
  PageShape Shape() const override;
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit) const override;
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override;
  std::uint64_t host_bytes() const override { return sizeof(*this); }

  // Where free areas and struct pages end, for a machine of so many frames.
  static std::uint64_t MetadataBytes(std::uint32_t frames);
  // The struct page of a page.
  PhysAddr PageAt(PhysAddr address) const;

 private:
  struct State {
    Counters<kBuddyPagesCounters> counters;
    std::uint32_t free_pages = 0;
  };
  struct Listed {
    PhysAddr page, address;  // struct page, and first byte of the block
    std::uint32_t order = 0;
  };

  PhysAddr Area(std::uint32_t order) const;
  PhysAddr AddressOf(PhysAddr page) const;
  bool IsPage(PhysAddr page) const;

  void Expand(PhysicalWordView& words, PhysAddr page, std::uint32_t low, std::uint32_t high);
  void PreparePage(PhysicalWordView& words, PhysAddr page);
  // Whether the page may be freed.
  bool CheckFreed(PhysicalWordView& words, PhysAddr page);
  void MendBadPage(PhysicalWordView& words, PhysAddr page);
  void FreeBlock(PhysicalWordView& words, PhysAddr page, std::uint32_t order);
  bool IsFreeBuddy(PhysicalWordView& words, PhysAddr buddy, std::uint32_t order) const;

  // The list of an order, from `page` on, else from its beginning, until `visit` returns false.
  std::optional<BrokenWalk> WalkList(std::uint32_t order, PhysAddr page, const std::function<bool(const Listed&)>& visit) const;
  std::optional<BrokenWalk> Walk(const std::function<bool(const Listed&)>& visit) const;
  std::uint32_t Peek(PhysAddr address) const { return memory_.LoadU32(address).value_or(0); }
  std::string WhatIsWrong(const Listed& block) const;

  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(state_); }
  void RestoreOwn(const AllocatorState& saved) override { RestoreState(saved, state_); }
  void ResetOwnCounters() override { state_.counters.Reset(); }

  PhysicalMemory& memory_;
  const PhysAddr zone_;
  State state_;
};

struct BuddyPagesOptions {
  bool guarded = true;
  // The kernel's `end` symbol: free areas and struct pages lie from the first page border on that is not below.
  std::uint32_t kernel_end = kPageBytes;
  // Pages of the arena; 0 means all of RAM from its start.
  std::uint32_t arena_pages = 0;
};

// INVALID_ARGUMENT: the arena does not fit RAM, or is empty.
absl::StatusOr<std::unique_ptr<PageGuard>> MakeBuddyPages(PhysicalMemory& memory, const BuddyPagesOptions& options);

PageAllocatorInfo BuddyPagesInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_BUDDY_BUDDY_PAGES_H_
