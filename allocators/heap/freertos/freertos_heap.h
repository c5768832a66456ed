// The two general heaps of the FreeRTOS kernel (portable/MemMang/heap_4.c and heap_2.c), which run on millions of small
// boards in one static array. Both hand out the first block of a list that is large enough; they differ in the list.
//
//   freertos-heap4   the list is in order of addresses, so this is first fit, and a free merges with both neighbours: memory
//                    comes back whole. A free pays for the walk to its place. The heap to take when sizes differ.
//   freertos-heap2   the list is in order of sizes, so this is best fit, and nothing is ever merged: cut once, memory stays
//                    cut. Quick and safe where a program frees and asks for the same few sizes; with mixed ones it ends
//                    in pieces.
//
//   | next size | ...payload... | next size | ...free... | ... | 0 0 |
//   ^header, 8 bytes                                           ^end (heap4; heap2 keeps it in a variable)
//
//   size   of the block in bytes, header included, a multiple of 8; bit 31: allocated
//   next   of a free block the next of the list; 0 of an allocated one
//
// The head of the list `start`, and `end` of heap2 (in the words of a list it is the address 1), are variables; so are the
// bytes that are free and the fewest that ever were. The heap is made by the first request, whatever its size.
//
// Request: header added, rounded up to 8. Refused without a search when that overflows, has bit 31, or is more than is free.
// The block is cut when more than 16 bytes remain; its first part is handed out.
//
// Metadata, for the digest: next and size of each block in address order, heap4's end included; then start's next, 0, and for
// heap4 the address of end, the free bytes and the fewest; for heap2 0, the usable bytes, and the free bytes. Before the
// first request the variables alone.
//
// The indexed engine keeps the list in an OrderedBlocks, too, while walks are long (index_switch.h): searches and places are
// asked of it, and what the walks would have loaded is charged.
//
// Costs: search_steps are the steps of the search and of the walk to a place. A word counts when it is in a block.
//
// Invariants:
//   F1 the blocks tile the heap
//   F2 the list has the free blocks, all of them, in its order
//   F3 heap4: no two neighbours are free
//   F4 the free bytes are those of the free blocks
//   F5 the index (if any) has the list
#ifndef ALLOCLAB_ALLOCATORS_HEAP_FREERTOS_FREERTOS_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_FREERTOS_FREERTOS_HEAP_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "allocators/common/declaration.h"
#include "allocators/common/engine.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/heap_allocator_info.h"
#include "allocators/heap/index_switch.h"
#include "allocators/heap/merges.h"
#include "allocators/heap/ordered_blocks.h"
#include "allocators/machine/word_view.h"

namespace alloclab {

inline constexpr CounterInfo kFreeRtosCounters[] = {
    kPlaceSteps, kSplits, kMergesNone, kMergesBelow, kMergesAbove, kMergesBoth,
};

// What both have in common.
class FreeRtosHeap : public HeapAllocator {
 public:
  HeapResult Malloc(std::uint32_t bytes) override;
  HeapResult Calloc(std::uint32_t count, std::uint32_t bytes) override;
  // Ignored, as in the original without its assertions: null, and what has no header of an allocated block in front of it.
  HeapResult Free(VirtAddr block) override;

  std::uint32_t PayloadBytes(VirtAddr block) override;
  std::uint32_t BlockBytes(std::uint32_t bytes) const override;
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override;
  std::uint64_t host_bytes() const override { return sizeof(*this) + index_.host_bytes(); }

 protected:
  static constexpr std::uint32_t kHeader = 8, kSizeOffset = 4, kAllocated = 1u << 31;
  // Addresses that stand for the variables.
  static constexpr VirtAddr kEndVariable{1}, kStartVariable{2};

  // `end`: the last element of the list. The usable bytes are those from the start of the arena on. `merges`: whether
  // neighbours that are free are made one.
  FreeRtosHeap(AddressSpace& space, std::uint32_t arena_bytes, VirtAddr end, std::uint32_t usable_bytes, bool merges,
               Engine engine);

