// Boundary tags and an explicit list of free blocks: the heap of the textbooks. Knuth's boundary tags (The Art of Computer
// Programming 1, 2.5) let a free find both neighbours without a walk; the list spares a search the live blocks. Layout, growth
// and placement are those of Bryant and O'Hallaron, Computer Systems: A Programmer's Perspective, 9.9; most general heaps of
// the 1970s to 1990s were of this kind, with the policies that Wilson, Johnstone, Neely and Boles compare (Dynamic Storage
// Allocation: A Survey and Critical Review, IWMM 1995). Good: frees merge at once; first fit by address and best fit keep
// memory whole. Bad: one list of all sizes, which a search may have to walk to its end; 8 bytes per block. Parameters:
//
//   heap.order   where a free block goes: lifo, to the front of the list; fifo, to its end; address, by a walk to its place.
//                Free is quick in the first two; the last one is the one that keeps large blocks at the end whole
//   heap.fit     first: the first block of the list that is large enough; next: the same from where the last search ended;
//                best: the smallest, at once if it is exact; worst: the largest. Of equal ones the first of the list
//
//   | 0 | 8+1 8+1 | size ...payload... size | size next prev ...free... size | ... | 1 |
//   ^start ^prologue                                                                ^epilogue, 4 bytes below brk
//
//   size   of the block in bytes, tags included, a multiple of 8, at least 16; bit 0: live. In front and at the end of each
//          block
//   next   of a free block: the payload address of the next one in its list, 0: none; prev the one before
//
// A block is named by its payload's address. Head and tail of the list and the rover of next fit are variables. Request: 8
// bytes added, rounded up to 8, at least 16; a fit is cut if 16 bytes or more remain, its first part is handed out, the rest
// goes into the list as a free block does. No fit: the break moves up by the size or 4,096 bytes, whichever is more; the new
// block merges with a free one below and goes into the list, and serves the request. The prologue and the epilogue are written
// when the heap is made.
//
// A block that merges leaves the list, and the whole goes into it again. The rover stands at the block behind the one found;
// when it leaves the list, at its next.
//
// Metadata, for the digest: of each block in address order both tags, and if it is free next and prev; the epilogue; head and
// tail of each list; the rover.
//
// Costs: search_steps are the blocks that searches look at, and the steps of walks to a place.
//
// Invariants:
//   E1 the blocks tile the heap from the prologue to the epilogue, which are whole
//   E2 the tag at the end of a block is that in front
//   E3 no two neighbours are free
//   E4 the lists have the free blocks, each once, linked both ways, by address where that is the order
//   E5 the rover is a free block or 0
#ifndef ALLOCLAB_ALLOCATORS_HEAP_EXPLICIT_LIST_EXPLICIT_LIST_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_EXPLICIT_LIST_EXPLICIT_LIST_HEAP_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "allocators/common/declaration.h"
#include "allocators/common/parameter.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/heap_allocator_info.h"
#include "allocators/heap/merges.h"
#include "allocators/machine/loop_watch.h"
#include "allocators/machine/word_view.h"

namespace alloclab {

inline constexpr CounterInfo kExplicitListCounters[] = {
    kPlaceSteps, kSplits, kMergesNone, kMergesBelow, kMergesAbove, kMergesBoth,
};

inline constexpr FieldInfo kExplicitListFields[] = {
    {"size", "bytes, tags included; bit 0: live", FigureInfo::Unit::kWord},
    {"next", "of a free block: the next one of its list; 0: none", FigureInfo::Unit::kAddress},
    {"prev", "of a free block: the one before in its list; 0: none", FigureInfo::Unit::kAddress},
    {"end_tag", "the tag at the block's end", FigureInfo::Unit::kWord},
};
inline constexpr std::uint32_t kExplicitListRequestMax = 0xFFFFFFF0;  // above, the size of a block wraps

class ExplicitListHeap : public HeapAllocator {
 public:
  enum class Order : std::uint8_t { kLifo, kFifo, kAddress };
  enum class Fit : std::uint8_t { kFirst, kNext, kBest, kWorst };
  static constexpr std::uint32_t kLimitBytesMin = 16;

