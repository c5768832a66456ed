// What the literal engine finds by walking, found without: a host-side index of the chunks of an implicit heap. Simulated RAM
// stays the truth; the index only knows where in it to look.
//
//   leaf    256 bytes of heap: one bit per word for "a chunk starts here" and one for "and it is free", how many chunks start
//           in it, and an upper bound of its largest free chunk
//   page    16 leaves; made when the first chunk starts in the page
//   group   16 pages (64 KiB): bound and chunk count of each page
//   trees   over the groups (wide_tree.h): bounds, chunk counts, counts of pages in which a chunk starts
//
// A chunk belongs to the leaf in which it starts. The bounds lead a search to the lowest address that can fit; where they
// promised too much they are corrected on the way (wide_tree.h says why that is cheap). A search begins where the last one for
// its size ended (size_hints.h) and goes from there through page, group and trees: steps that do not wait for each other. The
// counts below a chunk say how many headers, in how many pages, the walk would have visited.
//
// About 350 bytes per page in which a chunk starts (a group's part included), 24 bytes per 64 KiB without any.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_CHUNK_INDEX_H_
#define ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_CHUNK_INDEX_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "allocators/common/lanes.h"
#include "allocators/common/slabs.h"
#include "allocators/common/violation.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/implicit/boundary_tag.h"
#include "allocators/heap/implicit/size_hints.h"
#include "allocators/heap/implicit/wide_tree.h"
#include "allocators/machine/address_space.h"
#include "allocators/machine/word_view.h"

namespace alloclab {

class ChunkIndex {
 public:
  static constexpr bool kSearches = true;
  using Words = WholeWordView;  // chunks are where the index says

  struct Found {
    VirtAddr chunk;                                        // null: no free chunk is large enough
    std::uint64_t headers_visited = 0, pages_visited = 0;  // by the walk from the start to there, or to the end
  };

  ChunkIndex(AddressSpace& space, VirtAddr start) : space_(space), start_(start) {}

  // What the algorithm did to chunks; their headers and footers are written already. `before` and `after` are the bytes of
  // free neighbours that were merged in, 0 for none.
  void AddPrologue();
  void Take(VirtAddr chunk, std::uint32_t size);                       // free -> allocated
  void Split(VirtAddr chunk, std::uint32_t size, std::uint32_t rest);  // free -> allocated, and a free chunk behind it
  void Release(VirtAddr chunk, std::uint32_t size, std::uint32_t before, std::uint32_t after);  // allocated -> free
  void Append(VirtAddr chunk, std::uint32_t size, std::uint32_t before);  // a new free chunk at the end of the heap

  // The free chunk of at least `size` bytes with the lowest address.
  Found FindFirst(std::uint32_t size);

  // Whether an allocated chunk (the prologue is one) starts there; `header` is a multiple of 4 in [start, brk).
  bool IsLive(VirtAddr header) const;
  // Brings what Release of the chunk there needs into the host's caches; `header` lies in [start, brk). GCC drops calls of
  // functions that only prefetch, so this must not be one.
  [[gnu::always_inline]] void Prefetch(VirtAddr header) const {
    const Place at = PlaceOf(header);
    if (const Page* page = FindPage(at); page != nullptr) {
      __builtin_prefetch(page, 1);
      __builtin_prefetch(&page->leaves[at.leaf], 1);
    }
  }
  // The last chunk that starts at or below `address`. REQUIRES: start <= address.
  VirtAddr LastStart(VirtAddr address) const;

  std::uint64_t free_bytes() const { return free_bytes_; }
  HeapShape Shape(VirtAddr brk, VirtAddr limit) const;
  // Violations of H5: where the index or the counters say something else than the chain in RAM, which is sound.
  std::vector<Violation> Check(VirtAddr brk, VirtAddr limit, const Interrupt& interrupt = {}) const;
  std::uint64_t host_bytes() const;

 private:
  static constexpr std::uint32_t kBoundEnd = 1u << 31;  // no chunk is as large: a heap is not
  static constexpr std::uint16_t kUnbounded = 0xFFFF;   // the bound of a leaf with a larger free chunk than can be said
  static constexpr std::uint32_t kLeafShift = 8, kGroupShift = 16;
  static constexpr std::uint32_t kLeafWords = 64, kGroupWords = 16 * kPageWords;

