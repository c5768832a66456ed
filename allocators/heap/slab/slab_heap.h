// Slab caches over whole blocks of pages: Jeff Bonwick, The Slab Allocator: An Object-Caching Kernel Memory Allocator, USENIX
// Summer 1994. It was the kernel heap of SunOS 5.4, and is the model of those of Linux (slab, slub) and FreeBSD. A cache gives
// objects of one size out of slabs, which are blocks of pages; a request takes an object of the cache of its size. Good:
// malloc and free look at one slab, objects have no headers, a block of pages whose last object is freed can go back at once,
// and colours spread the objects of slabs over the lines of a processor's cache. Bad: a size is rounded up to that of its
// cache; a slab with one live object holds its pages; each cache has a slab that is partly used, which is much on a small
// machine.
//
//   cache of 192 bytes: first -> slab <-> slab <-> slab <-> slab <- last       full, partial, complete (all free)
//                                           ^ free: the first one with a free object
//   a slab of small objects, one page:
//     | colour | object | object | ... | object | rest | next prev free live base colour cache objects |
//   a free object:  | ...                | next free object of the slab |      in its last word; 0 ends the list
//
// As in the paper: objects smaller than 1/8 of a page lie in slabs of one page with the slab's structure, 32 bytes, at its
// end, objects from there on in slabs whose structure is an object of a cache of its own; the list of free objects is in the
// objects' last words; a slab of large objects has as few pages as leave at most 1/8 of it unused, at least heap.slab_pages of
// them; a new slab's objects begin 8 bytes further than those of the cache's last slab, as far as the rest allows, then at 0
// again. What is larger than 8 KiB is a block of pages of its own.
//
// Not as in the paper: constructors are left out, with them the words that keep constructed state, and the bufctls of large
// objects. Its working set of 15 seconds of slabs without a live object is here a number: a cache keeps heap.keep_slabs of
// them and gives further ones back when their last object is freed. A free is not told the size: cache and slab are found in a
// table with an entry for each page, as Linux has them in its page structures. The sizes of the caches are ours. A request for
// which there are no pages is refused, whatever the caches keep.
//
// The kernel sees RAM at its physical addresses, all but the last page of 4 GiB: a block with that goes back, and the request
// is refused. A slab's pages are mapped while it exists. Blocks are shown in the range of the page allocator's arena: pages
// that it has free count as free, pages that others have (page tables, the program) as metadata. What a cache knows of itself
// and the table of pages are variables.
//
// Misuse, unguarded: a free in a page that is in no slab and is not the first one of a large block is a panic, null is
// ignored. An object is not checked: freed twice, or somewhere inside, it goes into its slab's list, and a slab whose count
// comes to 0 by it is given back with live objects in it. What is used after its pages went back is a page fault.
//
// Metadata, for the digest: of each cache first, last, free, the number of complete slabs, the next colour; of each of its
// slabs the address, its eight words, its free objects in the order of their list, 0. Then of each large block address and
// pages.
//
// Costs: a search looks at the slab that has a free object, if there is one. Words are those of slabs and of links.
//
// Invariants:
//   S1 the list of a cache is linked both ways from first to last, and holds the slabs of the table of pages
//   S2 full slabs come first, complete ones last, as many as the cache knows of, and `free` is the first that is not full
//   S3 a slab's words are those of its place: base, colour, cache, number of objects
//   S4 the free objects of a slab are objects of it, each once; with the live ones they are all
//   S5 the pages of slabs and large blocks are mapped at their physical addresses
#ifndef ALLOCLAB_ALLOCATORS_HEAP_SLAB_SLAB_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_SLAB_SLAB_HEAP_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "allocators/common/declaration.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/heap_allocator_info.h"
#include "allocators/machine/word_view.h"
#include "allocators/pages/page_guard.h"

