// Whether what an allocator shows of its blocks is true and agrees with itself.
#ifndef ALLOCLAB_ALLOCATORS_TESTING_WALK_CHECKS_H_
#define ALLOCLAB_ALLOCATORS_TESTING_WALK_CHECKS_H_

#include <string>
#include <vector>

#include "allocators/common/block.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/pages/page_allocator.h"
#include "allocators/testing/shadow.h"

namespace alloclab {

// Each gives the first thing that is wrong, or nothing.

// The invariants hold; the blocks tile the heap in order; the live ones are exactly the shadow's; the shape is what they add up
// to. `walk` becomes the blocks.
std::string CheckHeap(const HeapAllocator& heap, const HeapShadow& shadow, std::vector<Block>& walk);
// The invariants hold; no free block has a page that is held or that the machine uses; the shape is what they add up to; what
// becomes of the arena's bytes is known.
std::string CheckPages(const Instance& instance, const PageShadow& shadow, std::vector<Block>& walk);

// A walk from a cursor at block number `at` of `walk` on shows the rest of it; one that is told to stop has stopped.
std::string CheckResumedWalk(const HeapAllocator& heap, const std::vector<Block>& walk, std::size_t at);
std::string CheckResumedWalk(const PageAllocator& pages, const std::vector<Block>& walk, std::size_t at);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_TESTING_WALK_CHECKS_H_
