// Two-Level Segregated Fit, in Matthew Conte's implementation (mattconte/tlsf 3.1, 32-bit build). Designed for real-time
// systems by Masmano, Ripoll, Crespo and Real (TLSF: A New Dynamic Memory Allocator for Real-Time Systems, ECRTS 2004); this
// code runs in games and on the ESP32 boards. Good: malloc and free take the same few dozen accesses whatever the heap holds, 4
// bytes per live block, frees merge at once with both neighbours. Bad: the lists take 3 KiB before the first byte is given; a
// request is looked for in the next class above its size, so that a free block of its own class which would do is passed over,
// and of an empty heap the part above the lower end of its one block's class cannot be had in one piece. Last in, first out
// within a class.
//
//   | control structure, 3188 bytes | size ...payload... | size next_free prev_free ... prev_phys | size ... | 0 |
//   ^start: the null block            ^a block's tile: its size word and its payload                       the sentinel's size^
//
//   size        of the payload in bytes, a multiple of 4; bit 0: free, bit 1: the block before is free
//   next_free   of a free block: the next one of its list; at the start of the payload, prev_free behind it
//   prev_phys   in the last word of a free block's payload: that block. A block's address is that of this word in front of it
//
//   control: null block 16 bytes | fl_bitmap | sl_bitmap[24] | heads[24][32]
//
// The class of a size is a row, its power of two (below 128: row 0), and one of 32 columns, equal parts of it. A list ends, and
// an empty one begins, with the null block, which lies at the address of the control structure and whose links are written as
// those of any block. A bit of sl_bitmap for each list with blocks, a bit of fl_bitmap for each row with lists.
//
// Request: rounded up to 4, at least 12, below 2^30, and for the search up to where the next class begins; the first block of
// the first list with blocks from there on is taken and cut if 16 bytes or more remain, its first part is handed out. Nothing
// is walked. The control structure and the pool's one block are written when the heap is made; so are the first two words of
// the null block, zeroes, which the original leaves as it finds them. There is no heap of a size that the original would
// refuse: less than 3208 bytes.
//
// Assertions are off, as in a build with NDEBUG: an invalid free does what its words lead to.
//
// Metadata, for the digest: the 797 words of the control structure; then of each block in address order, the sentinel included,
// prev_phys if the block before is free, size, and if it is free next_free and prev_free.
//
// Costs: no search steps, there is no walk. Each use of a word of a block or of the control structure counts; to set a flag or
// to change a size is to load and to store it.
//
// Invariants:
//   T1 the blocks tile the pool up to the sentinel, which has no bytes and is not free
//   T2 no two neighbours are free
//   T3 bit 1 of a block tells whether the block before is free; if so, prev_phys leads to it
//   T4 the lists have the free blocks, each once, in the list of its class, linked both ways
//   T5 the bitmaps tell which lists have blocks
#ifndef ALLOCLAB_ALLOCATORS_HEAP_TLSF_TLSF_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_TLSF_TLSF_HEAP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "allocators/common/declaration.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/heap_allocator_info.h"
#include "allocators/heap/merges.h"
#include "allocators/machine/word_view.h"

namespace alloclab {

inline constexpr std::string_view kRowsHelp = "placements by the row of lists that the block was found in";
inline constexpr CounterInfo kTlsfCounters[] = {
    {"found_rows", kRowsHelp, "row", "same"},    // as the size looked for
    {"found_rows", kRowsHelp, "row", "higher"},  // by the first-level bitmap
    kSplits,
    kMergesNone,
    kMergesBelow,
    kMergesAbove,
    kMergesBoth,
};

class TlsfHeap final : public HeapAllocator {
 public:
  static constexpr std::uint32_t kControlBytes = 3188;
  static constexpr std::uint32_t kArenaBytesMin = kControlBytes + 8 + 12;

  // The page tables of the arena exist, and there are frames for its first and last page. REQUIRES: arena_bytes >=
  // kArenaBytesMin.
  TlsfHeap(AddressSpace& space, std::uint32_t arena_bytes);

  HeapResult Malloc(std::uint32_t bytes) override;
  HeapResult Free(VirtAddr block) override;

  const Declaration& declaration() const override;
  std::uint32_t PayloadBytes(VirtAddr block) override;
  std::uint32_t BlockBytes(std::uint32_t bytes) const override;
  std::span<const std::uint64_t> own_counters() const override { return state_.counters.values(); }
  std::vector<std::uint64_t> FigureValues() const override;
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const override;
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override;
  std::uint64_t host_bytes() const override { return sizeof(*this); }

 private:
  static constexpr std::uint32_t kRows = 24, kColumns = 32;
  // Offsets from a block's address.
  static constexpr std::uint32_t kSize = 4, kNextFree = 8, kPrevFree = 12, kPayload = 8;
  static constexpr std::uint32_t kFree = 1, kPrevIsFree = 2, kFlags = kFree | kPrevIsFree;

  // The list of a class. Of sizes that no heap has, and by words that are broken, it may lie outside the control structure.
  struct List {
    std::uint32_t row, column;
    friend bool operator==(const List&, const List&) = default;
  };
  struct Found {
    List list;
    bool higher_row;
    VirtAddr block;  // null: there is none
  };
  class Check;

  static List ListOf(std::uint32_t size);
  VirtAddr null_block() const { return start(); }
  VirtAddr FirstLevel() const;
  VirtAddr SecondLevel(std::uint32_t row) const;
  VirtAddr HeadOf(List list) const;

  static std::uint32_t Size(WordView& words, VirtAddr block) { return words.Load(block + kSize) & ~kFlags; }
  static VirtAddr After(WordView& words, VirtAddr block) { return block + (kSize + Size(words, block)); }
  static void SetSize(WordView& words, VirtAddr block, std::uint32_t size);
  static void SetFlag(WordView& words, VirtAddr block, std::uint32_t flag, bool on);
  // Tells the block behind where this one begins; that one's address.
  static VirtAddr LinkAfter(WordView& words, VirtAddr block);

  void Init();
  Found Search(std::uint32_t size);
  void Remove(WordView& words, VirtAddr block, List list);
  void Insert(WordView& words, VirtAddr block);
  void MarkFree(WordView& words, VirtAddr block);
  void CutRest(WordView& words, VirtAddr block, std::uint32_t size);
  // `block` becomes part of the one before it.
  static void Absorb(WordView& words, VirtAddr before, VirtAddr block);

  std::uint32_t PeekWord(VirtAddr address) const { return space_.Peek(address).value_or(0); }
  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(state_); }
  void RestoreOwn(const AllocatorState& saved) override { RestoreState(saved, state_); }
  void ResetOwnCounters() override { state_.counters.Reset(); }

  struct State {
    Counters<kTlsfCounters> counters;
  };
  const std::uint32_t pool_bytes_;  // the payload of the one block of a fresh heap
  const VirtAddr pool_, sentinel_;  // the first block's size word; the last block
  State state_;
};

HeapAllocatorInfo TlsfHeapInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_TLSF_TLSF_HEAP_H_
