// Segregated fits: the explicit list's heap with a list for each class of sizes, so that a search begins among blocks that are
// about large enough. Wilson, Johnstone, Neely and Boles name it (Dynamic Storage Allocation: A Survey and Critical Review,
// IWMM 1995), Bryant and O'Hallaron describe it (Computer Systems: A Programmer's Perspective, 9.9.14); Doug Lea's malloc and
// TLSF are refinements. Good: close to best fit at the price of a few steps, frees merge at once. Bad: within a class it is
// first fit, so a class of wide range is searched as one list is; the smallest sizes still pay 8 bytes of tags.
//
// Layout, growth, cuts and merges are those of explicit_list_heap.h, so are metadata, costs and invariants; the rover is always
// 0.
//
//   class 0   blocks of 16 bytes
//   class k   of more than 8 * 2^k and up to 16 * 2^k bytes; the last one, 15, of all above 16 * 2^14
//
// Search: the first block that is large enough in the class of the size, else in the next class that has any; search_steps
// count blocks, no heads. "heap.order" says where a free block goes in the list of its class.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_SEGREGATED_SEGREGATED_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_SEGREGATED_SEGREGATED_HEAP_H_

#include <cstdint>
#include <vector>

#include "allocators/heap/explicit_list/explicit_list_heap.h"

namespace alloclab {

class SegregatedHeap final : public ExplicitListHeap {
 public:
  // REQUIRES: the range is reserved.
  SegregatedHeap(AddressSpace& space, std::uint32_t limit_bytes, Order order)
      : ExplicitListHeap(space, limit_bytes, order, Fit::kFirst) {}

  const Declaration& declaration() const override;
  std::vector<std::uint64_t> FigureValues() const override;
  std::uint64_t host_bytes() const override { return sizeof(*this); }

 private:
  static constexpr std::uint32_t kClasses = 16;

  std::uint32_t lists() const override { return kClasses; }
  std::uint32_t ListOf(std::uint32_t size) const override;
  VirtAddr Search(std::uint32_t size) override;
};

HeapAllocatorInfo SegregatedHeapInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_SEGREGATED_SEGREGATED_HEAP_H_