namespace alloclab {

// The last cache is that of the structures of slabs of large objects.
inline constexpr std::uint32_t kSlabObjectBytes[] = {8,   16,  24,   32,   48,   64,   96,   128,  192,  256, 384,
                                                     512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 32};
inline constexpr std::string_view kSlabCacheNames[] = {
    "size_8",    "size_16",   "size_24",   "size_32",   "size_48",   "size_64",   "size_96",
    "size_128",  "size_192",  "size_256",  "size_384",  "size_512",  "size_768",  "size_1024",
    "size_1536", "size_2048", "size_3072", "size_4096", "size_6144", "size_8192", "slab"};
inline constexpr std::uint32_t kSlabCaches = std::size(kSlabObjectBytes);
static_assert(std::size(kSlabCacheNames) == kSlabCaches);

constexpr std::array<CounterInfo, 2 * kSlabCaches + 4> MakeSlabCounters() {
  std::array<CounterInfo, 2 * kSlabCaches + 4> infos;
  for (std::uint32_t i = 0; i < kSlabCaches; ++i) {
    infos[i] = {"slabs_made", "blocks of pages that became slabs", "cache", kSlabCacheNames[i]};
    infos[kSlabCaches + i] = {"slabs_returned", "slabs whose pages were given back", "cache", kSlabCacheNames[i]};
  }
  infos[2 * kSlabCaches] = {"coloured_slabs", "slabs whose first object is not at their begin"};
  infos[2 * kSlabCaches + 1] = {"objects_taken", "objects that requests took from slabs"};
  infos[2 * kSlabCaches + 2] = {"large_blocks", "requests that took pages of their own"};
  infos[2 * kSlabCaches + 3] = {"pages_peak", "the most pages that the heap had at once, of those it takes and gives back"};
  return infos;
}
inline constexpr auto kSlabCounters = MakeSlabCounters();

struct SlabOptions {
  std::uint32_t slab_pages = 1;  // at least, of a slab of large objects; at most kSlabPagesMax
  std::uint32_t keep_slabs = 1;  // complete ones, by each cache
  bool colour = true;
  bool guarded = true;
};

class SlabHeap final : public HeapAllocator {
 public:
  static constexpr std::uint32_t kSlabPagesMax = 16;
  static constexpr std::uint32_t kObjectBytesMax = 8192;
  static constexpr std::uint32_t kRequestMax = 0x7FFFF000;  // lengths of blocks of pages are signed

  static constexpr std::uint32_t kEndMax = ~(kPageBytes - 1);  // of the range

  // REQUIRES: the page tables of the arena exist, up to kEndMax.
  SlabHeap(AddressSpace& space, PageGuard& pages, const SlabOptions& options);

  HeapResult Malloc(std::uint32_t bytes) override;
  HeapResult Free(VirtAddr block) override;

