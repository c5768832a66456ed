// The algorithm of the LunaixOS kernel heap, once: search, place, free, coalesce and grow, word for word in the order of the
// original's C code (layout and source: implicit_heap.h). Instantiated with
//
//   MappedWords,   NoIndex     guarded literal: the walk as it is
//   MappedWords,   ChunkIndex  guarded indexed: the same, but the index answers the search
//   FaultingWords, NoIndex     unguarded literal: every access may fault, then the operation is over
//
// An index follows what happens to chunks through five calls (chunk_index.h documents them); NoIndex ignores them.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_FIRST_FIT_H_
#define ALLOCLAB_ALLOCATORS_HEAP_FIRST_FIT_H_

#include <cstdint>

#include "allocators/common/costs.h"
#include "allocators/heap/boundary_tag.h"
#include "allocators/heap/words.h"
#include "allocators/machine/address_space.h"

namespace alloclab {

class NoIndex {
 public:
  static constexpr bool kSearches = false;
  NoIndex(AddressSpace&, VirtAddr) {}
  void AddPrologue() {}
  void Take(VirtAddr, std::uint32_t) {}
  void Split(VirtAddr, std::uint32_t, std::uint32_t) {}
  void Release(VirtAddr, std::uint32_t, std::uint32_t, std::uint32_t) {}
  void Append(VirtAddr, std::uint32_t, std::uint32_t) {}
};

template <class Words, class Index>
class FirstFit {
 public:
  // `brk` and `costs` belong to the allocator around it; `brk` is kept at the epilogue.
  FirstFit(AddressSpace& space, VirtAddr start, std::uint32_t limit_bytes, VirtAddr& brk, HeapCosts& costs)
      : start_(start),
        limit_(start + limit_bytes),
        space_(space),
        words_(space, costs),
        index_(space, start),
        brk_(brk),
        costs_(costs) {}

  // kalloc_init: prologue, epilogue, first growth. REQUIRES: the page tables exist and frames suffice.
  void Init(std::uint32_t initial_bytes) {
    space_.PromisePages(start_, 1);
    brk_ = start_ + kWordBytes;
    {
      auto&& words = words_.Begin();
      words.Store(start_, tag::Pack(kWordBytes, tag::kAllocated));
      words.Store(brk_, tag::Pack(0, tag::kAllocated));
    }
    index_.AddPrologue();
    Grow(initial_bytes);
  }

  // The search loop of lx_malloc_internal: the first free chunk of at least `size` bytes, or null.
  VirtAddr Search(std::uint32_t size) {
    if constexpr (Index::kSearches) {
      const auto found = index_.FindFirst(size);
      costs_.headers_visited += found.headers_visited;
      costs_.words_loaded += found.headers_visited;
      costs_.search_pages += found.pages_visited;
      return found.chunk;
    } else {
      return Walk(size);
    }
  }

  // place_chunk: allocates the first `size` bytes of the free chunk; what remains becomes a free chunk.
  void Place(VirtAddr chunk, std::uint32_t size) {
    auto&& words = words_.Begin();
    const std::uint32_t header = words.Load(chunk);
    const std::uint32_t rest = tag::Size(header) - size;
    words.Store(chunk, tag::Pack(size, (header & tag::kPreviousFree) | tag::kAllocated));
    const VirtAddr next = chunk + size;
    if (rest == 0) {
      words.Store(next, words.Load(next) & ~tag::kPreviousFree);
      index_.Take(chunk, size);
      return;
    }
    ++costs_.splits;
    words.Store(next, tag::Pack(rest, 0));
    words.Store(Footer(next, rest), tag::Pack(rest, 0));
    index_.Split(chunk, size, rest);
    Coalesce(words, next);
  }

  // lx_free_internal behind its checks. `header` is the chunk's header, loaded by the caller.
  void Release(VirtAddr chunk, std::uint32_t header) {
    auto&& words = words_.Begin();
    const std::uint32_t size = tag::Size(header);
    words.Store(chunk, header & ~tag::kAllocated);
    words.Store(Footer(chunk, size), header & ~tag::kAllocated);
    const VirtAddr next = chunk + size;
    words.Store(next, words.Load(next) | tag::kPreviousFree);
    const Merged merged = Coalesce(words, chunk);
    index_.Release(chunk, size, merged.before, merged.after);
  }

