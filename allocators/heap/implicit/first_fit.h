// The algorithm of the LunaixOS kernel heap, once: search, place, free, coalesce and grow, word for word in the order of the
// original's C code (layout and source: implicit_heap.h). Any access may fault: it throws MachineStop. Instantiated with
// NoIndex, the walk as it is, and with ChunkIndex, which answers the search; an index follows what happens to chunks through
// five calls (chunk_index.h documents them), NoIndex ignores them.
//
// Heaps of another policy over the same chunks take all but Search from here: FindFrom is the walk over a part of the heap.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_FIRST_FIT_H_
#define ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_FIRST_FIT_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string_view>

#include "allocators/common/costs.h"
#include "allocators/common/declaration.h"
#include "allocators/heap/implicit/boundary_tag.h"
#include "allocators/heap/implicit/chunk_chain.h"
#include "allocators/heap/merges.h"
#include "allocators/machine/address_space.h"
#include "allocators/machine/loop_watch.h"
#include "allocators/machine/program_break.h"
#include "allocators/machine/word_view.h"

namespace alloclab {

inline constexpr CounterInfo kFirstFitCounters[] = {
    kSplits, kMergesNone, kMergesBelow, kMergesAbove, kMergesBoth,
};
using FirstFitCounters = Counters<kFirstFitCounters>;

// For a heap over these chunks with counters of its own: these, then its own.
template <std::size_t kOwn>
constexpr std::array<CounterInfo, std::size(kFirstFitCounters) + kOwn> FirstFitCountersAnd(const CounterInfo (&own)[kOwn]) {
  std::array<CounterInfo, std::size(kFirstFitCounters) + kOwn> all{};
  std::copy_n(own, kOwn, std::copy(std::begin(kFirstFitCounters), std::end(kFirstFitCounters), all.begin()));
  return all;
}

// Where a free chunk lies, and how long it is.
struct FreeChunk {
  VirtAddr start;
  std::uint32_t bytes = 0;
};

class NoIndex {
 public:
  static constexpr bool kSearches = false;
  using Words = WordView;  // chunks are where memory says
  NoIndex(AddressSpace&, VirtAddr) {}
  void AddPrologue() {}
  void Take(VirtAddr, std::uint32_t) {}
  void Split(VirtAddr, std::uint32_t, std::uint32_t) {}
  void Release(VirtAddr, std::uint32_t, std::uint32_t, std::uint32_t) {}
  void Append(VirtAddr, std::uint32_t, std::uint32_t) {}
};

// HeapCounters: Counters of a list that begins with kFirstFitCounters.
template <class Index, class HeapCounters = FirstFitCounters>
class FirstFit {
 public:
  using Words = typename Index::Words;

  // The break and the counts belong to the allocator around it.
  FirstFit(AddressSpace& space, ProgramBreak& brk, HeapCosts& costs, HeapCounters& counters)
      : space_(space), break_(brk), index_(space, brk.start()), costs_(costs), counters_(counters) {}

  // kalloc_init: prologue, epilogue, first growth. The page tables exist and frames suffice.
  void Init(std::uint32_t initial_bytes) {
    break_.Place(break_.start() + kWordBytes);
    {
      Words words(space_, costs_);
      words.Store(break_.start(), tag::Pack(kWordBytes, tag::kAllocated));
      words.Store(break_.current(), tag::Pack(0, tag::kAllocated));
    }
    index_.AddPrologue();
    Grow(initial_bytes);
  }

  // The search loop of lx_malloc_internal: the first free chunk of at least `size` bytes, or null.
  VirtAddr Search(std::uint32_t size) {
    if constexpr (Index::kSearches) {
      const auto found = index_.FindFirst(size);
      costs_.search_steps += found.headers_visited;
      costs_.words_loaded += found.headers_visited;
      costs_.search_pages += found.pages_visited;
      return found.chunk;
    } else {
      std::uint32_t page = kNoPage;
      return FindFrom(break_.start(), break_.current(), size, page);
    }
  }

  // The loop of that search, over the chunks from `first` up to `end`, another chunk or the break. `page`: of the header looked
  // at last, for a search in several parts.
  static constexpr std::uint32_t kNoPage = ~0u;
  VirtAddr FindFrom(VirtAddr first, VirtAddr end, std::uint32_t size, std::uint32_t& page) {
    Words words(space_, costs_);
    VirtAddr chunk = first, found;
    LandmarkWatch<VirtAddr> watch(chunk);
    std::uint32_t last_page = page;
    while (chunk < end) {
      const std::uint32_t header = words.Load(chunk);
      ++costs_.search_steps;
      if (last_page != chunk.page()) ++costs_.search_pages;
      last_page = chunk.page();
      const std::uint32_t bytes = tag::Size(header);
      if (bytes == 0 && tag::Allocated(header)) break;
      if (bytes >= size && !tag::Allocated(header)) {
        found = chunk;
        break;
      }
      watch.Check(chunk + bytes);
      chunk = chunk + bytes;
    }
    page = last_page;
    return found;
  }

  // place_chunk: allocates the first `size` bytes of the free chunk; what remains becomes a free chunk.
  void Place(VirtAddr chunk, std::uint32_t size) {
    Words words(space_, costs_);
    const std::uint32_t header = words.Load(chunk);
    const std::uint32_t rest = tag::Size(header) - size;
    words.Store(chunk, tag::Pack(size, (header & tag::kPreviousFree) | tag::kAllocated));
    const VirtAddr next = chunk + size;
    if (rest == 0) {
      words.Store(next, words.Load(next) & ~tag::kPreviousFree);
      index_.Take(chunk, size);
      return;
    }
    ++counters_.template Of<"splits">();
    words.Store(next, tag::Pack(rest, 0));
    words.Store(Footer(next, rest), tag::Pack(rest, 0));
    index_.Split(chunk, size, rest);
    Coalesce(words, next);
  }

