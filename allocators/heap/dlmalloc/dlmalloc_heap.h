// Doug Lea's malloc, 2.8.6 (2012), the last of a line that began in 1987, built for a system with sbrk and without mmap,
// footers and locks. Its ancestors and it were the malloc of many Unix programs, of Android to 2014, the root of glibc's, and
// it is what emscripten links today. Good: best fit with little waste, four bytes for a live block, merging at once, no walk
// longer than the 32 levels of a tree. Bad: one heap for all threads, and all its links lie beside the program's data, where an
// overrun finds them.
//
//   | foot | head | ...payload...   | head | fd bk | child0 child1 parent index | ...  foot | head | ...
//   ^a live chunk                   ^a free chunk, these four only from 256 bytes on        ^the next chunk
//
//   head   size, a multiple of 8 and at least 16 | bit 0: the chunk before is in use | bit 1: this one is
//   foot   size of the chunk before, when that is free; otherwise the last word of its payload
//
// A block that is shown begins at its head, 4 bytes into the chunk, and so holds its payload.
//
// Free chunks are in one of 32 small bins, rings of one size each, last in first out; in one of 32 trees from 256 bytes on,
// keyed by the bits of the size, chunks of equal size in a ring at one node; or they are one of two that no bin has: the
// designated victim `dv`, the latest remainder of a small request, and `top`, the last chunk of the heap, behind which 40 bytes
// stay unused. Small requests: their bin or the next one, whole; else a larger bin, else a tree, the rest becoming dv, unless
// dv is large enough. Large ones: the best of the trees, if it fits better than dv. Then dv, then top, then the break moves up
// by whole pages. When top passes 2 MiB its pages are given back, all but one. Bins, roots and the words beside them are
// variables; in chunks the head of small bin i is the address 0x100 + i, and the root of tree i is 0x200 + i.
//
// A growth that fails is tried again as one that need not continue the heap, and ever after all are made that way: they ask for
// the whole request and no longer count on what top has. Guarded too, as no memory shows it.
//
// Abort, a panic here: an address below the heap, a head or the one behind it without the bits of a block in use, links that do
// not lead back. Its own realloc, which first tries to grow a block where it is, is not here: the lab's reference rule is.
//
// Metadata, for the digest: smallmap, treemap, the sizes of dv and top, the lowest address ever used, dv, top, the size from
// which top is trimmed; fd and bk of the small bins, 0 if they are empty; the roots; footprint, the largest ever, base and size
// of the segment. Then of each chunk: foot if the chunk before is free; head; if it is free and not dv fd, bk, and from 256
// bytes on child0, child1, parent, index. At top its head and the word 4 bytes behind it.
//
// Costs: search_steps are the nodes of trees that a search or an insertion looks at, the root of a small request's tree not
// counted.
//
// Invariants:
//   D1 the chunks tile the heap, each says whether the one before is in use, and a free one has its size behind it
//   D2 no two neighbours are free
//   D3 a small bin has free chunks of its size, linked both ways, and a bit in smallmap
//   D4 a tree has free chunks of its sizes, where their bits lead, parents and children agree, and a bit in treemap
//   D5 every free chunk but dv and top is in a bin once; dv is free
//   D6 the segment is the heap up to the break; behind top are 40 bytes
#ifndef ALLOCLAB_ALLOCATORS_HEAP_DLMALLOC_DLMALLOC_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_DLMALLOC_DLMALLOC_HEAP_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "allocators/common/declaration.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/heap_allocator_info.h"
#include "allocators/heap/merges.h"
#include "allocators/machine/word_view.h"

namespace alloclab {

inline constexpr CounterInfo kDlmallocCounters[] = {
    {"small_exact", "requests served by a whole chunk of a small bin"},
    {"small_next_bin", "requests served by a part of a chunk of a larger small bin"},
    {"tree_small", "small requests served from a tree"},
    {"tree_large", "large requests served from a tree"},
    {"dv_split", "requests served by a part of the designated victim"},
    {"dv_whole", "requests served by the whole designated victim"},
    {"top_split", "requests served by a part of the top chunk"},
    {"sys_alloc", "requests served after the break was moved up"},
    kPlaceSteps,
    {"trims", "times that memory of the top chunk was given back"},
};

class DlmallocHeap final : public HeapAllocator {
 public:
  // The page tables of the range exist.
  DlmallocHeap(AddressSpace& space, std::uint32_t limit_bytes);

  HeapResult Malloc(std::uint32_t bytes) override;  // of no bytes: the least chunk
  HeapResult Calloc(std::uint32_t count, std::uint32_t bytes) override;
  HeapResult Free(VirtAddr block) override;

