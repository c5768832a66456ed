// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_SEGREGATED_STORY_H_
#define ALLOCLAB_ALLOCATORS_HEAP_SEGREGATED_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kSegregatedFitsStory{
    .ran =
        "Lists of free blocks by class of size: Comfort described it in 1964, Purdom, Stigler and Cheam measured it in "
        "1971, and every fast general allocator since refines it, Doug Lea's malloc, TLSF and the size classes of "
        "jemalloc and tcmalloc among them. Weinstock and Wulf's Quick Fit is its near relation.",
    .good =
        "Close to best fit at the price of a few steps: a class holds blocks of nearly the right size, and an empty class "
        "is skipped. Tags let frees merge at once with both neighbours, so memory does not stay divided by class as it "
        "does in pure bucket allocators.",
    .bad =
        "Within a class it is first fit, so a class of wide range, the last one above all, is searched as one list is. "
        "The smallest sizes still pay 8 bytes of tags and take 16. The sixteen classes are fixed powers of two, a poor "
        "match for programs whose sizes crowd into one of them.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_SEGREGATED_STORY_H_
