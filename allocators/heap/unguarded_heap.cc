#include "allocators/heap/unguarded_heap.h"

#include <algorithm>

#include "allocators/heap/chunk_chain.h"

namespace alloclab {

UnguardedHeap::UnguardedHeap(AddressSpace& space, const ImplicitHeapOptions& options)
    : space_(space), assertions_(options.assertions), heap_(space, options.start, options.limit_bytes, brk_, costs_) {
  heap_.Init(options.initial_bytes);
  costs_ = {};
}

HeapResult UnguardedHeap::Malloc(std::uint32_t bytes) {
  if (mutex_left_locked_) return {Outcome::kMachineHang, VirtAddr{}};
  return MallocLocked(bytes);
}

// lx_malloc_internal.
HeapResult UnguardedHeap::MallocLocked(std::uint32_t bytes) {
  if (bytes == 0) return {Outcome::kZeroSize, VirtAddr{}};
  FaultingWords& words = heap_.words();
  words.Restart();
  const std::uint32_t size = tag::RoundUpToWord(bytes + kWordBytes);  // may wrap
  VirtAddr chunk = heap_.Search(size);
  if (!words.stopped() && chunk.is_null()) chunk = heap_.Grow(size);  // never null: a failed sbrk is -1
  if (!words.stopped()) heap_.Place(chunk, size);
  if (words.stopped()) return words.stop();
  return {Outcome::kOk, chunk + kWordBytes};
}

HeapResult UnguardedHeap::Calloc(std::uint32_t count, std::uint32_t bytes) {
  const std::uint32_t product = count * bytes;  // wraps
  if (product < bytes || product < count) {
    return {count == 0 || bytes == 0 ? Outcome::kZeroSize : Outcome::kSizeOverflow, VirtAddr{}};
  }
  const HeapResult result = Malloc(product);
  if (result.outcome != Outcome::kOk) return result;
  costs_.zeroed_bytes += product;
  if (!space_.Fill(result.address, product, 0)) return {Outcome::kMachineFault, space_.last_fault()->address};
  return result;
}

HeapResult UnguardedHeap::Realloc(VirtAddr block, std::uint32_t bytes) {
  const HeapResult result = Malloc(bytes);
  if (block.is_null() || result.outcome != Outcome::kOk) return result;
  const std::optional<std::uint32_t> header = space_.LoadU32(block - kWordBytes);
  if (!header) return {Outcome::kMachineFault, space_.last_fault()->address};
  const std::uint32_t copied = std::min(tag::Size(*header) - kWordBytes, bytes);
  costs_.copied_bytes += copied;
  if (!space_.Copy(result.address, block, copied)) return {Outcome::kMachineFault, space_.last_fault()->address};
  const HeapResult freed = Free(block);
  return freed.outcome == Outcome::kOk ? result : freed;
}

// lxfree.
HeapResult UnguardedHeap::Free(VirtAddr block) {
  if (block.is_null()) return {};
  if (mutex_left_locked_) return {Outcome::kMachineHang, VirtAddr{}};
  FaultingWords& words = heap_.words();
  words.Restart();
  const VirtAddr chunk = block - kWordBytes;
  const std::uint32_t header = words.Load(chunk);
  if (words.stopped()) return words.stop();
  const std::uint32_t size = tag::Size(header);
  const bool valid_pointer = block < VirtAddr(0u - size) && block.raw() % kWordBytes == 0;
  if (assertions_ && (!valid_pointer || size <= kWordBytes)) {
    mutex_left_locked_ = true;
    return {Outcome::kAssertionFailed, block};
  }
  heap_.Release(chunk, header);
  return words.stopped() ? words.stop() : HeapResult{};
}

HeapShape UnguardedHeap::Shape() const { return ChunkChain(space_, heap_.start(), brk_).Shape(heap_.limit()); }

void UnguardedHeap::VisitChunks(VirtAddr from, const std::function<bool(const Chunk&)>& visit) const {
  ChunkChain(space_, heap_.start(), brk_).Walk([&](const Chunk& chunk) { return chunk.header < from || visit(chunk); });
}

std::optional<std::uint32_t> UnguardedHeap::Epilogue() const { return space_.Peek(brk_); }

std::vector<Violation> UnguardedHeap::CheckInvariants() const { return ChunkChain(space_, heap_.start(), brk_).Check(); }

}  // namespace alloclab
