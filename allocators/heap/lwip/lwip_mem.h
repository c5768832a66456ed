// The heap of lwIP (src/core/mem.c), the TCP/IP stack that Adam Dunkels wrote in 2001 for small machines and that runs in a
// great many devices; packets, and whatever else has a size that cannot be foreseen, live in it. Good: free checks its
// pointer and the links around it, so that double frees and most foreign and interior pointers are refused; first fit by
// address and merging at once keep memory whole. Bad: there is no list of free blocks. A search visits every block from the
// lowest free one on, live ones too, and a request that takes that one walks on to the next; 12 bytes per block.
//
//   | next prev used | ...payload... | next prev used | ... | next prev used |
//   ^start: offset 0                                        ^end marker, at offset SIZE
//
//   next   offset of the block behind, from the heap's start
//   prev   offset of the block before; of the first block and of the end marker its own
//   used   one byte: 1 live, 0 free; the three behind it are never written
//
// SIZE is "heap.arena_bytes" rounded up to 4; the end marker's 12 bytes come on top. Words are 32 bits at every size, as
// where lwIP's MEM_SIZE is above 64,000: below, the original takes 16-bit offsets and headers of 8 bytes, which this heap
// does not.
//
// `lfree`, a variable, is the offset of the lowest free block, SIZE if there is none; each search begins there. Request:
// rounded up to 4, at least 12. A block is cut when 24 bytes or more remain; its first part is handed out. The first header
// and the end marker are written when the heap is made.
//
// Assertions are off: a free that is refused changes nothing and says nothing.
//
// Metadata, for the digest: of each block in address order, the end marker included, next, prev and used, a word each; then
// lfree.
//
// The indexed engine has all blocks in an OrderedBlocks, live ones with size 0, while walks are long (index_switch.h):
// searches and the way of lfree are asked of it, and what the walks would have loaded is charged.
//
// Costs: search_steps are the headers that a search looks at, and the steps of lfree to the next free block. `used` counts as a
// word.
//
// Invariants:
//   L1 the blocks tile the heap up to the end marker, which is used and leads to itself
//   L2 prev leads to the block before
//   L3 no two neighbours are free
//   L4 lfree is the lowest free block
//   L5 the index (if any) has the blocks
#ifndef ALLOCLAB_ALLOCATORS_HEAP_LWIP_LWIP_MEM_H_
#define ALLOCLAB_ALLOCATORS_HEAP_LWIP_LWIP_MEM_H_

#include <cstdint>
#include <functional>
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

inline constexpr CounterInfo kLwipCounters[] = {
    {"lfree_steps", "steps of walks from the lowest free block to the next one"},  // a part of search_steps
    kSplits,
    kMergesNone,
    kMergesBelow,
    kMergesAbove,
    kMergesBoth,
};

class LwipMem final : public HeapAllocator {
 public:
  static constexpr std::uint32_t kHeader = 12, kPayloadMin = 12;
  static constexpr std::uint32_t kArenaBytesMin = kHeader + kPayloadMin;
  // How many bytes more an arena takes: what rounds it up, and the end marker.
  static constexpr std::uint32_t BytesBehind(std::uint32_t arena_bytes) { return (0 - arena_bytes) % 4 + kHeader; }

  // The page tables of the arena and of what is behind it exist, and there are frames for the first and the last page.
  // REQUIRES: arena_bytes >= kArenaBytesMin.
  LwipMem(AddressSpace& space, std::uint32_t arena_bytes, Engine engine = Engine::kLiteral);

  HeapResult Malloc(std::uint32_t bytes) override;
  HeapResult Free(VirtAddr block) override;

  const Declaration& declaration() const override;
  std::uint32_t PayloadBytes(VirtAddr block) override;
  std::uint32_t BlockBytes(std::uint32_t bytes) const override;
  std::span<const std::uint64_t> own_counters() const override { return state_.counters.values(); }
  std::vector<std::uint64_t> FigureValues() const override { return {state_.lfree}; }
  HeapShape Shape() const override;
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const override;
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override;
  std::uint64_t host_bytes() const override { return sizeof(*this) + index_.host_bytes(); }

 private:
  using Offset = std::uint32_t;  // of a header, from the heap's start

  VirtAddr At(Offset block) const { return start() + block; }
  Offset Next(WordView& words, Offset block) const { return words.Load(At(block)); }
  Offset Prev(WordView& words, Offset block) const { return words.Load(At(block) + kPrevOffset); }
  bool Used(WordView& words, Offset block) const { return words.LoadU8(At(block) + kUsedOffset) != 0; }
  void SetNext(WordView& words, Offset block, Offset next) { words.Store(At(block), next); }
  void SetPrev(WordView& words, Offset block, Offset prev) { words.Store(At(block) + kPrevOffset, prev); }
  void SetUsed(WordView& words, Offset block, bool used) { words.StoreU8(At(block) + kUsedOffset, used ? 1 : 0); }

  struct Found {
    Offset block;
    OrderedBlocks::Cursor at = {};  // in the index, if there is one
  };
  // Nothing: no block is large enough.
  std::optional<Found> Search(std::uint32_t size);
  std::optional<Found> AskForFit(std::uint32_t size);  // the same through the index
  // Where the block is in the index then.
  OrderedBlocks::Cursor Take(WordView& words, const Found& found, std::uint32_t size);
  // lfree was the block that is there in the index.
  void MoveLowestFree(WordView& words, OrderedBlocks::Cursor from);
  // Whether the blocks around lead back to this one, as far as free looks.
  bool IsLinked(WordView& words, Offset block) const;
  void Merge(WordView& words, Offset block);
  // What the index should know of a block.
  OrderedBlocks::Entry EntryOf(Offset block, Offset next, bool used) const {
    return {block, used ? 0 : next - (block + kHeader), At(block)};
  }
  std::vector<OrderedBlocks::Entry> Listed() const;  // the blocks as the index should have them
  // `block` becomes part of the one before it.
  void Absorb(WordView& words, Offset before, Offset block);

  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(state_); }
  void RestoreOwn(const AllocatorState& saved) override {
    RestoreState(saved, state_);
    index_.Drop();
  }
  void ResetOwnCounters() override { state_.counters.Reset(); }

  static constexpr std::uint32_t kPrevOffset = 4, kUsedOffset = 8;

  struct State {
    Counters<kLwipCounters> counters;
    Offset lfree = 0;
  };
  const Offset end_;  // SIZE
  State state_;
  SwitchedIndex index_;
};

HeapAllocatorInfo LwipMemInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_LWIP_LWIP_MEM_H_