  struct Leaf {  // bit w: the leaf's word w
    std::uint64_t starts = 0, free = 0;
  };
  struct alignas(64) Page {
    SixteenShort largest;        // per leaf, at least the words of its largest free chunk; kUnbounded: any number
    SixteenShort chunks_before;  // per leaf, those that start in the leaves before it
    std::array<Leaf, 16> leaves;
  };
  struct Group {
    Sixteen largest;                         // per page, at least the bytes of its largest free chunk
    SixteenShort chunks_before;              // per page, those that start in the pages before it
    SixteenShort pages_before;               // per page, those before it in which a chunk starts
    std::array<std::uint16_t, 16> chunks{};  // per page, those that start in it
    std::array<Page*, 16> pages{};
    std::array<const std::uint32_t*, 16> words{};  // of the pages, in simulated RAM
  };
  // Where an address lies: numbers of its group, page in the group, leaf in the page, word in the leaf.
  struct Place {
    explicit Place(std::uint32_t offset)
        : group(offset >> kGroupShift),
          page(offset >> kPageShift & 15),
          leaf(offset >> kLeafShift & 15),
          word(offset / kWordBytes % kLeafWords) {}
    std::uint64_t bit() const { return std::uint64_t{1} << word; }
    std::uint32_t offset() const { return group << kGroupShift | page << kPageShift | leaf << kLeafShift | word * kWordBytes; }
    std::uint32_t leaf_number() const { return offset() >> kLeafShift; }
    std::uint32_t group, page, leaf, word;
  };
  Place PlaceOf(VirtAddr address) const { return Place(address - start_); }
  // The page's part of the index, null if no chunk has ever started in the page.
  const Page* FindPage(const Place& at) const {
    const Group* group = at.group < groups_.size() ? groups_[at.group].get() : nullptr;
    return group != nullptr ? group->pages[at.page] : nullptr;
  }
  Page& PageOf(const Place& at) const { return *groups_[at.group]->pages[at.page]; }

  // The page's part of the index, made if there is none.
  Page& MakePage(const Place& at);
  Page& MakeNewPage(const Place& at);
  void MarkTaken(VirtAddr chunk);
  void AddFreeChunk(VirtAddr chunk, std::uint32_t size);
  void RemoveChunk(VirtAddr chunk);
  // One more or less chunk starts there.
  void CountChunk(Page& page, const Place& at, int change);
  // Makes the bounds hold for a free chunk of that size.
  void RaiseBounds(Page& page, const Place& at, std::uint32_t size);
  void CountFree(std::uint32_t size, std::uint32_t change);
  static std::uint16_t LeafBound(std::uint32_t bytes) {
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(bytes / kWordBytes, kUnbounded));
  }
  // The word of the leaf at which the first free chunk that is large enough starts; or kLeafWords, and the leaf's bound is
  // exact. `words` are the page's.
  static std::uint32_t FirstInLeaf(Page& page, const std::uint32_t* words, std::uint32_t leaf, std::uint32_t size);
  // The word of the page, from a leaf on, at which the first free chunk that is large enough starts; or kPageWords, and the
  // bounds of the leaves from there on are exact.
  static std::uint32_t FirstInPage(Page& page, const std::uint32_t* words, std::uint32_t leaf, std::uint32_t size);
  // The same in those pages of a group whose bits are set, in the first of them from a leaf on; or kGroupWords.
  static std::uint32_t FirstInGroup(Group& group, std::uint32_t pages, std::uint32_t leaf, std::uint32_t size);
  // The last word at or before `last_word` of the page at which a chunk starts, or -1.
  static int LastInPage(const Page& page, std::uint32_t last_word);
  std::uint32_t LargestFree() const;
  Found FoundAt(const Place& leaf, std::uint32_t word) const;
  Found NotFound() const { return {VirtAddr{}, chunks_.total(), pages_.total()}; }

  AddressSpace& space_;
  const VirtAddr start_;
  WideBounds bounds_;                           // per group, at least the largest of its pages'
  WideCounts chunks_, pages_;                   // per group: chunks, and pages in which one starts
  std::vector<std::unique_ptr<Group>> groups_;  // made with their first page
  std::uint64_t groups_made_ = 0;
  Slabs<Page> slabs_;  // where pages come from

  SizeHints hints_;              // sizes in words, places are leaf numbers
  std::uint32_t last_page_ = 0;  // the number of the last page that has its part of the index

  std::uint64_t free_bytes_ = 0;
  std::array<std::uint32_t, Pow2Histogram::kBuckets> free_blocks_by_size_{};
};

inline void ChunkIndex::MarkTaken(VirtAddr chunk) {
  const Place at = PlaceOf(chunk);
  Page& page = PageOf(at);
  page.leaves[at.leaf].free &= ~at.bit();
  if (page.leaves[at.leaf].free == 0) page.largest.Set(at.leaf, 0);
}

