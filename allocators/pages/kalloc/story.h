// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_KALLOC_STORY_H_
#define ALLOCLAB_ALLOCATORS_PAGES_KALLOC_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kKallocStory{
    .ran =
        "The page allocator of xv6 since 2007, in MIT's course 6.S081 and in those of dozens of other universities. Real "
        "kernels have the same stack of single pages in front of their larger allocators: Linux' lists for each processor "
        "are this.",
    .good =
        "An allocation and a free are a handful of instructions whatever is free, and the page given is the one used "
        "last, still in the cache. There is no metadata besides a link in the free page. The fill with 0x01 makes use "
        "after free visible.",
    .bad =
        "One page at a time: nothing larger than 4 KiB ever lies together, so heaps that want runs of pages are refused. "
        "No count and no owner: a page that is freed twice is on the stack twice and has two users. Every free writes all "
        "of its page, which costs more than the rest of it.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_KALLOC_STORY_H_
