// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_BUDDY_STORY_H_
#define ALLOCLAB_ALLOCATORS_HEAP_BUDDY_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kBuddyHeapStory{
    .ran =
        "Harry Markowitz invented it for SIMSCRIPT about 1963; Knowlton published it in 1965 for Bell Labs' list language "
        "L6, and Knuth made it famous. Today it hands out pages in most kernels. Hirschberg's Fibonacci buddies (1973) "
        "narrow the sizes.",
    .good =
        "A request and a free take at most one step for each order, whatever the heap holds, and a buddy is found from an "
        "address by arithmetic. Free neighbours that are buddies join without a walk and without boundary tags. Blocks of "
        "powers of two lie at multiples of their size, which hardware likes.",
    .bad =
        "A request is rounded up to the next size: with headers a request for 64 bytes takes 128, and a third to a half "
        "of memory is lost inside of blocks. Free neighbours that are no buddies never join. Fibonacci buddies lose less "
        "inside and leave more small pieces. A program that frees and asks for one size splits and joins the same blocks "
        "for ever.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_BUDDY_STORY_H_