  // lx_grow_heap: the break moves up by `size`; the new free chunk, merged with a free last one.
  VirtAddr Grow(std::uint32_t size) {
    const VirtAddr start = Sbrk(size + kWordBytes);
    size = tag::RoundUpToWord(size);
    brk_ = brk_ - kWordBytes;  // the word for the epilogue
    auto&& words = words_.Begin();
    const std::uint32_t old_marker = words.Load(start);
    const std::uint32_t header = tag::Pack(size, old_marker & tag::kPreviousFree);
    words.Store(start, header);
    words.Store(Footer(start, size), header);
    words.Store(start + tag::Size(words.Load(start)), tag::Pack(0, tag::kAllocated | tag::kPreviousFree));
    const Merged merged = Coalesce(words, start);
    index_.Append(start, size, merged.before);
    return start - merged.before;
  }

  Words& words() { return words_; }
  const Words& words() const { return words_; }
  const Index& index() const { return index_; }
  VirtAddr start() const { return start_; }
  VirtAddr limit() const { return limit_; }

 private:
  // Bytes of the free neighbours that a coalescing swallowed; 0 for one that was allocated.
  struct Merged {
    std::uint32_t before = 0, after = 0;
  };

  static VirtAddr Footer(VirtAddr chunk, std::uint32_t size) { return chunk + size - kWordBytes; }

  VirtAddr Walk(std::uint32_t size) {
    auto&& words = words_.Begin();
    VirtAddr chunk = start_;
    VirtAddr landmark = start_;  // Brent (1980): a walk that comes back to it goes round for ever
    std::uint64_t steps = 0, next_landmark = 1;
    std::uint32_t page = ~0u;
    while (chunk < brk_) {
      const std::uint32_t header = words.Load(chunk);
      if (words.stopped()) return VirtAddr{};
      ++costs_.headers_visited;
      if (page != chunk.page()) ++costs_.search_pages;
      page = chunk.page();
      const std::uint32_t bytes = tag::Size(header);
      if (bytes == 0 && tag::Allocated(header)) break;
      if (bytes >= size && !tag::Allocated(header)) return chunk;
      if constexpr (Words::kMayFault) {
        if (steps++ == next_landmark) landmark = chunk, next_landmark *= 2;
        if (chunk + bytes == landmark) {
          words.Stop(Outcome::kMachineHang, chunk);
          return VirtAddr{};
        }
      }
      chunk = chunk + bytes;
    }
    return VirtAddr{};
  }

  // The four cases of coalesce; the chunk's header and footer are written, its neighbours may be free.
  template <class Part>
  Merged Coalesce(Part& words, VirtAddr chunk) {
    const std::uint32_t header = words.Load(chunk);
    const std::uint32_t size = tag::Size(header);
    const std::uint32_t next = words.Load(chunk + size);
    if (words.stopped()) return {};
    const bool next_free = !tag::Allocated(next);
    if (!tag::PreviousFree(header) && !next_free) {
      ++costs_.coalesces[3];
      return {};
    }
    Merged merged{.before = 0, .after = next_free ? tag::Size(next) : 0};
    std::uint32_t flags = 0;  // the lowest part's previous-free bit
    if (tag::PreviousFree(header)) {
      const std::uint32_t footer = words.Load(chunk - kWordBytes);
      merged.before = tag::Size(footer);
      flags = footer & tag::kPreviousFree;
    }
    if (words.stopped()) return {};
    ++costs_.coalesces[!next_free ? 0 : !tag::PreviousFree(header) ? 1 : 2];
    const std::uint32_t whole = tag::Pack(merged.before + size + merged.after, flags);
    words.Store(chunk - merged.before, whole);
    words.Store(Footer(chunk, size + merged.after), whole);
    return merged;
  }

  // lxsbrk: the old break, or -1 as a pointer. A size of 0 asks for the break.
  VirtAddr Sbrk(std::uint32_t bytes) {
    if (bytes == 0) return brk_;
    const VirtAddr old = brk_;
    const VirtAddr next = old + tag::RoundUpToWord(bytes);
    if (next >= limit_ || next < old) return VirtAddr(~0u);
    if (next.page() > old.page()) space_.PromisePages(old + kPageBytes, next.page() - old.page());
    brk_ = old + bytes;
    ++costs_.grows;
    costs_.grown_bytes += bytes - kWordBytes;
    return old;
  }

  const VirtAddr start_, limit_;
  AddressSpace& space_;
  Words words_;
  Index index_;
  VirtAddr& brk_;
  HeapCosts& costs_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_FIRST_FIT_H_
