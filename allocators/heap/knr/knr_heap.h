// The allocator of Kernighan and Ritchie (The C Programming Language, 2nd edition, 8.7), as xv6's user library has it (2006
// to today, user/umalloc.c). It ran in the programs of the first Unixes and runs in those of xv6. Good: tiny, one word per
// link, frees merge at once with both neighbours. Bad: every free walks the ring to find its place, so a program with many
// holes pays for each free what it pays for a search; next fit spreads small blocks over all of memory; nothing is ever given
// back.
//
//   | next units | ...payload... | next units | ...free... | ...
//   ^header, 8 bytes: one unit                                  ^brk
//
//   units   size of the block in units of 8 bytes, the header included
//   next    of a free block: the next free one by address; the last one leads to `base`, and base to the first one
//
// `base` is a header of size 0 in a variable below all blocks; in the words of a ring it is the address 1. `freep`, a
// variable too, is the block behind which the next search begins; null before the first request, when there is no ring.
//
// Search: next fit, from the block behind freep once round the ring, base included; a fit is split from the end, so the
// remainder keeps its place in the ring and the new block's word `next` is what was there. No fit: the break moves up by the
// request or 4,096 units, and the new block is freed like any other; then the search goes on.
//
// Metadata, for the digest: of each block in address order `next` if it is free, else 0, and `units`; then base's next, 0,
// freep.
//
// The indexed engine keeps the ring in an OrderedBlocks, too, while walks are long (index_switch.h): both walks are asked of
// it, and what they would have loaded is charged.
//
// Costs: search_steps are the bodies of malloc's loop and of free's; each `p->ptr` and `p->size` of the source counts when p
// is a block, not when it is base.
//
// Invariants:
//   K1 the blocks tile [start, brk), none of 0 units
//   K2 the ring has free blocks in ascending order, each where a block begins
//   K3 no two neighbours are free
//   K4 freep is base or a free block
//   K5 the index (if any) has the free blocks
#ifndef ALLOCLAB_ALLOCATORS_HEAP_KNR_KNR_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_KNR_KNR_HEAP_H_

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

inline constexpr CounterInfo kKnrCounters[] = {
    kExactFits, kPlaceSteps, kSplits, kMergesNone, kMergesBelow, kMergesAbove, kMergesBoth,
};

class KnrHeap final : public HeapAllocator {
 public:
  // The page tables of the range exist.
  KnrHeap(AddressSpace& space, std::uint32_t limit_bytes, Engine engine = Engine::kLiteral);

  HeapResult Malloc(std::uint32_t bytes) override;  // of no bytes: a header alone, with an address of its own
  HeapResult Free(VirtAddr block) override;         // of null: reads the word in front of it, like the original

  const Declaration& declaration() const override;
  std::uint32_t PayloadBytes(VirtAddr block) override;
  std::uint32_t BlockBytes(std::uint32_t bytes) const override;
  std::span<const std::uint64_t> own_counters() const override { return state_.counters.values(); }
  std::vector<std::uint64_t> FigureValues() const override { return {state_.freep.raw()}; }
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const override;
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override;
  std::uint64_t host_bytes() const override { return sizeof(*this) + index_.host_bytes(); }

 private:
  static constexpr VirtAddr kBase{1};

  struct State {
    Counters<kKnrCounters> counters;
    VirtAddr base_next;  // null: no ring yet
    VirtAddr freep;
  };
  struct Found {
    VirtAddr before, block;  // null block: none is large enough
  };

  VirtAddr Next(WordView& words, VirtAddr block) const;
  void SetNext(WordView& words, VirtAddr block, VirtAddr next);
  std::uint32_t Units(WordView& words, VirtAddr block) const;

  Found Search(std::uint32_t units);
  VirtAddr Take(const Found& found, std::uint32_t units);
  bool Grow(std::uint32_t units);
  void Insert(VirtAddr block);  // free
  VirtAddr FindPlace(WordView& words, VirtAddr block);

  // The same through the index.
  Found AskForFit(std::uint32_t units);
  VirtAddr AskForPlace(VirtAddr block);
  std::uint32_t Key(VirtAddr block) const { return block - start(); }
  // The first free block in the ring behind `block`, which may be base.
  OrderedBlocks::Cursor Behind(VirtAddr block) const { return index_->LowerBound(block == kBase ? 0 : Key(block) + 1); }
  VirtAddr Before(OrderedBlocks::Cursor place) const;
  std::vector<OrderedBlocks::Entry> Listed() const;  // the ring as the index should have it

  // The free blocks as the ring has them, up to where it leaves the heap or comes back; safe on any contents of RAM.
  std::vector<VirtAddr> Ring() const;
  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(state_); }
  void RestoreOwn(const AllocatorState& saved) override {
    RestoreState(saved, state_);
    index_.Drop();
  }
  void ResetOwnCounters() override { state_.counters.Reset(); }

  State state_;
  SwitchedIndex index_;  // sizes in units
};

HeapAllocatorInfo KnrHeapInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_KNR_KNR_HEAP_H_
