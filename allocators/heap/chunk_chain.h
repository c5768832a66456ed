// Looks at a chain of chunks in simulated RAM (layout: implicit_heap.h) without touching anything: no fault, no counter, and
// safe on any contents, so it also serves heaps that an unguarded program has broken.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_CHUNK_CHAIN_H_
#define ALLOCLAB_ALLOCATORS_HEAP_CHUNK_CHAIN_H_

#include <optional>
#include <vector>

#include "allocators/common/violation.h"
#include "allocators/heap/boundary_tag.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/machine/address_space.h"

namespace alloclab {

class ChunkChain {
 public:
  ChunkChain(const AddressSpace& space, VirtAddr start, VirtAddr brk) : space_(space), start_(start), brk_(brk) {}

  // Calls visit(chunk) for each chunk from the prologue until it returns false. Returns the address behind the last chunk
  // shown: the break, unless the chain is broken there (a size of 0, past the break, unmapped).
  template <class Visit>
  VirtAddr Walk(Visit visit) const {
    VirtAddr at = start_;
    while (at < brk_) {
      const std::optional<Chunk> chunk = At(at);
      if (!chunk || chunk->bytes == 0 || chunk->bytes > brk_ - at || !visit(*chunk)) return at;
      at = at + chunk->bytes;
    }
    return at;
  }

  // What the word there says as a header, or nothing if it is not mapped.
  std::optional<Chunk> At(VirtAddr header) const {
    const std::optional<std::uint32_t> word = space_.Peek(header);
    if (!word) return std::nullopt;
    return Chunk{header, tag::Size(*word), tag::Allocated(*word), tag::PreviousFree(*word), *word};
  }

  // Everything in a shape that a walk can find.
  HeapShape Shape(VirtAddr limit) const;
  // Violations of H1 to H4; ends at the first broken link.
  std::vector<Violation> Check() const;

 private:
  const AddressSpace& space_;
  const VirtAddr start_, brk_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_CHUNK_CHAIN_H_