  const Declaration& declaration() const override;
  std::uint32_t PayloadBytes(VirtAddr block) override;
  std::uint32_t BlockBytes(std::uint32_t bytes) const override;
  std::span<const std::uint64_t> own_counters() const override { return state_.counters.values(); }
  std::vector<std::uint64_t> FigureValues() const override;
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt = {}) const override;
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt = {}) const override;
  std::uint64_t host_bytes() const override;

 private:
  static constexpr std::uint32_t kSlabCache = kSlabCaches - 1;
  // Of a slab's words.
  static constexpr std::uint32_t kNext = 0, kPrev = 4, kFree = 8, kLive = 12, kBase = 16, kColour = 20, kCache = 24,
                                 kObjects = 28;
  static constexpr std::uint32_t kStructureBytes = 32;
  static constexpr std::uint32_t kColourStep = 8;
  // Of a page, beside the numbers of caches.
  static constexpr std::uint32_t kNotOurs = ~0u, kLarge = ~1u, kLargeRest = ~2u;

  // What never changes of a cache.
  struct Geometry {
    std::uint32_t object, pages, objects, colour_max;
    bool on_slab;  // the structure
    std::uint32_t bytes() const { return pages * kPageBytes; }
  };
  struct Cache {
    VirtAddr first, last, free;
    std::uint32_t complete = 0, colour = 0;
  };
  struct PageEntry {
    std::uint32_t owner = kNotOurs;  // the number of a cache, kLarge or kLargeRest
    std::uint32_t value = 0;         // the address of the slab, of kLarge the pages
    friend bool operator==(const PageEntry&, const PageEntry&) = default;
  };
  struct State {
    Counters<kSlabCounters> counters;
    std::array<Cache, kSlabCaches> caches{};
    std::vector<PageEntry> pages;  // of the arena
    std::uint64_t owned = 0;       // of these
  };
  // A slab as it is in RAM.
  struct Slab {
    VirtAddr address;
    std::array<std::uint32_t, kStructureBytes / kWordBytes> words{};
    std::uint32_t At(std::uint32_t offset) const { return words[offset / kWordBytes]; }
  };

  static std::uint32_t CacheOf(std::uint32_t bytes);
  static Geometry GeometryOf(std::uint32_t cache, const SlabOptions& options);

  HeapResult MallocPages(std::uint32_t bytes);
  // Takes an object of a slab that has a free one.
  VirtAddr Take(WordView& words, std::uint32_t cache, VirtAddr slab);
  void Return(WordView& words, std::uint32_t cache, VirtAddr slab, VirtAddr object);
  // Null: no pages.
  VirtAddr MakeSlab(WordView& words, std::uint32_t cache);
  VirtAddr MakeStructure(WordView& words);
  void FillSlab(WordView& words, std::uint32_t cache, VirtAddr slab, VirtAddr base);
  void GiveBackSlab(WordView& words, std::uint32_t cache, VirtAddr slab);
  void Unlink(WordView& words, Cache& cache, VirtAddr slab);
  void InsertBefore(WordView& words, Cache& cache, VirtAddr slab, VirtAddr next);  // null: as the last one
  VirtAddr Link(std::uint32_t cache, VirtAddr object) const { return object + (geometry_[cache].object - kWordBytes); }

  // A block of pages, not yet mapped; null: there is none.
  VirtAddr TakePages(std::uint32_t bytes);
  void MapPages(VirtAddr base, std::uint32_t bytes);
  void GivePages(VirtAddr base, std::uint32_t bytes);
  void Own(VirtAddr base, std::uint32_t pages, PageEntry entry);
  PageEntry EntryOf(VirtAddr address) const;

  // What RAM holds, untouched.
  std::optional<Slab> Peek(VirtAddr slab) const;
  // The slabs of a cache, in the order of its list; where that is broken.
  std::optional<BrokenWalk> ReadSlabs(std::uint32_t cache, std::vector<Slab>& slabs) const;
  // The free objects of a slab in the order of its list, up to where that leaves [base, end); false: it does.
  bool ReadFreeObjects(std::uint32_t cache, const Slab& slab, VirtAddr base, std::vector<VirtAddr>& objects) const;
  std::vector<bool> FreePages() const;
  std::uint32_t SlabSpan(std::uint32_t page) const;
  // Both: whether to go on.
  bool ShowPages(std::uint32_t& page, const std::vector<bool>& free, VirtAddr wanted, const BlockVisitor& visit) const;
  bool ShowSlab(std::uint32_t cache, VirtAddr base, std::uint32_t bytes, VirtAddr structure, VirtAddr wanted,
                const BlockVisitor& visit) const;
  std::string CheckOrder(const Cache& cache, const std::vector<Slab>& slabs) const;
  std::string CheckWords(std::uint32_t cache, const Slab& slab) const;
  std::string CheckObjects(std::uint32_t cache, const Slab& slab) const;

  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(state_); }
  void RestoreOwn(const AllocatorState& saved) override { RestoreState(saved, state_); }
  void ResetOwnCounters() override { state_.counters.Reset(); }

  PageGuard& pages_;
  const SlabOptions options_;
  std::array<Geometry, kSlabCaches> geometry_;
  State state_;
};

HeapAllocatorInfo SlabHeapInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_SLAB_SLAB_HEAP_H_