  // Takes the page tables of the range and sees that there is a frame for its first page. INVALID_ARGUMENT, RESOURCE_EXHAUSTED.
  static absl::Status Reserve(AddressSpace& space, std::uint32_t limit_bytes);
  // REQUIRES: the range is reserved.
  ExplicitListHeap(AddressSpace& space, std::uint32_t limit_bytes, Order order, Fit fit);

  HeapResult Malloc(std::uint32_t bytes) override;
  HeapResult Free(VirtAddr block) override;

  const Declaration& declaration() const override;
  std::uint32_t PayloadBytes(VirtAddr block) override;
  std::uint32_t BlockBytes(std::uint32_t bytes) const override;
  std::span<const std::uint64_t> own_counters() const override { return state_.counters.values(); }
  std::vector<std::uint64_t> FigureValues() const override { return {state_.rover.raw()}; }
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const override;
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override;
  std::uint64_t host_bytes() const override { return sizeof(*this); }

 protected:
  static constexpr std::uint32_t kListsMax = 16;

  // A heap with a list for each of several classes of sizes.
  virtual std::uint32_t lists() const { return 1; }
  virtual std::uint32_t ListOf(std::uint32_t /*size*/) const { return 0; }
  // The block that serves the size; null: there is none.
  virtual VirtAddr Search(std::uint32_t size);

  // One search, across lists: each block that is looked at.
  struct Looking {
    LoopWatch<VirtAddr> watch;
    std::uint32_t page = ~0u;
  };
  void CountLook(Looking& looking, VirtAddr block);
  // The first block that is large enough from `from` on, up to but not including `end`.
  VirtAddr FirstFit(Looking& looking, VirtAddr from, VirtAddr end, std::uint32_t size);
  VirtAddr head(std::uint32_t list) const { return state_.heads[list]; }

 private:
  static constexpr std::uint32_t kTag = 4, kNext = 0, kPrev = 4, kSizeMin = 16, kLive = 1;
  static constexpr std::uint32_t kPrologueBytes = 12;  // with the word in front of it

  struct State {
    Counters<kExplicitListCounters> counters;
    std::array<VirtAddr, kListsMax> heads, tails;
    VirtAddr rover;
  };
  class Check;

  static std::uint32_t SizeFor(std::uint32_t bytes);  // wraps
  static std::uint32_t Tag(WordView& words, VirtAddr block) { return words.Load(block - kTag); }
  static std::uint32_t Size(WordView& words, VirtAddr block) { return Tag(words, block) & ~7u; }
  static void SetTags(WordView& words, VirtAddr block, std::uint32_t size, std::uint32_t live);

  VirtAddr SearchAll(std::uint32_t size);
  // The free block that the heap has grown by, merged; null: refused.
  VirtAddr Grow(std::uint32_t size);
  // Merges a free block with its neighbours and puts the whole, which it returns, into its list.
  VirtAddr Coalesce(WordView& words, VirtAddr block);
  void Place(VirtAddr block, std::uint32_t size);
  void Insert(WordView& words, VirtAddr block, std::uint32_t size);
  // The block behind which it belongs; null: none.
  VirtAddr FindPlace(WordView& words, VirtAddr block, std::uint32_t list);
  void Remove(WordView& words, VirtAddr block, std::uint32_t size);

  std::uint32_t PeekWord(VirtAddr address) const { return space_.Peek(address).value_or(0); }
  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(state_); }
  void RestoreOwn(const AllocatorState& saved) override { RestoreState(saved, state_); }
  void ResetOwnCounters() override { state_.counters.Reset(); }

  const Order order_;
  const Fit fit_;
  State state_;
};

// "heap.order", and what it says.
ParameterInfo ListOrderParameter();
ExplicitListHeap::Order ListOrderValue(const ParameterValues& values);

HeapAllocatorInfo ExplicitListHeapInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_EXPLICIT_LIST_EXPLICIT_LIST_HEAP_H_