  VirtAddr Next(WordView& words, VirtAddr block) const {
    if (block == kStartVariable) return state_.first;
    return block == kEndVariable ? VirtAddr{} : VirtAddr(words.Load(block));
  }
  void SetNext(WordView& words, VirtAddr block, VirtAddr next) {
    if (block == kStartVariable) {
      state_.first = next;
    } else {
      words.Store(block, next.raw());
    }
  }
  std::uint32_t Size(WordView& words, VirtAddr block) const {
    return block == kEndVariable ? usable_bytes_ : words.Load(block + kSizeOffset);
  }
  void CountPlaceSteps(std::uint64_t steps);
  // The block behind which `place` of the index is.
  VirtAddr Before(OrderedBlocks::Cursor place) const;
  OrderedBlocks::Entry EntryOf(VirtAddr block, std::uint32_t size) const {
    return {merges_ ? block - start() : size, size, block};
  }

  // Of a block in the list, or of one that is to come there.
  struct Place {
    VirtAddr before;                // the block, or start, behind which it is
    OrderedBlocks::Cursor at = {};  // in the index, if there is one
  };

  virtual void Init(WordView& words) = 0;
  // Puts a free block into the list.
  virtual void Insert(WordView& words, VirtAddr block) = 0;
  // Likewise what remained of the block that was there and is in the index still.
  virtual void InsertRest(WordView& words, const Place& place, VirtAddr rest) = 0;
  // Whether the list may have `next` behind `block`.
  virtual bool InOrder(VirtAddr block, VirtAddr next) const = 0;

  struct State {
    Counters<kFreeRtosCounters> counters;
    bool initialised = false;
    VirtAddr first;  // start's next
    std::uint32_t free_bytes = 0, fewest_free_bytes = 0;
  };
  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(state_); }
  void RestoreOwn(const AllocatorState& saved) override;
  void ResetOwnCounters() override { state_.counters.Reset(); }
  std::span<const std::uint64_t> own_counters() const override { return state_.counters.values(); }

  const VirtAddr end_;
  const std::uint32_t usable_bytes_;
  const bool merges_;
  State state_;
  SwitchedIndex index_;

 private:
  struct Found {
    Place place;
    VirtAddr block;  // null: none is large enough
  };
  Found Search(std::uint32_t size);
  Found AskForFit(std::uint32_t size);  // the same through the index
  VirtAddr Take(const Found& found, std::uint32_t size);
  // The list as it is, up to where it leaves the heap or comes back; safe on any contents of RAM.
  std::vector<VirtAddr> List() const;
  std::vector<OrderedBlocks::Entry> Listed() const;  // as the index should have it
};

class FreeRtosHeap4 final : public FreeRtosHeap {
 public:
  // The page tables of the arena exist.
  FreeRtosHeap4(AddressSpace& space, std::uint32_t arena_bytes, Engine engine = Engine::kLiteral);

  const Declaration& declaration() const override;
  std::vector<std::uint64_t> FigureValues() const override;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const override;

 private:
  void Init(WordView& words) override;
  void Insert(WordView& words, VirtAddr block) override;
  Place FindPlace(WordView& words, VirtAddr block);
  void InsertRest(WordView& words, const Place& place, VirtAddr rest) override;
  bool InOrder(VirtAddr block, VirtAddr next) const override { return block < next; }
};

class FreeRtosHeap2 final : public FreeRtosHeap {
 public:
  // The page tables of the arena exist.
  FreeRtosHeap2(AddressSpace& space, std::uint32_t arena_bytes, Engine engine = Engine::kLiteral);

  const Declaration& declaration() const override;
  std::vector<std::uint64_t> FigureValues() const override;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const override;

 private:
  void Init(WordView& words) override;
  void Insert(WordView& words, VirtAddr block) override;
  Place FindPlace(WordView& words, std::uint32_t size);
  void InsertRest(WordView& words, const Place& place, VirtAddr rest) override;
  bool InOrder(VirtAddr block, VirtAddr next) const override;
};

HeapAllocatorInfo FreeRtosHeap4Info();
HeapAllocatorInfo FreeRtosHeap2Info();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_FREERTOS_FREERTOS_HEAP_H_
