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
// promised too much they are corrected on the way (wide_tree.h says why that is cheap). For small sizes a hint remembers where
// the last search ended, and a search begins there. The counts below a chunk say how many headers, in how many pages, the walk
// would have visited.
//
// About 400 bytes per page in which a chunk starts (a group's part included), 24 bytes per 64 KiB without any.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_CHUNK_INDEX_H_
#define ALLOCLAB_ALLOCATORS_HEAP_CHUNK_INDEX_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "allocators/common/max_table.h"
#include "allocators/common/violation.h"
#include "allocators/heap/boundary_tag.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/wide_tree.h"
#include "allocators/machine/address_space.h"

namespace alloclab {

class ChunkIndex {
 public:
  static constexpr bool kSearches = true;

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

  // Whether an allocated chunk (the prologue is one) starts there. REQUIRES: start <= header < brk, a multiple of 4.
  bool IsLive(VirtAddr header) const;
  // Brings what Release of the chunk there needs into the host's caches. REQUIRES: start <= header < brk.
  void Prefetch(VirtAddr header) const {
    const Place at = PlaceOf(header);
    if (const Page* page = FindPage(at); page != nullptr) {
      __builtin_prefetch(&page->largest, 1);
      __builtin_prefetch(&page->chunks, 1);
      __builtin_prefetch(&page->leaves[at.leaf], 1);
    }
  }
  // The last chunk that starts at or below `address`. REQUIRES: start <= address < brk.
  VirtAddr LastStart(VirtAddr address) const;

  std::uint64_t free_bytes() const { return free_bytes_; }
  HeapShape Shape(VirtAddr brk, VirtAddr limit) const;
  // Violations of H5: where the index or the counters say something else than the chain in RAM, which is sound.
  std::vector<Violation> Check(VirtAddr brk, VirtAddr limit) const;
  std::uint64_t host_bytes() const;

 private:
  static constexpr std::uint32_t kBoundEnd = 1u << 31;  // no chunk is as large: a heap is not
  static constexpr std::uint32_t kLeafShift = 8, kGroupShift = 16;

  struct Leaf {  // bit w: the leaf's word w
    std::uint64_t starts = 0, free = 0;
  };
  struct Page {
    Sixteen largest;                         // per leaf, at least the bytes of its largest free chunk
    std::array<std::uint16_t, 16> chunks{};  // per leaf
    const std::uint32_t* words = nullptr;    // of the page, in simulated RAM
    std::array<Leaf, 16> leaves;
  };
  struct Group {
    Sixteen largest;                              // per page, at least the largest of its leaves'
    std::array<std::uint16_t, 16> chunks{};       // per page
    std::array<std::uint8_t, 16> pages_before{};  // per page, those of them in which a chunk starts
    std::array<Page*, 16> pages{};
  };
  // Where an address lies: numbers of its group, page in the group, leaf in the page, word in the leaf.
  struct Place {
    explicit Place(std::uint32_t offset)
        : group(offset >> kGroupShift),
          page(offset >> kPageShift & 15),
          leaf(offset >> kLeafShift & 15),
          word(offset / kWordBytes % 64) {}
    std::uint64_t bit() const { return std::uint64_t{1} << word; }
    std::uint32_t group, page, leaf, word;
  };
  Place PlaceOf(VirtAddr address) const { return Place(address - start_); }
  // The page's part of the index, null if no chunk has ever started in the page.
  const Page* FindPage(const Place& at) const {
    const Group* group = at.group < groups_.size() ? groups_[at.group].get() : nullptr;
    return group != nullptr ? group->pages[at.page] : nullptr;
  }
  Page& PageOf(const Place& at) const { return *groups_[at.group]->pages[at.page]; }
  VirtAddr AddressOf(std::uint32_t group, std::uint32_t page, std::uint32_t leaf, std::uint32_t word) const {
    return start_ + (group << kGroupShift | page << kPageShift | leaf << kLeafShift | word * kWordBytes);
  }

