// The small malloc of newlib (newlib/libc/stdlib/nano-mallocr.c), which programs for Arm microcontrollers have when they are
// linked with `--specs=nano.specs`. Good: little code, 4 bytes in front of a block, memory taken from sbrk to the byte; a free
// merges at once with both neighbours. Bad: one list of free chunks by address, so both a search and a free walk past every
// hole in front of theirs; small holes gather at the front, where each first fit looks at them again; and a request that no
// hole can hold grows the break by all of it, though the end of the heap be free.
//
//   | size | -4 | ...payload... | size | ...payload... | size | next | ...free... | ...
//   ^chunk at a multiple of 8   ^chunk between two of them                            ^brk
//
//   size   of the chunk in bytes, the word itself included: a multiple of 4, at least 12
//   next   of a free chunk: the next free one by address, 0 of the last
//   -4     the payload is at a multiple of 8, so a live chunk that is at one too has this word between; a free finds the
//          size by it
//
// In variables: the head of the list, null when no chunk is free; where the break was when memory was first asked for.
//
// Request: rounded up to 4 and 8 added, at least 12; refused when that has bit 31 or wraps. Search: first fit. 12 bytes or more
// that remain stay in the list as the chunk that they were, and its end is handed out; less goes with the chunk. No fit: the
// break moves up by the request.
//
// A free that the list shows to be of a free chunk is ignored, which the counter tells; the original says so in errno.
//
// Metadata, for the digest: of each chunk in address order its size, and the word behind that if the chunk is free or at a
// multiple of 8; then the head of the list and where the break was at first.
//
// Costs: search_steps are the chunks that a search looks at, and the steps of a free's walk to its place. Each use of a chunk's
// word counts.
//
// Invariants:
//   N1 the chunks tile [start, brk), each of 12 bytes or more, a multiple of 4
//   N2 the list has free chunks in ascending order, each where a chunk begins
//   N3 no two neighbours are free
//   N4 a live chunk at a multiple of 8 has -4 behind its size
//   N5 the index (if any) has the list
#ifndef ALLOCLAB_ALLOCATORS_HEAP_NEWLIB_NANO_NEWLIB_NANO_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_NEWLIB_NANO_NEWLIB_NANO_HEAP_H_

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

inline constexpr CounterInfo kNewlibNanoCounters[] = {
    kExactFits,   kPlaceSteps,
    kSplits,      kMergesNone,
    kMergesBelow, kMergesAbove,
    kMergesBoth,  {"double_frees_noticed", "frees that were ignored because a free chunk reached over the block"},
};

class NewlibNanoHeap final : public HeapAllocator {
 public:
  // The page tables of the range exist.
  NewlibNanoHeap(AddressSpace& space, std::uint32_t limit_bytes, Engine engine = Engine::kLiteral);

  HeapResult Malloc(std::uint32_t bytes) override;  // of no bytes: a chunk of 12 bytes, with an address of its own
  HeapResult Free(VirtAddr block) override;

  const Declaration& declaration() const override;
  std::uint32_t PayloadBytes(VirtAddr block) override;
  std::uint32_t BlockBytes(std::uint32_t bytes) const override;
  std::span<const std::uint64_t> own_counters() const override { return state_.counters.values(); }
  std::vector<std::uint64_t> FigureValues() const override { return {state_.head.raw()}; }
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const override;
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override;
  std::uint64_t host_bytes() const override { return sizeof(*this) + index_.host_bytes(); }

 private:
  struct State {
    Counters<kNewlibNanoCounters> counters;
    VirtAddr head;
    VirtAddr first_break;  // null: memory was not asked for yet
  };
  struct Found {
    VirtAddr before, chunk;  // null before: the head; null chunk: none is large enough
  };
  struct Place {
    VirtAddr before, after;  // null after: there is none
  };

  Found Search(std::uint32_t size);
  Found AskForFit(std::uint32_t size);  // the same through the index
  VirtAddr Take(const Found& found, std::uint32_t size);
  VirtAddr Grow(std::uint32_t size);  // null: the break cannot move
  VirtAddr ChunkOf(WordView& words, VirtAddr block) const;
  void InsertAtHead(WordView& words, VirtAddr chunk);
  void InsertBehindHead(WordView& words, VirtAddr chunk);
  // The free chunks between which `chunk` belongs, which is above the head.
  Place FindPlace(WordView& words, VirtAddr chunk);
  Place AskForPlace(VirtAddr chunk);
  // `chunk` became free, with the neighbours that it was merged with.
  void CountMerge(VirtAddr whole, bool below, bool above);
  OrderedBlocks::Entry EntryOf(VirtAddr chunk) const { return {chunk - start(), space_.Peek(chunk).value_or(0), chunk}; }

  // The free chunks as the list has them, up to where it leaves the heap or comes back; safe on any contents of RAM.
  std::vector<VirtAddr> List() const;
  std::vector<OrderedBlocks::Entry> Listed() const;  // as the index should have it
  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(state_); }
  void RestoreOwn(const AllocatorState& saved) override {
    RestoreState(saved, state_);
    index_.Drop();
  }
  void ResetOwnCounters() override { state_.counters.Reset(); }

  State state_;
  SwitchedIndex index_;
};

HeapAllocatorInfo NewlibNanoHeapInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_NEWLIB_NANO_NEWLIB_NANO_HEAP_H_