inline void ChunkIndex::Take(VirtAddr chunk, std::uint32_t size) {
  MarkTaken(chunk);
  CountFree(size, -1);
  free_bytes_ -= size;
}

inline void ChunkIndex::Split(VirtAddr chunk, std::uint32_t size, std::uint32_t rest) {
  MarkTaken(chunk);
  CountFree(size + rest, -1);
  free_bytes_ -= size + rest;
  AddFreeChunk(chunk + size, rest);
}

inline void ChunkIndex::Release(VirtAddr chunk, std::uint32_t size, std::uint32_t before, std::uint32_t after) {
  if (after != 0) {
    RemoveChunk(chunk + size);
    CountFree(after, -1);
  }
  if (before != 0) {
    RemoveChunk(chunk);
    CountFree(before, -1);
  } else {
    const Place at = PlaceOf(chunk);
    PageOf(at).leaves[at.leaf].free |= at.bit();
  }
  free_bytes_ += size;
  CountFree(before + size + after, +1);
  const Place first = PlaceOf(chunk - before);
  RaiseBounds(PageOf(first), first, before + size + after);
  hints_.Lower((before + size + after) / kWordBytes, first.leaf_number());
}

inline void ChunkIndex::Append(VirtAddr chunk, std::uint32_t size, std::uint32_t before) {
  if (before == 0) return AddFreeChunk(chunk, size);
  CountFree(before, -1);
  CountFree(before + size, +1);
  free_bytes_ += size;
  const Place first = PlaceOf(chunk - before);
  RaiseBounds(PageOf(first), first, before + size);
  hints_.Lower((before + size) / kWordBytes, first.leaf_number());
}

[[gnu::always_inline]] inline void ChunkIndex::AddFreeChunk(VirtAddr chunk, std::uint32_t size) {
  const Place at = PlaceOf(chunk);
  Page& page = MakePage(at);
  page.leaves[at.leaf].starts |= at.bit();
  page.leaves[at.leaf].free |= at.bit();
  CountChunk(page, at, +1);
  CountFree(size, +1);
  free_bytes_ += size;
  RaiseBounds(page, at, size);
}

inline void ChunkIndex::AddPrologue() {
  const Place at = PlaceOf(start_);
  Page& page = MakePage(at);
  page.leaves[at.leaf].starts |= at.bit();
  CountChunk(page, at, +1);
}

inline void ChunkIndex::RemoveChunk(VirtAddr chunk) {
  const Place at = PlaceOf(chunk);
  Page& page = PageOf(at);
  page.leaves[at.leaf].starts &= ~at.bit();
  page.leaves[at.leaf].free &= ~at.bit();
  CountChunk(page, at, -1);
}

inline ChunkIndex::Found ChunkIndex::FindFirst(std::uint32_t size) {
  if (size >= kBoundEnd) return NotFound();
  const std::uint32_t words = size / kWordBytes;
  const Place hint(hints_.PlaceFor(words) << kLeafShift);
  Group* group = groups_[hint.group].get();
  if (Page& page = *group->pages[hint.page]; page.largest.values[hint.leaf] >= LeafBound(size)) {
    const std::uint32_t word = FirstInLeaf(page, group->words[hint.page], hint.leaf, size);
    if (word != kLeafWords) {
      hints_.Remember(words, hint.leaf_number());
      return FoundAt(hint, word);
    }
  }
  std::uint32_t pages = group->largest.AtLeast(size) & ~0u << hint.page;
  std::uint32_t leaf = (pages >> hint.page & 1) != 0 ? hint.leaf + 1 : 0;
  for (std::uint32_t g = hint.group;;) {
    const std::uint32_t word = FirstInGroup(*group, pages, leaf, size);
    if (word != kGroupWords) {
      const Place at(g << kGroupShift | word * kWordBytes);
      hints_.Remember(words, at.leaf_number());
      return FoundAt(at, at.word);
    }
    if (bounds_[g] >= size) bounds_.Lower(g, group->largest.Max());
    g = bounds_.FirstBehind(g, size);
    if (g == WideBounds::kNone) break;
    group = groups_[g].get();
    pages = group->largest.AtLeast(size), leaf = 0;
  }
  hints_.Remember(words, last_page_ << (kPageShift - kLeafShift));
  return NotFound();
}