  // The page's part of the index, made if there is none.
  Page& MakePage(const Place& at);
  Page& MakeNewPage(const Place& at);
  void AddFreeChunk(VirtAddr chunk, std::uint32_t size);
  void RemoveChunk(VirtAddr chunk);
  // One more or less chunk starts there.
  void CountChunk(Page& page, const Place& at, int change);
  // Makes the bounds hold for a free chunk of that size.
  void RaiseBounds(Page& page, const Place& at, std::uint32_t size);
  void LowerHints(std::uint32_t leaf_number, std::uint32_t words);
  void SetHint(std::uint32_t words, std::uint32_t leaf_number) {
    hints_[words] = static_cast<std::int32_t>(leaf_number);
    hints_max_ = std::max(hints_max_, leaf_number);
  }
  void CountFree(std::uint32_t size, std::uint32_t change);
  // The first free chunk of the leaf that is large enough, as a word number; otherwise 64, and the leaf's bound is exact.
  static std::uint32_t FirstInLeaf(Page& page, std::uint32_t leaf, std::uint32_t size);
  // std::popcount, which is a call into the compiler's library where the processor is not known to have the instruction.
  static std::uint32_t CountBits(std::uint64_t bits);
  // The last word at or before `last_word` of the page at which a chunk starts, or -1.
  static int LastInPage(const Page& page, std::uint32_t last_word);
  std::uint32_t LargestFree() const;
  Found FoundAt(std::uint32_t group, std::uint32_t page, std::uint32_t leaf, std::uint32_t word) const;

  AddressSpace& space_;
  const VirtAddr start_;
  WideBounds bounds_;                           // per group, at least the largest of its pages'
  WideCounts chunks_, pages_;                   // per group: chunks, and pages in which one starts
  std::vector<std::unique_ptr<Group>> groups_;  // made with their first page
  std::uint64_t groups_made_ = 0;
  std::vector<std::unique_ptr<Page[]>> slabs_;   // where pages come from
  std::uint32_t slab_size_ = 0, slab_used_ = 0;  // of the last one, in pages
  std::uint64_t pages_made_ = 0;

  // Per size in words: a leaf, by number, before which no free chunk of that size or larger starts.
  static constexpr std::uint32_t kHints = 32;
  std::array<std::int32_t, kHints> hints_{};
  std::uint32_t hints_max_ = 0;  // at least the largest of them

