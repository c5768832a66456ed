// The implicit heap as the original is, every gap included: simulated RAM changes as the original would change it, and where
// the original would crash or leave its RAM the operation ends with kMachineFault and the address. The host is never harmed.
// Literal engine only. See first_fit.h.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_UNGUARDED_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_UNGUARDED_HEAP_H_

#include <vector>

#include "allocators/heap/first_fit.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/implicit_heap.h"

namespace alloclab {

class UnguardedHeap final : public HeapAllocator {
 public:
  UnguardedHeap(AddressSpace& space, const ImplicitHeapOptions& options);

  HeapResult Malloc(std::uint32_t bytes) override;
  HeapResult Calloc(std::uint32_t count, std::uint32_t bytes) override;
  HeapResult Realloc(VirtAddr block, std::uint32_t bytes) override;
  HeapResult Free(VirtAddr block) override;

  HeapShape Shape() const override;
  void VisitChunks(VirtAddr from, const std::function<bool(const Chunk&)>& visit) const override;
  std::optional<std::uint32_t> Epilogue() const override;
  std::vector<Violation> CheckInvariants() const override;
  std::uint64_t host_bytes() const override { return sizeof(*this); }

 private:
  HeapResult MallocLocked(std::uint32_t bytes);

  AddressSpace& space_;
  const bool assertions_;
  // A failed assertion leaves the kernel's mutex locked: whoever asks for it next spins for ever.
  bool mutex_left_locked_ = false;
  FirstFit<FaultingWords, NoIndex> heap_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_UNGUARDED_HEAP_H_
