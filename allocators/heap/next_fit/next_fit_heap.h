// Next fit: first fit that begins where the last search ended (Knuth, The Art of Computer Programming, vol. 1, 2.5, exercise
// 6), with the rover as Bryant and O'Hallaron's malloc keeps it (Computer Systems, 9.9, mm.c with NEXT_FIT), over the chunks of
// the implicit heap. Layout, placement, growth, coalescing and their costs, the digest and invariants H1 to H4:
// implicit/implicit_heap.h.
//
//   | 4|1 | A | free | A | free | A | 0|1 |
//                      ^rover            ^brk
//
// The rover is the chunk at which the last search ended that found one, at first the prologue. A search looks at the chunks
// from the rover up to the break, then at those from the prologue up to the rover. Only a search that finds moves the rover; a
// heap that grows does not. A free chunk that swallows the rover's becomes the rover's.
//
// Costs: the search loads the header of each chunk once. The rover is a variable of the kernel: no word in RAM, not in the
// digest; it is a figure.
//
// Engines: literal is the walk; indexed asks an OrderedBlocks of all chunks (ordered_chunks.h) instead.
//
// Invariants: H1 to H4, and
//   N1 a chunk begins at the rover
//   N2 the index (if any) has the chunks of the heap
#ifndef ALLOCLAB_ALLOCATORS_HEAP_NEXT_FIT_NEXT_FIT_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_NEXT_FIT_NEXT_FIT_HEAP_H_

#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/heap/implicit/implicit_heap.h"

namespace alloclab {

inline constexpr auto kNextFitCounters = FirstFitCountersAnd(
    {{"wraps", "searches that came to the break and began again at the start, of requests that were served"}});

struct NextFitState {
  Counters<kNextFitCounters> counters;
  VirtAddr rover;
};

// Index: NoIndex or OrderedChunks.
template <class Index>
class NextFitHeap final : public ChunkHeap<Index, NextFitState> {
 public:
  // PrepareRange has made the range ready.
  NextFitHeap(AddressSpace& space, const ImplicitHeapOptions& options);

  HeapResult Malloc(std::uint32_t bytes) override;
  HeapResult Free(VirtAddr block) override;

  const Declaration& declaration() const override;
  std::vector<std::uint64_t> FigureValues() const override;
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override;
  std::uint64_t host_bytes() const override;

 private:
  using Base = ChunkHeap<Index, NextFitState>;
  using Base::brk, Base::Chain, Base::heap_, Base::start, Base::state_;
  static constexpr bool kIndexed = !std::is_same_v<Index, NoIndex>;

  // A free chunk of at least `size` bytes, or null.
  VirtAddr Search(std::uint32_t size);
  VirtAddr FindFrom(VirtAddr first, VirtAddr end, std::uint32_t size, std::uint32_t& page);
  void RestoreOwn(const AllocatorState& saved) override;
};

// As MakeImplicitHeap; there is no assertion in free.
absl::StatusOr<std::unique_ptr<HeapGuard>> MakeNextFitHeap(AddressSpace& space, const ImplicitHeapOptions& options);
HeapAllocatorInfo NextFitHeapInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_NEXT_FIT_NEXT_FIT_HEAP_H_