  std::uint64_t free_bytes_ = 0;
  std::array<std::uint32_t, Pow2Histogram::kBuckets> free_blocks_by_size_{};
};

inline void ChunkIndex::Take(VirtAddr chunk, std::uint32_t size) {
  const Place at = PlaceOf(chunk);
  PageOf(at).leaves[at.leaf].free &= ~at.bit();
  CountFree(size, -1);
  free_bytes_ -= size;
}

inline void ChunkIndex::Split(VirtAddr chunk, std::uint32_t size, std::uint32_t rest) {
  const Place at = PlaceOf(chunk);
  PageOf(at).leaves[at.leaf].free &= ~at.bit();
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
  LowerHints((chunk - before - start_) >> kLeafShift, (before + size + after) / kWordBytes);
}

// A chunk of that many words came to be in the leaf.
inline void ChunkIndex::LowerHints(std::uint32_t leaf_number, std::uint32_t words) {
  if (leaf_number >= hints_max_) return;
  const std::int32_t leaf = static_cast<std::int32_t>(leaf_number);
  const std::int32_t* mask = &kMask<std::int32_t, kHints, true>[kHints - std::min(words + 1, kHints)];
  for (std::size_t i = 0; i < kHints; ++i) hints_[i] -= std::max(hints_[i] - leaf, 0) & mask[i];
}

inline void ChunkIndex::Append(VirtAddr chunk, std::uint32_t size, std::uint32_t before) {
  if (before == 0) return AddFreeChunk(chunk, size);
  CountFree(before, -1);
  CountFree(before + size, +1);
  free_bytes_ += size;
  const Place first = PlaceOf(chunk - before);
  RaiseBounds(PageOf(first), first, before + size);
}

inline void ChunkIndex::AddFreeChunk(VirtAddr chunk, std::uint32_t size) {
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
  const std::uint32_t words = size / kWordBytes;
  if (words < kHints) {
    const Place at(static_cast<std::uint32_t>(hints_[words]) << kLeafShift);
    const std::uint32_t word = FirstInLeaf(PageOf(at), at.leaf, size);
    if (word < 64) return FoundAt(at.group, at.page, at.leaf, word);
  }
  while (size < kBoundEnd) {
    const std::uint32_t g = bounds_.FirstAtLeast(size);
    if (g == WideBounds::kNone) break;
    Group& group = *groups_[g];
    for (;;) {
      const std::uint32_t p = group.largest.FirstAtLeast(size);
      if (p == 16) break;
      Page& page = *group.pages[p];
      for (;;) {
        const std::uint32_t leaf = page.largest.FirstAtLeast(size);
        if (leaf == 16) break;
        const std::uint32_t word = FirstInLeaf(page, leaf, size);
        if (word == 64) continue;
        if (words < kHints) SetHint(words, g << 8 | p << 4 | leaf);
        return FoundAt(g, p, leaf, word);
      }
      group.largest.values[p] = page.largest.Max();
    }
    bounds_.Lower(g, group.largest.Max());
  }
  return {VirtAddr{}, chunks_.total(), pages_.total()};
}

inline std::uint32_t ChunkIndex::FirstInLeaf(Page& page, std::uint32_t leaf, std::uint32_t size) {
  if (page.largest.values[leaf] < size) return 64;
  const std::uint32_t* words = page.words + leaf * 64;
  std::uint32_t largest = 0;
  for (std::uint64_t free = page.leaves[leaf].free; free != 0; free &= free - 1) {
    const auto word = static_cast<std::uint32_t>(std::countr_zero(free));
    const std::uint32_t bytes = tag::Size(words[word]);
    if (bytes >= size) return word;
    largest = std::max(largest, bytes);
  }
  page.largest.values[leaf] = largest;
  return 64;
}

inline ChunkIndex::Found ChunkIndex::FoundAt(std::uint32_t g, std::uint32_t p, std::uint32_t leaf, std::uint32_t word) const {
  const Group& group = *groups_[g];
  const Page& page = *group.pages[p];
  const std::uint64_t starts_before = page.leaves[leaf].starts & ((std::uint64_t{1} << word) - 1);
  return {AddressOf(g, p, leaf, word),
          chunks_.SumBefore(g) + SumOfFirst<16>(group.chunks.data(), p) + SumOfFirst<16>(page.chunks.data(), leaf) +
              CountBits(starts_before) + 1,
          pages_.SumBefore(g) + group.pages_before[p] + 1};
}

inline std::uint32_t ChunkIndex::CountBits(std::uint64_t bits) {
  bits -= bits >> 1 & 0x5555555555555555;
  bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
  bits = (bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0F;
  return static_cast<std::uint32_t>(bits * 0x0101010101010101 >> 56);
}

inline bool ChunkIndex::IsLive(VirtAddr header) const {
  const Place at = PlaceOf(header);
  const Page* page = FindPage(at);
  return page != nullptr && (page->leaves[at.leaf].starts & ~page->leaves[at.leaf].free & at.bit()) != 0;
}

inline void ChunkIndex::CountChunk(Page& page, const Place& at, int change) {
  Group& group = *groups_[at.group];
  page.chunks[at.leaf] = static_cast<std::uint16_t>(page.chunks[at.leaf] + change);
  chunks_.Add(at.group, static_cast<std::uint32_t>(change));
  const bool was_used = group.chunks[at.page] != 0;
  group.chunks[at.page] = static_cast<std::uint16_t>(group.chunks[at.page] + change);
  if (was_used != (group.chunks[at.page] != 0)) [[unlikely]] {
    AddAbove<16>(group.pages_before.data(), at.page, static_cast<std::uint8_t>(change));
    pages_.Add(at.group, static_cast<std::uint32_t>(change));
  }
}

inline void ChunkIndex::RaiseBounds(Page& page, const Place& at, std::uint32_t size) {
  if (page.largest.values[at.leaf] >= size) return;
  page.largest.values[at.leaf] = size;
  std::uint32_t& of_page = groups_[at.group]->largest.values[at.page];
  if (of_page >= size) return;
  of_page = size;
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

#endif  // ALLOCLAB_ALLOCATORS_HEAP_CHUNK_INDEX_H_
