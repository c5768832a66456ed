// Looks at a chain of chunks in simulated RAM (layout: implicit_heap.h) without touching anything: no fault, no counter, and
// safe on any contents, so it also serves heaps that an unguarded program has broken.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_CHUNK_CHAIN_H_
#define ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_CHUNK_CHAIN_H_

#include <optional>
#include <span>
#include <vector>

#include "allocators/common/interrupt.h"
#include "allocators/common/violation.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/implicit/boundary_tag.h"
#include "allocators/machine/address_space.h"

namespace alloclab {

// A chunk as its header says.
struct Chunk {
  VirtAddr header;
  std::uint32_t bytes = 0;  // header included
  bool allocated = false;
  bool previous_free = false;
  std::uint32_t header_word = 0;
};

inline constexpr FieldInfo kChunkFields[] = {
    {"header", "the word in front of the payload: size and two flags", FigureInfo::Unit::kWord},
    {"previous_free", "1: the chunk before is free"},
};
inline constexpr FigureInfo kChunkFigures[] = {
    {"epilogue", "the word at the break that ends the chain", FigureInfo::Unit::kWord},
};

class ChunkChain {
 public:
  ChunkChain(const AddressSpace& space, VirtAddr start, VirtAddr brk) : space_(space), start_(start), brk_(brk) {}

  // Calls visit(chunk) for each chunk from `first` until it returns false. Returns the address behind the last chunk
  // shown: the break, unless the chain is broken there (a size of 0, past the break, unmapped).
  template <class Visit>
  VirtAddr Walk(VirtAddr first, Visit visit) const {
    VirtAddr at = first;
    while (at < brk_) {
      const std::optional<Chunk> chunk = At(at);
      if (!chunk || chunk->bytes == 0 || chunk->bytes > brk_ - at || !visit(*chunk)) return at;
      at = at + chunk->bytes;
    }
    return at;
  }
  template <class Visit>
  VirtAddr Walk(Visit visit) const {
    return Walk(start_, visit);
  }

  // What the word there says as a header, or nothing if it is not mapped.
  std::optional<Chunk> At(VirtAddr header) const {
    const std::optional<std::uint32_t> word = space_.Peek(header);
    if (!word) return std::nullopt;
    return Chunk{header, tag::Size(*word), tag::Allocated(*word), tag::PreviousFree(*word), *word};
  }

  // As HeapAllocator::VisitBlocks. `near` is a chunk at or below from.address to begin at, if one is known.
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit, std::optional<VirtAddr> near = {}) const;
  // Everything in a shape that a walk can find.
  HeapShape Shape(VirtAddr limit, const Interrupt& interrupt = {}) const;
  // Violations of H1 to H4; ends at the first broken link. `coalesced`: or else neighbours may be free, without H4.
  std::vector<Violation> Check(const Interrupt& interrupt = {}, bool coalesced = true) const;

 private:
  Block BlockOf(const Chunk& chunk) const;
  // Why the chain does not go on at `end`, where a walk ended that nobody stopped; nothing at the break.
  std::optional<BrokenWalk> BreakAt(VirtAddr end) const;

  const AddressSpace& space_;
  const VirtAddr start_, brk_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_CHUNK_CHAIN_H_