  // lx_free_internal behind its checks. `header` is the chunk's header, loaded by the caller. Returns the free chunk that there
  // is now.
  FreeChunk Release(VirtAddr chunk, std::uint32_t header) {
    Words words(space_, costs_);
    const std::uint32_t size = tag::Size(header);
    words.Store(chunk, header & ~tag::kAllocated);
    words.Store(Footer(chunk, size), header & ~tag::kAllocated);
    const VirtAddr next = chunk + size;
    words.Store(next, words.Load(next) | tag::kPreviousFree);
    const Merged merged = Coalesce(words, chunk);
    index_.Release(chunk, size, merged.before, merged.after);
    return {chunk - merged.before, merged.before + size + merged.after};
  }

  // lx_grow_heap: the break moves up by `size`; the new free chunk, merged with a free last one. The original does not notice
  // that the break cannot move: it goes on with the address -1.
  VirtAddr Grow(std::uint32_t size) {
    const VirtAddr start = break_.LunaixSbrk(size + kWordBytes);
    size = tag::RoundUpToWord(size);
    break_.Lower(kWordBytes);  // the word for the epilogue
    Words words(space_, costs_);
    const std::uint32_t old_marker = words.Load(start);
    const std::uint32_t header = tag::Pack(size, old_marker & tag::kPreviousFree);
    words.Store(start, header);
    words.Store(Footer(start, size), header);
    words.Store(start + tag::Size(words.Load(start)), tag::Pack(0, tag::kAllocated | tag::kPreviousFree));
    const Merged merged = Coalesce(words, start);
    index_.Append(start, size, merged.before);
    return start - merged.before;
  }

  // Makes the index again from the chunks in RAM, which are sound.
  void RebuildIndex() {
    std::destroy_at(&index_);
    std::construct_at(&index_, space_, break_.start());
    index_.AddPrologue();
    ChunkChain(space_, break_.start(), break_.current()).Walk([this](const Chunk& chunk) {
      if (chunk.header == break_.start()) return true;
      index_.Append(chunk.header, chunk.bytes, 0);
      if (chunk.allocated) index_.Take(chunk.header, chunk.bytes);
      return true;
    });
  }

  // Not of an index: whether free neighbours become one chunk at once, as in the original.
  void set_coalesces(bool coalesces) { coalesces_ = coalesces; }

  // Makes one chunk of all free neighbours, lowest first: a pass over the heap for heaps that do not coalesce at once. `joined`
  // is called with each chunk that has grown.
  template <class Joined>
  void CoalesceAll(Joined joined) {
    Words words(space_, costs_);
    LandmarkWatch<VirtAddr> watch(break_.start());
    for (VirtAddr chunk = break_.start(); chunk < break_.current();) {
      const std::uint32_t header = words.Load(chunk);
      std::uint32_t size = tag::Size(header);
      if (size == 0 && tag::Allocated(header)) return;
      watch.Check(chunk + size);
      if (!tag::Allocated(header)) {
        for (std::uint32_t next; !tag::Allocated(next = words.Load(chunk + size));) {
          size += tag::Size(next);
          watch.Check(chunk + size);
          ++counters_.template Of<"merges">(MergedWith(false, true));
        }
      }
      if (size != tag::Size(header)) {
        const std::uint32_t whole = tag::Pack(size, header & tag::kPreviousFree);
        words.Store(chunk, whole);
        words.Store(Footer(chunk, size), whole);
        joined(FreeChunk{chunk, size});
      }
      chunk = chunk + size;
    }
  }

  const Index& index() const { return index_; }
  Index& index() { return index_; }

 private:
  // Bytes of the free neighbours that a coalescing swallowed; 0 for one that was allocated.
  struct Merged {
    std::uint32_t before = 0, after = 0;
  };

  static VirtAddr Footer(VirtAddr chunk, std::uint32_t size) { return chunk + size - kWordBytes; }

  // The four cases of coalesce; the chunk's header and footer are written, its neighbours may be free.
  Merged Coalesce(Words& words, VirtAddr chunk) {
    if constexpr (!Index::kSearches) {
      if (!coalesces_) return {};
    }
    const std::uint32_t header = words.Load(chunk);
    const std::uint32_t size = tag::Size(header);
    const std::uint32_t next = words.Load(chunk + size);
    const bool next_free = !tag::Allocated(next);
    if (!tag::PreviousFree(header) && !next_free) {
      ++counters_.template Of<"merges">(MergedWith(false, false));
      return {};
    }
    Merged merged{.before = 0, .after = next_free ? tag::Size(next) : 0};
    std::uint32_t flags = 0;  // the lowest part's previous-free bit
    if (tag::PreviousFree(header)) {
      const std::uint32_t footer = words.Load(chunk - kWordBytes);
      merged.before = tag::Size(footer);
      flags = footer & tag::kPreviousFree;
    }
    ++counters_.template Of<"merges">(MergedWith(tag::PreviousFree(header), next_free));
    const std::uint32_t whole = tag::Pack(merged.before + size + merged.after, flags);
    words.Store(chunk - merged.before, whole);
    words.Store(Footer(chunk, size + merged.after), whole);
    return merged;
  }

  AddressSpace& space_;
  ProgramBreak& break_;
  Index index_;
  HeapCosts& costs_;
  HeapCounters& counters_;
  bool coalesces_ = true;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_FIRST_FIT_H_
