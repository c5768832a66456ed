// What an allocator's memory looks like: the blocks of a small machine's heap after a few operations. They are the same for all
// allocators, so pictures of two can be laid beside each other.
#ifndef ALLOCLAB_ALLOCATORS_CATALOG_EXAMPLE_H_
#define ALLOCLAB_ALLOCATORS_CATALOG_EXAMPLE_H_

#include <cstddef>
#include <vector>

#include "allocators/common/block.h"
#include "allocators/heap/heap_allocator_info.h"

namespace alloclab {

inline constexpr char kExampleOperations[] = "malloc 24, 100, 8, 300 and 40; free the 100 and the 300; malloc 60";
inline constexpr std::size_t kExampleBlocksMax = 24;

// The first blocks in address order, at most kExampleBlocksMax; empty of an allocator that does not show its blocks.
std::vector<Block> ExampleBlocks(const HeapAllocatorInfo& heap);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_CATALOG_EXAMPLE_H_
