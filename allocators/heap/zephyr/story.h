// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_ZEPHYR_STORY_H_
#define ALLOCLAB_ALLOCATORS_HEAP_ZEPHYR_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kZephyrSysHeapStory{
    .ran =
        "Since 2020 behind k_malloc, k_heap and the C library's malloc in Zephyr, the Linux Foundation's real-time kernel "
        "for boards from some KiB to some MiB; Intel's audio firmware (SOF) and many Nordic devices ship it. Andy Ross "
        "wrote it in place of memory pools, a buddy system with four parts that lost much to rounding.",
    .good =
        "No operation walks: a request tries at most three chunks of its own power of two, then takes from the next "
        "larger bucket that a bitmap names. All take the same short time. All variables lie in the memory that the heap "
        "is given, so a program has as many heaps as it likes, and a free merges at once with both neighbours.",
    .bad =
        "Eight bytes for a block, rounded to eight: small objects pay as much for metadata as for themselves. The three "
        "tries may pass over a chunk that fits and cut a larger one. A rest of one unit is in no list until a neighbour "
        "is freed. With assertions off a double free rewrites links of live blocks.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_ZEPHYR_STORY_H_
