// The page allocator of Pintos (Stanford's teaching kernel, Pfaff, Romano and Back, The Pintos Instructional Operating System
// Kernel, SIGCSE 2009), threads/palloc.c over lib/kernel/bitmap.c: one bit a page, 1 while it is taken. It ran in operating
// system courses of many universities since 2004; bitmaps of blocks are as old as file systems. Good: 1 bit of metadata a
// page, apart from the pages, so a write to a free page breaks nothing; any part of a block may be freed; a double free is
// seen. Bad: a request looks at every bit from the beginning on, so it gets slower the more is taken, and for several pages
// it looks at the same bits again and again. "pages.fit" says where it begins:
//
//   first   at page 0, as Pintos does
//   next    behind the pages that were given last, and from page 0 when none is found there (Knuth, The Art of Computer
//           Programming 1, 2.5, exercise 6)
//
//   kernel | bits, one for each page of the arena, in whole pages | arena ...
//          ^ the page border at or above kernel_end
//
// Bit n % 32 of word n / 32 is page n. struct bitmap, which has length and place of the bits, is a variable; Pintos has it in
// front of them. So is its second pool, which is left out. A free fills the pages with 0xCC, as Pintos does unless NDEBUG is
// defined. A request that no run of free pages can hold is kFragmented when so many bytes are free, otherwise kOutOfMemory.
//
// Unguarded use. A length is rounded up to pages; of none a request gives nothing (kOutOfMemory) and a free does nothing, as
// for the null address. Free ends with kAssertionFailed when the address is not page-aligned, with kPanic when it is no page
// of the arena: nothing has changed then. It ends with kAssertionFailed when the pages end behind the arena or one of them is
// free: they have been filled then. A fill beyond RAM ends with kMachineFault at the end of RAM.
//
// Metadata, for the digest: the words of the bitmap in order.
//
// Costs (PageCosts): search_steps are the pages at which the scan looks whether a run of free ones begins there. Each test of
// a bit is a load, in the scan and in the assertion of a free; each change of a bit a load and a store.
//
// Invariants (CheckInvariants):
//   M1 the bits behind the last page are 0
#ifndef ALLOCLAB_ALLOCATORS_PAGES_BITMAP_BITMAP_PAGES_H_
#define ALLOCLAB_ALLOCATORS_PAGES_BITMAP_BITMAP_PAGES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "allocators/machine/physical_memory.h"
#include "allocators/machine/word_view.h"
#include "allocators/pages/page_allocator.h"
#include "allocators/pages/page_allocator_info.h"

namespace alloclab {

inline constexpr CounterInfo kBitmapPagesCounters[] = {
    {"filled_bytes", "junk bytes that frees wrote over the pages"},
    {"wraps", "requests whose search went on at the first page"},
};

enum class BitmapFit : std::uint8_t { kFirst, kNext };

class BitmapPages final : public PageAllocator {
 public:
  // REQUIRES: bits and arena lie in RAM, the arena behind the bits; the bits are 0.
  BitmapPages(PhysicalMemory& memory, PhysAddr bits, const Arena& arena, BitmapFit fit);

  PageResult Allocate(std::uint32_t bytes) override;
  PageResult Free(PhysAddr first, std::uint32_t bytes) override;
  bool HoldsPages(std::uint32_t count) const override;

  const Declaration& declaration() const override;
  std::span<const std::uint64_t> own_counters() const override { return state_.counters.values(); }
  std::vector<std::uint64_t> FigureValues() const override { return {state_.next}; }
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit) const override;
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override;
  std::uint64_t host_bytes() const override { return sizeof(*this); }

 private:
  struct State {
    Counters<kBitmapPagesCounters> counters;
    std::uint32_t next = 0;  // where the next search begins; 0 if it is always there
  };

  PhysAddr WordOf(std::uint32_t page) const { return bits_ + page / 32 * kWordBytes; }
  bool Test(PhysicalWordView& words, std::uint32_t page) const { return (words.Load(WordOf(page)) >> page % 32 & 1) != 0; }
  void Set(PhysicalWordView& words, std::uint32_t first, std::uint32_t count, bool taken) const;
  std::optional<std::uint32_t> Scan(PhysicalWordView& words, std::uint32_t first, std::uint32_t end, std::uint32_t count);
  std::optional<std::uint32_t> Search(PhysicalWordView& words, std::uint32_t count);
  // The first page from `page` on that is taken, or free; pages() if none is. Not counted.
  std::uint32_t Find(std::uint32_t page, bool taken) const;
  std::uint32_t pages() const { return arena_.bytes >> kPageShift; }

  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(state_); }
  void RestoreOwn(const AllocatorState& saved) override { RestoreState(saved, state_); }
  void ResetOwnCounters() override { state_.counters.Reset(); }

  PhysicalMemory& memory_;
  const PhysAddr bits_;
  const BitmapFit fit_;
  State state_;
};

struct BitmapPagesOptions {
  bool guarded = true;
  BitmapFit fit = BitmapFit::kFirst;
  // The kernel's `end` symbol: the bits lie from the first page border on that is not below.
  std::uint32_t kernel_end = kPageBytes;
  // Pages of the arena; 0 means all of RAM from its start.
  std::uint32_t arena_pages = 0;
};

// INVALID_ARGUMENT: the arena does not fit RAM, or is empty.
absl::StatusOr<std::unique_ptr<PageGuard>> MakeBitmapPages(PhysicalMemory& memory, const BitmapPagesOptions& options);

PageAllocatorInfo BitmapPagesInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_BITMAP_BITMAP_PAGES_H_