inline std::uint32_t ChunkIndex::FirstInGroup(Group& group, std::uint32_t pages, std::uint32_t leaf, std::uint32_t size) {
  for (; pages != 0; pages &= pages - 1, leaf = 0) {
    const auto p = static_cast<std::uint32_t>(std::countr_zero(pages));
    Page& page = *group.pages[p];
    const std::uint32_t word = FirstInPage(page, group.words[p], leaf, size);
    if (word != kPageWords) return p * kPageWords + word;
    // No chunk there is large enough, whatever bounds say that were not looked at or have no number.
    const std::uint16_t largest = page.largest.Max();
    group.largest.Set(p, largest == kUnbounded ? size - kWordBytes : std::min(largest * kWordBytes, size - kWordBytes));
  }
  return kGroupWords;
}

inline std::uint32_t ChunkIndex::FirstInPage(Page& page, const std::uint32_t* words, std::uint32_t leaf, std::uint32_t size) {
  for (std::uint32_t leaves = page.largest.AtLeast(LeafBound(size)) & ~0u << leaf; leaves != 0; leaves &= leaves - 1) {
    leaf = static_cast<std::uint32_t>(std::countr_zero(leaves));
    const std::uint32_t word = FirstInLeaf(page, words, leaf, size);
    if (word != kLeafWords) return leaf * kLeafWords + word;
  }
  return kPageWords;
}

inline std::uint32_t ChunkIndex::FirstInLeaf(Page& page, const std::uint32_t* words, std::uint32_t leaf, std::uint32_t size) {
  std::uint32_t largest = 0;
  for (std::uint64_t free = page.leaves[leaf].free; free != 0; free &= free - 1) {
    const auto word = static_cast<std::uint32_t>(std::countr_zero(free));
    const std::uint32_t bytes = tag::Size(words[leaf * kLeafWords + word]);
    if (bytes >= size) return word;
    largest = std::max(largest, bytes);
  }
  page.largest.Set(leaf, LeafBound(largest));
  return kLeafWords;
}

inline ChunkIndex::Found ChunkIndex::FoundAt(const Place& at, std::uint32_t word) const {
  const Group& group = *groups_[at.group];
  const Page& page = *group.pages[at.page];
  return {start_ + (at.leaf_number() << kLeafShift | word * kWordBytes),
          chunks_.SumBefore(at.group) + group.chunks_before.values[at.page] + page.chunks_before.values[at.leaf] +
              PopCount(page.leaves[at.leaf].starts & ((std::uint64_t{1} << word) - 1)) + 1,
          pages_.SumBefore(at.group) + group.pages_before.values[at.page] + 1};
}

inline bool ChunkIndex::IsLive(VirtAddr header) const {
  const Place at = PlaceOf(header);
  const Page* page = FindPage(at);
  return page != nullptr && (page->leaves[at.leaf].starts & ~page->leaves[at.leaf].free & at.bit()) != 0;
}

inline void ChunkIndex::CountChunk(Page& page, const Place& at, int change) {
  Group& group = *groups_[at.group];
  page.chunks_before.AddBehind(at.leaf, static_cast<std::uint16_t>(change));
  group.chunks_before.AddBehind(at.page, static_cast<std::uint16_t>(change));
  chunks_.Add(at.group, static_cast<std::uint32_t>(change));
  const bool was_used = group.chunks[at.page] != 0;
  group.chunks[at.page] = static_cast<std::uint16_t>(group.chunks[at.page] + change);
  if (was_used != (group.chunks[at.page] != 0)) [[unlikely]] {
    group.pages_before.AddBehind(at.page, static_cast<std::uint16_t>(change));
    pages_.Add(at.group, static_cast<std::uint32_t>(change));
  }
}

inline void ChunkIndex::RaiseBounds(Page& page, const Place& at, std::uint32_t size) {
  if (page.largest.values[at.leaf] < LeafBound(size)) page.largest.Set(at.leaf, LeafBound(size));
  Sixteen& of_pages = groups_[at.group]->largest;
  if (of_pages.values[at.page] >= size) return;
  of_pages.Set(at.page, size);
  bounds_.Raise(at.group, size);
}

inline void ChunkIndex::CountFree(std::uint32_t size, std::uint32_t change) {
  free_blocks_by_size_[static_cast<std::size_t>(Pow2Histogram::BucketOf(size))] += change;
}

inline ChunkIndex::Page& ChunkIndex::MakePage(const Place& at) {
  if (at.group < groups_.size() && groups_[at.group] && groups_[at.group]->pages[at.page] != nullptr) [[likely]] {
    return PageOf(at);
  }
  return MakeNewPage(at);
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_CHUNK_INDEX_H_
