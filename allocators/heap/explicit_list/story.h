// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_EXPLICIT_LIST_STORY_H_
#define ALLOCLAB_ALLOCATORS_HEAP_EXPLICIT_LIST_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kExplicitListStory{
    .ran =
        "The heap of the textbooks: Knuth's boundary tags (1968) with a doubly linked list of the free blocks. Most "
        "general heaps of the 1970s to 1990s were of this kind, in language run times as in C libraries, and each chose "
        "an order of the list and a way to search it. Here they are parameters: three orders, four fits.",
    .good =
        "A search passes free blocks only, so it is short while few are free, and a free puts its block into the list in "
        "constant time (lifo, fifo) and merges at once with both neighbours. Lifo reuses what is still in the cache; "
        "address order packs about as densely as best fit.",
    .bad =
        "The list grows with the number of holes, and a search with it: no bound. Lifo and fifo strew new blocks over "
        "memory; address order makes each free walk to its place; best and worst fit look at all free blocks unless one "
        "fits exactly. Four words is the smallest block, because a free one must hold tags and links.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_EXPLICIT_LIST_STORY_H_
