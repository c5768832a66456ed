// What the literal engine finds by walking, found without: a host-side index of the chunks of an implicit heap. Simulated RAM
// stays the truth; the index only knows where in it to look.
//
//   leaf    256 bytes of heap: one bit per word for "a chunk starts here" and one for "and it is free",
//           the number of chunks in the leaves before, and an upper bound of its largest free chunk
//   page    16 leaves; made when the first chunk starts in the page
//   group   16 pages (64 KiB), with bound and chunk count of each page
//   tree    over the groups (wide_tree.h), with bounds, and with chunk and page counts
//
// A chunk belongs to the leaf in which it starts. The bounds lead a search to the lowest address that can fit; where they
// promised too much they are corrected on the way (see wide_tree.h why that is cheap). The counts below a chunk say how many
// headers, in how many pages, the walk would have visited.
//
// About 390 bytes per page in which a chunk starts, nothing for other pages.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_CHUNK_INDEX_H_
#define ALLOCLAB_ALLOCATORS_HEAP_CHUNK_INDEX_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "allocators/common/max_table.h"
#include "allocators/common/violation.h"
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
  void AddPrologue() { AddChunk(start_); }
  void Take(VirtAddr chunk, std::uint32_t size);                       // free -> allocated
  void Split(VirtAddr chunk, std::uint32_t size, std::uint32_t rest);  // free -> allocated, and a free chunk behind it
  void Release(VirtAddr chunk, std::uint32_t size, std::uint32_t before, std::uint32_t after);  // allocated -> free
  void Append(VirtAddr chunk, std::uint32_t size, std::uint32_t before);  // a new free chunk at the end of the heap

  // The free chunk of at least `size` bytes with the lowest address.
  Found FindFirst(std::uint32_t size);

  // Whether an allocated chunk (the prologue is one) starts there. REQUIRES: start <= header < brk, a multiple of 4.
  bool IsLive(VirtAddr header) const;
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
    Sixteen largest;                                // per leaf, at least the bytes of its largest free chunk
    std::array<std::uint16_t, 16> chunks_before{};  // per leaf, in the leaves before it
    const std::uint32_t* words = nullptr;           // of the page, in simulated RAM
    std::array<Leaf, 16> leaves;
  };
  struct Group {
    Sixteen largest;                         // per page, at least the largest of its leaves'
    std::array<std::uint16_t, 16> chunks{};  // per page
    std::uint32_t used_pages = 0;            // bit p: a chunk starts in page p
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
  // The counts in the tree: chunks in the low half, pages in which one starts in the high half.
  static constexpr std::uint64_t kOneChunk = 1, kOnePage = std::uint64_t{1} << 32;

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

  Page& MakePage(const Place& at);
  // A chunk starts, or no longer starts, there.
  void AddChunk(VirtAddr chunk);
  void RemoveChunk(VirtAddr chunk);
  void CountChunk(Page& page, const Place& at, std::uint16_t change);
  // Marks a chunk as free (or not), and makes the bounds above it hold for its new size.
  void SetFree(VirtAddr chunk) { Bits(chunk).free |= PlaceOf(chunk).bit(); }
  void ClearFree(VirtAddr chunk) { Bits(chunk).free &= ~PlaceOf(chunk).bit(); }
  Leaf& Bits(VirtAddr chunk) { return PageOf(PlaceOf(chunk)).leaves[PlaceOf(chunk).leaf]; }
  void RaiseBounds(VirtAddr chunk, std::uint32_t size);
  void CountFree(std::uint32_t size, std::uint32_t change);
  // The first free chunk of the leaf that is large enough, as a word number, or 64 and `largest` of those there are.
  static std::uint32_t FirstInLeaf(const Page& page, std::uint32_t leaf, std::uint32_t size, std::uint32_t& largest);
  // The last word at or before `last_word` of the page at which a chunk starts, or -1.
  static int LastInPage(const Page& page, std::uint32_t last_word);
  std::uint32_t LargestFree() const;
  Found FoundAt(std::uint32_t group, std::uint32_t page, std::uint32_t leaf, std::uint32_t word) const;

  AddressSpace& space_;
  const VirtAddr start_;
  WideTree tree_;                               // one entry per group
  std::vector<std::unique_ptr<Group>> groups_;  // made with their first page
  std::uint64_t groups_made_ = 0;
  std::vector<std::unique_ptr<Page[]>> slabs_;   // where pages come from
  std::uint32_t slab_size_ = 0, slab_used_ = 0;  // of the last one, in pages
  std::uint64_t pages_made_ = 0;

  std::uint32_t chunks_ = 0, pages_with_chunks_ = 0;
  std::uint64_t free_bytes_ = 0;
  std::array<std::uint32_t, Pow2Histogram::kBuckets> free_blocks_by_size_{};
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_CHUNK_INDEX_H_
