// A bump allocator: a request moves the break up and gets what it passed; nothing is ever freed. Every system has had one: for
// the time before its heap is there (glibc's dynamic linker, elf/dl-minimal-malloc.c), for compilers and requests whose memory
// goes away as a whole, for firmware that allocates at its start only. Good: no search, no metadata, not one access to memory;
// neighbours in time are neighbours in memory. Bad: the heap is as large as all requests that there ever were, so it fits
// programs that free little. In a comparison it is the baseline: no allocator costs less, and its memory is what a program
// takes that never frees.
//
//   | payload | payload | payload |
//   ^start                        ^brk
//
// Request: rounded up to 8; the break moves by exactly that. A free is ignored, whatever its pointer, and so nothing can be
// broken. Realloc always makes a new block. How large the old one was nobody knows, so it copies as many bytes as were asked
// for, as dl-minimal does: what lies behind the old block comes along.
//
// It cannot tell its blocks. Metadata, for the digest: none, the break is part of the machine.
//
// Costs: copied and zeroed bytes alone.
//
// Invariants:
//   B1 the break is a multiple of 8
#ifndef ALLOCLAB_ALLOCATORS_HEAP_BUMP_BUMP_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_BUMP_BUMP_HEAP_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "allocators/common/declaration.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/heap_allocator_info.h"

namespace alloclab {

inline constexpr CounterInfo kBumpCounters[] = {{"ignored_frees", "frees that did nothing, those by realloc included"}};

class BumpHeap final : public HeapAllocator {
 public:
  // The page tables of the range exist.
  BumpHeap(AddressSpace& space, std::uint32_t limit_bytes);

  HeapResult Malloc(std::uint32_t bytes) override;
  HeapResult Realloc(VirtAddr block, std::uint32_t bytes) override;
  HeapResult Free(VirtAddr block) override;

  const Declaration& declaration() const override;
  std::uint32_t PayloadBytes(VirtAddr block) override;  // all that is behind it
  std::uint32_t BlockBytes(std::uint32_t bytes) const override;
  std::span<const std::uint64_t> own_counters() const override { return counters_.values(); }
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override;
  std::uint64_t host_bytes() const override { return sizeof(*this); }

 private:
  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(counters_); }
  void RestoreOwn(const AllocatorState& saved) override { RestoreState(saved, counters_); }
  void ResetOwnCounters() override { counters_.Reset(); }

  Counters<kBumpCounters> counters_;
};

HeapAllocatorInfo BumpHeapInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_BUMP_BUMP_HEAP_H_
