// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_STORY_H_
#define ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kImplicitHeapStory{
    .ran =
        "The kernel heap of LunaixOS, a hobby operating system (2022), written after the malloc exercise that thousands "
        "of students of Bryant and O'Hallaron's textbook have done: boundary tags, after Knuth, and nothing else. "
        "Allocators of this kind served small systems of the 1960s and 1970s, when memory was a few KiB and a walk over "
        "it was short.",
    .good =
        "Little code and little metadata: one word for a live chunk, two for a free one. A free costs the same few "
        "accesses whatever the heap holds, and merges at once with both neighbours, so memory comes back whole. First fit "
        "by address keeps the heap dense: of all policies here it has one of the smallest peaks.",
    .bad =
        "A search looks at every chunk from the start, live ones too, so each request costs what lies in front of its "
        "fit: hundreds of steps on a heap of a thousand blocks, and no bound. heap.fit=best and worst look at all of the "
        "heap always; heap.coalesce=never shows what merging is worth.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_STORY_H_
