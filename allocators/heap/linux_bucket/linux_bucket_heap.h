// The kernel heap of Linux 0.11 (1991): buckets of equal objects, written by Theodore Ts'o as the kernel's first malloc, which
// it was until kmalloc came in 1993. Good: an object has no header, a page of them 16 bytes elsewhere; a request takes the
// first free object of the first page that has one; a page that is empty goes back at once. Bad: nothing is larger than a page,
// sizes are powers of two, each search passes all full pages of its class, a free looks for its page in all classes, smallest
// first, and when no page is left the kernel panics.
//
//   chain of a class -> | page next freeptr refcnt,size | -> | ... | -> 0      descriptors, 16 bytes, 256 in a page of them
//                          |
//                          v
//                        | object | object | ... |                            a page of objects; a free one begins with the
//                                                                             address of the next free one, the last with 0
//
// The classes are 16, 32 ... 4096 bytes. A page of descriptors is never given back; free descriptors are in a list. Pages come
// from get_free_page, which is here too: a byte in mem_map for each page of physical memory from 1 MiB on, the highest free one
// is taken and cleared. Chain heads, the free list and mem_map are variables.
//
// The original sees its 16 MiB of memory at their physical addresses, of which the pages from 4 MiB on are the heap's. Here the
// same addresses are virtual ones, so that all words are the original's; heap.arena_bytes says how many pages there are. The
// lab's own frames come to them at the first touch.
//
// What is a panic in the original is one here: no page left (a page of objects missing loses the descriptor that was taken for
// it), a request above 4096 bytes, a free of an address in no page of objects, null too. An object is not checked against its
// page: twice freed, or inside another one, it goes into the page's list. Guarded, a request for which there is no page is
// refused.
//
// Metadata, for the digest: of each class its size and chain head; of each descriptor on the chain its address, page, next,
// freeptr, refcnt | size << 16, the free objects in the order of their list, 0. Then the free descriptors in the order of
// theirs, 0, and mem_map, four bytes to a word.
//
// Costs: search_steps are the descriptors that malloc and free look at on chains, place_steps those of free; dir_steps and
// free_dir_steps the classes. The words of a page that is cleared do not count.
//
// Invariants:
//   B1 chains have descriptors in pages of the heap, each of its class, of a page that is in use and that no other one has
//   B2 the free objects of a page lie in it where objects do, each once; with refcnt they are as many as fit
//   B3 a page on a chain has a live object
//   B4 free descriptors lie in pages of the heap that are in use and are on no chain
#ifndef ALLOCLAB_ALLOCATORS_HEAP_LINUX_BUCKET_LINUX_BUCKET_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_LINUX_BUCKET_LINUX_BUCKET_HEAP_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "allocators/common/declaration.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/heap_allocator_info.h"
#include "allocators/heap/merges.h"
#include "allocators/machine/word_view.h"

namespace alloclab {

inline constexpr CounterInfo kLinuxBucketCounters[] = {
    {"dir_steps", "size classes that requests looked at"},
    {"free_dir_steps", "size classes that frees looked at"},
    kPlaceSteps,
    {"new_buckets", "pages that became pages of objects"},
    {"desc_pages", "pages that became pages of descriptors"},
    {"pages_returned", "pages of objects that were given back"},
};

class LinuxBucketHeap final : public HeapAllocator {
 public:
  static constexpr VirtAddr kStart{0x400000};
  static constexpr std::uint32_t kArenaBytesMax = 12u << 20;
  enum class WithoutPages : std::uint8_t { kPanics, kRefuses };

  // REQUIRES: whole pages, at most kArenaBytesMax. The page tables of the arena exist.
  LinuxBucketHeap(AddressSpace& space, std::uint32_t arena_bytes, WithoutPages without_pages);

  HeapResult Malloc(std::uint32_t bytes) override;  // of no bytes: an object of the smallest class
  HeapResult Free(VirtAddr block) override;

  const Declaration& declaration() const override;
  std::uint32_t PayloadBytes(VirtAddr block) override;
  std::uint32_t BlockBytes(std::uint32_t bytes) const override;
  std::span<const std::uint64_t> own_counters() const override { return state_.counters.values(); }
  std::vector<std::uint64_t> FigureValues() const override;
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt = {}) const override;
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt = {}) const override;
  std::uint64_t host_bytes() const override { return sizeof(*this); }

 private:
  static constexpr std::uint32_t kClasses = 9;
  static constexpr std::uint32_t ClassBytes(std::uint32_t index) { return 16u << index; }
  // Of a descriptor's words.
  static constexpr std::uint32_t kPage = 0, kNext = 4, kFree = 8, kCount = 12, kSize = 14;
  static constexpr std::uint32_t kDescriptorBytes = 16;
  static constexpr VirtAddr kMapStart{0x100000};  // the page of mem_map[0]
  static constexpr std::uint32_t kMapPages = 3840;
  static constexpr std::uint8_t kReserved = 100;

  struct State {
    Counters<kLinuxBucketCounters> counters;
    std::array<VirtAddr, kClasses> chains{};
    VirtAddr free_descriptors;
    std::array<std::uint8_t, kMapPages> mem_map{};
  };
  // A descriptor as it is in RAM.
  struct Descriptor {
    VirtAddr address, page, next, free;
    std::uint32_t count = 0, size = 0;
    std::uint32_t Objects() const { return size == 0 ? 0 : kPageBytes / size; }
  };
  struct Found {
    std::uint32_t index = 0;
    VirtAddr before, descriptor;  // null before: it is the first of its chain
  };

  // Of a class, a descriptor with a free object; null: none.
  VirtAddr FindRoom(std::uint32_t index);
  VirtAddr NewBucket(WordView& words, std::uint32_t index);
  void NewDescriptors(WordView& words);
  Found FindPage(WordView& words, VirtAddr page);
  void CountStep(VirtAddr descriptor, std::uint32_t& page);
  std::uint32_t FreePages() const;
  VirtAddr GetFreePage();
  void FreePage(VirtAddr page);

  // What RAM holds, untouched. Nothing where a descriptor is not mapped.
  std::optional<Descriptor> Peek(VirtAddr descriptor) const;
  // The descriptors of a chain; where it is broken.
  std::optional<BrokenWalk> ReadChain(std::uint32_t index, std::vector<Descriptor>& chain) const;
  // The free objects of a page in the order of their list, up to where that leaves the page or comes back; false: it does.
  bool ReadFreeObjects(const Descriptor& descriptor, std::vector<VirtAddr>& objects) const;
  // Likewise the free descriptors.
  bool ReadFreeDescriptors(std::vector<VirtAddr>& descriptors) const;
  bool InArena(VirtAddr address) const { return address >= start() && address < brk(); }
  bool InUse(VirtAddr page) const { return InArena(page) && state_.mem_map[page.page() - kMapStart.page()] != 0; }
  bool ShowObjects(const Descriptor& descriptor, VirtAddr wanted, const BlockVisitor& visit) const;
  std::string CheckDescriptor(const Descriptor& descriptor, std::uint32_t index) const;
  std::string CheckObjects(const Descriptor& descriptor) const;

  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(state_); }
  void RestoreOwn(const AllocatorState& saved) override { RestoreState(saved, state_); }
  void ResetOwnCounters() override { state_.counters.Reset(); }

  const WithoutPages without_pages_;
  State state_;
};

HeapAllocatorInfo LinuxBucketHeapInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_LINUX_BUCKET_LINUX_BUCKET_HEAP_H_
