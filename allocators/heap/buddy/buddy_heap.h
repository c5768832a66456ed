// Buddy systems: a block too large is split into two buddies, and what is freed is joined with its buddy, which can be told
// from the address and a few bits, as long as that one is free and whole. Invented by Harry Markowitz for SIMSCRIPT, published
// by Knowlton (A Fast Storage Allocator, CACM 8(10), 1965); it is in the page allocators of most kernels. Good: request and
// free take a step for each size there is, whatever the heap holds; neighbours that are free find each other without a walk.
// Bad: a request gets the next size, a power of two in the binary system, so a quarter of memory is lost inside of blocks, half
// of it for powers of two, which the header pushes to the next size; and neighbours that are no buddies stay apart.
// "heap.buddy" says how blocks are split:
//
//   binary      in two halves. Knuth, The Art of Computer Programming 1, 2.5, Algorithms R and S
//   fibonacci   of orders k-1, the left one, and k-2. Hirschberg, A Class of Dynamic Memory Allocation Algorithms, CACM 16(10),
//               1973. Sizes lie closer, so less is lost inside of blocks, and more small pieces remain
//
//   | header ...payload... | header linkf linkb ...free... | ...
//   ^start                                                      ^pieces end
//
//   header   bits 0-5: order (KVAL); bit 6: available (TAG); of Fibonacci buddies also bit 7: the right one of its pair; bit 8:
//            memory. A left buddy's memory is bit 7 of the block that was split, a right buddy's is bit 8 of that: so a pair
//            that is joined has both again (Cranston and Thomas, A Simplified Recombination Scheme for the Fibonacci Buddy
//            System, CACM 18(6), 1975)
//   linkf    of an available block: the next one of its order, linkb the one before
//
// Size of order k: binary 16 * 2^k; Fibonacci 16, 24, and from there on the sum of the two below. The heads of the lists
// (AVAIL) are variables; in the words of a list, head k is the address k + 1. The arena falls into pieces, the largest size
// that fits first; what is less than 16 bytes at its end is not used. Pieces have no buddies. They are written when the heap is
// made.
//
// Request: 4 bytes added, the least order whose size holds it; the first block of the least order from there on that has any,
// last in, first out. Split down to the order wanted: binary keeps the left half, as Algorithm R; Fibonacci the smaller part
// from which the order wanted can be cut, else the left one. Order 1 is not split, so it serves requests of order 0 too.
//
// Metadata, for the digest: of each block in address order its header, and if it is available linkf and linkb; then linkf and
// linkb of each head up to the largest piece's order.
//
// Costs: search_steps are the heads that a request looks at. A word counts when it is in a block.
//
// Invariants:
//   D1 the blocks are what splitting makes of the pieces
//   D2 bits 7 and 8 of each are those that splitting gives; 0 in the binary system
//   D3 no two buddies are available
//   D4 the lists have the available blocks, each once, in the list of its order, linked both ways
#ifndef ALLOCLAB_ALLOCATORS_HEAP_BUDDY_BUDDY_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_BUDDY_BUDDY_HEAP_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "allocators/common/declaration.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/heap_allocator_info.h"
#include "allocators/heap/merges.h"
#include "allocators/machine/word_view.h"

namespace alloclab {

inline constexpr CounterInfo kBuddyCounters[] = {
    {"pairs_split", "blocks that were split into two buddies"},
    {"pairs_joined", "buddies that were made one block"},
    kSplits,
    kMergesNone,
    kMergesBelow,
    kMergesAbove,
    kMergesBoth,
};

class BuddyHeap final : public HeapAllocator {
 public:
  enum class Kind : std::uint8_t { kBinary, kFibonacci };
  static constexpr std::uint32_t kArenaBytesMin = 16;

  // A whole block of the empty heap.
  struct Piece {
    VirtAddr start;
    std::uint32_t order;
  };
  // In descending order. REQUIRES: arena_bytes >= kArenaBytesMin.
  static std::vector<Piece> PiecesOf(Kind kind, std::uint32_t arena_bytes);
  // How many pages one operation may touch beside its block: those of the parts that it splits off, and neighbours' in lists.
  static std::uint32_t EdgePages(const std::vector<Piece>& pieces) { return 2 * pieces.front().order + 8; }

  // Takes the page tables of the arena and sees that there are frames for two pages of each piece. INVALID_ARGUMENT,
  // RESOURCE_EXHAUSTED.
  static absl::Status Reserve(AddressSpace& space, Kind kind, std::uint32_t arena_bytes);
  // REQUIRES: the arena is reserved.
  BuddyHeap(AddressSpace& space, Kind kind, std::uint32_t arena_bytes);

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
  std::uint64_t host_bytes() const override { return sizeof(*this) + pieces_.capacity() * sizeof(Piece); }

 private:
  // Orders of the header's field; a heap has fewer, words that are broken may have any.
  static constexpr std::uint32_t kOrders = 64, kOrderMask = kOrders - 1;
  static constexpr std::uint32_t kAvailable = 1u << 6, kRight = 1u << 7, kMemory = 1u << 8;
  static constexpr std::uint32_t kHeader = 4, kLinkF = 4, kLinkB = 8;

  // The two parts of a block of some order: their orders, and bits 7 and 8.
  struct Part {
    std::uint32_t order, bits;
  };
  struct Parts {
    Part left, right;
  };
  struct Buddy {
    VirtAddr address;
    std::uint32_t order;         // that it has when it is whole
    std::uint32_t joined_order;  // of both
  };
  struct State {
    Counters<kBuddyCounters> counters;
    std::array<VirtAddr, kOrders> linkf, linkb;  // of the heads
  };
  class Check;

  static std::uint32_t SizeOf(Kind kind, std::uint32_t order);  // wraps
  std::uint32_t Size(std::uint32_t order) const { return SizeOf(kind_, order); }
  std::uint32_t OrderFor(std::uint32_t bytes) const;
  bool CanBeSplit(std::uint32_t order) const { return order > (kind_ == Kind::kBinary ? 0 : 1); }
  Parts PartsOf(Part block) const;
  Buddy BuddyOf(VirtAddr block, Part part) const;
  // Bits 7 and 8 of the block that these two parts make.
  static std::uint32_t JoinedBits(std::uint32_t left, std::uint32_t right);
  std::uint32_t PieceOrder(VirtAddr block) const;

  static VirtAddr HeadOf(std::uint32_t order) { return VirtAddr(order + 1); }
  static bool IsHead(VirtAddr at) { return at.raw() - 1 < kOrders; }
  VirtAddr LinkF(WordView& words, VirtAddr at) const;
  VirtAddr LinkB(WordView& words, VirtAddr at) const;
  void SetLinkF(WordView& words, VirtAddr at, VirtAddr to);
  void SetLinkB(WordView& words, VirtAddr at, VirtAddr to);
  void Insert(WordView& words, VirtAddr block, Part part);
  void Remove(WordView& words, VirtAddr block);
  VirtAddr Take(VirtAddr block, std::uint32_t order, std::uint32_t wanted);

  std::uint32_t PeekWord(VirtAddr address) const { return space_.Peek(address).value_or(0); }
  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(state_); }
  void RestoreOwn(const AllocatorState& saved) override { RestoreState(saved, state_); }
  void ResetOwnCounters() override { state_.counters.Reset(); }

  const Kind kind_;
  const std::vector<Piece> pieces_;
  const VirtAddr end_;  // of the last piece
  State state_;
};

HeapAllocatorInfo BuddyHeapInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_BUDDY_BUDDY_HEAP_H_
