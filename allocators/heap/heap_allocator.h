// Allocators of a virtual-memory heap: malloc and its family on the simulated machine.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_HEAP_ALLOCATOR_H_
#define ALLOCLAB_ALLOCATORS_HEAP_HEAP_ALLOCATOR_H_

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "allocators/common/costs.h"
#include "allocators/common/outcome.h"
#include "allocators/common/pow2_histogram.h"
#include "allocators/common/violation.h"
#include "allocators/machine/address.h"

namespace alloclab {

struct HeapResult {
  Outcome outcome = Outcome::kOk;
  VirtAddr address;  // what the call returned (null for free); for kMachineFault the address that was touched
};

// A piece of the heap, allocated or free, metadata included.
struct Chunk {
  VirtAddr header;
  std::uint32_t bytes = 0;  // header included
  bool allocated = false;
  bool previous_free = false;
  std::uint32_t header_word = 0;
};

// The heap as it is now. Sizes include the chunks' own metadata.
struct HeapShape {
  VirtAddr start, brk, limit;  // limit: one past the last address the heap may ever use
  std::uint32_t chunks = 0;    // every chunk that VisitChunks shows: allocated, free, and the prologue
  std::uint32_t live_blocks = 0;
  std::uint64_t live_block_bytes = 0;
  std::uint32_t free_blocks = 0;
  std::uint64_t free_bytes = 0;
  std::uint32_t largest_free_bytes = 0;
  // Free chunks by Pow2Histogram::BucketOf(bytes).
  std::array<std::uint32_t, Pow2Histogram::kBuckets> free_blocks_by_size{};

  std::uint32_t size_bytes() const { return brk - start; }
  friend bool operator==(const HeapShape&, const HeapShape&) = default;
};

class HeapAllocator {
 public:
  virtual ~HeapAllocator() = default;

  virtual HeapResult Malloc(std::uint32_t bytes) = 0;
  virtual HeapResult Calloc(std::uint32_t count, std::uint32_t bytes) = 0;
  // The lab's reference rule: allocate the new block, copy min(old payload, bytes), free the old. On failure the old block
  // stays. A null `block` is malloc; `bytes` of 0 is kZeroSize and frees nothing.
  virtual HeapResult Realloc(VirtAddr block, std::uint32_t bytes) = 0;
  // A null block is ignored.
  virtual HeapResult Free(VirtAddr block) = 0;

  // Brings what a Free of this address will look at into the host's caches. Changes nothing, for any address; worth its while a
  // few operations ahead on heaps larger than those caches.
  virtual void Prefetch(VirtAddr /*block*/) const {}

  virtual HeapShape Shape() const = 0;
  // The chunks in address order from the first at or above `from`, until `visit` returns false. The prologue is one, the
  // epilogue at the break is not. Ends where the chain in RAM is broken.
  virtual void VisitChunks(VirtAddr from, const std::function<bool(const Chunk&)>& visit) const = 0;
  // The word at the break that ends the chain, or nothing if the heap has none.
  virtual std::optional<std::uint32_t> Epilogue() const = 0;
  virtual std::vector<Violation> CheckInvariants() const = 0;
  // Host bytes held beside simulated RAM (an index).
  virtual std::uint64_t host_bytes() const = 0;

  const HeapCosts& costs() const { return costs_; }
  // The program break: one past the last chunk. A plain read, for callers that follow its peak.
  VirtAddr brk() const { return brk_; }

 protected:
  VirtAddr brk_;
  HeapCosts costs_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_HEAP_ALLOCATOR_H_