  const Declaration& declaration() const override;
  std::uint32_t PayloadBytes(VirtAddr block) override;
  std::uint32_t BlockBytes(std::uint32_t bytes) const override;
  std::span<const std::uint64_t> own_counters() const override { return state_.counters.values(); }
  std::vector<std::uint64_t> FigureValues() const override;
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt = {}) const override;
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt = {}) const override;
  std::uint64_t host_bytes() const override { return sizeof(*this); }

 private:
  friend class DlmallocCheck;

  static constexpr std::uint32_t kBins = 32;
  // Of a chunk's words.
  static constexpr std::uint32_t kHead = 4, kFd = 8, kBk = 12, kChild0 = 16, kChild1 = 20, kParent = 24, kIndex = 28;
  static constexpr std::uint32_t kPayload = 8;
  static constexpr std::uint32_t kPreviousInUse = 1, kInUse = 2, kFlags = 7;
  static constexpr std::uint32_t kChunkMin = 16, kTreeMin = 256;
  static constexpr std::uint32_t kTopFoot = 40;  // bytes behind top
  // Addresses that stand for the variables.
  static constexpr std::uint32_t kBinHeads = 0x100, kTreeRoots = 0x200;

  struct State {
    Counters<kDlmallocCounters> counters;
    std::uint32_t small_map = 0, tree_map = 0;
    VirtAddr dv, top;  // null: there is none
    std::uint32_t dv_size = 0, top_size = 0;
    std::uint32_t trim_check = 0;
    struct Links {
      VirtAddr fd, bk;
    };
    std::array<Links, kBins> bins{};
    std::array<VirtAddr, kBins> trees{};
    std::uint32_t footprint = 0, max_footprint = 0;
    VirtAddr base;  // of the segment; null before the first growth
    std::uint32_t segment_bytes = 0;
    bool contiguous = true;  // growth continues the segment
  };
  struct Found {
    VirtAddr chunk{};          // null: none
    std::uint32_t rest = 0;    // bytes that it is larger than needed
    std::uint32_t page = ~0u;  // that the search looked at last
  };

  // Words of chunks.
  static std::uint32_t Size(WordView& words, VirtAddr chunk) { return words.Load(chunk + kHead) & ~kFlags; }
  static void MarkGiven(WordView& words, VirtAddr chunk, std::uint32_t size);       // a part of a chunk
  static void MarkGivenWhole(WordView& words, VirtAddr chunk, std::uint32_t size);  // tells the next chunk too
  static void MarkFree(WordView& words, VirtAddr chunk, std::uint32_t size);
  static void MarkFreed(WordView& words, VirtAddr chunk, std::uint32_t size, VirtAddr next);  // tells the next chunk too
  // Aborts unless it is so.
  static void Require(bool right);
  bool InHeap(VirtAddr chunk) const { return chunk >= state_.base; }

  // Requests of a chunk of `size` bytes; null: not from there.
  VirtAddr TakeSmall(std::uint32_t size);
  VirtAddr TakeWholeOfBin(std::uint32_t index);
  VirtAddr TakePartOfBin(std::uint32_t index, std::uint32_t size);
  VirtAddr TakeSmallFromTree(std::uint32_t size);
  VirtAddr TakeLargeFromTree(std::uint32_t size);
  void TakeFound(const Found& found, std::uint32_t size, bool rest_is_victim);
  VirtAddr TakeVictim(std::uint32_t size);
  VirtAddr TakeTop(std::uint32_t size);
  bool Grow(std::uint32_t size);
  void SetTop(WordView& words, VirtAddr top, std::uint32_t size);
  void JoinAbove(WordView& words, VirtAddr chunk, std::uint32_t size, VirtAddr next);
  void JoinTop(WordView& words, VirtAddr chunk, std::uint32_t size);
  void Trim(WordView& words);

  // Bins and trees (dlmalloc_heap_bins.cc).
  static std::uint32_t TreeIndex(std::uint32_t size);
  // The size, shifted so that the first bit that decides in its tree is the highest one.
  static std::uint32_t TreeBits(std::uint32_t size, std::uint32_t index);
  VirtAddr& Root(std::uint32_t index);
  void Insert(WordView& words, VirtAddr chunk, std::uint32_t size);
  void InsertSmall(WordView& words, VirtAddr chunk, std::uint32_t size);
  void InsertLarge(WordView& words, VirtAddr chunk, std::uint32_t size);
  void InsertInTree(WordView& words, VirtAddr chunk, std::uint32_t size, VirtAddr root, std::uint32_t bits);
  void JoinRing(WordView& words, VirtAddr chunk, VirtAddr node);
  void Unlink(WordView& words, VirtAddr chunk, std::uint32_t size);
  void UnlinkSmall(WordView& words, VirtAddr chunk, std::uint32_t index);
  void UnlinkFirst(WordView& words, VirtAddr chunk, std::uint32_t index);
  void Link(WordView& words, VirtAddr before, VirtAddr next, std::uint32_t index);
  void UnlinkLarge(WordView& words, VirtAddr chunk);
  VirtAddr TakeHeir(WordView& words, VirtAddr chunk);
  void ReplaceVictim(WordView& words, VirtAddr chunk, std::uint32_t size);
  Found SearchSmall(std::uint32_t size);
  Found SearchLarge(std::uint32_t size);
  VirtAddr SearchPath(WordView& words, VirtAddr node, std::uint32_t size, std::uint32_t bits, Found& found);
  void SearchLeftmost(WordView& words, VirtAddr node, std::uint32_t size, Found& found);
  static VirtAddr LeftmostChild(WordView& words, VirtAddr node);
  void LookAt(WordView& words, VirtAddr node, std::uint32_t size, Found& found);

  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(state_); }
  void RestoreOwn(const AllocatorState& saved) override { RestoreState(saved, state_); }
  void ResetOwnCounters() override { state_.counters.Reset(); }

  State state_;
};

HeapAllocatorInfo DlmallocHeapInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_DLMALLOC_DLMALLOC_HEAP_H_
