// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_BUMP_STORY_H_
#define ALLOCLAB_ALLOCATORS_HEAP_BUMP_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kBumpStory{
    .ran =
        "Every system has had one: for the time before its heap is there (glibc's dynamic linker has "
        "elf/dl-minimal-malloc.c), in compilers and servers that free all of a request's memory at once (arenas, regions, "
        "pools), in firmware that allocates at its start only, and as the nursery of most garbage collectors.",
    .good =
        "Nothing can be faster: no search, no metadata, not one access to memory; an allocation is an addition and a "
        "comparison. What is allocated one after the other lies side by side, so it is kind to caches. Nothing can be "
        "broken by a wrong free. In a comparison it is the baseline for cycles.",
    .bad =
        "A free is ignored, so the heap is as large as the sum of all requests that there ever were: a program that runs "
        "for long cannot have it unless its memory goes away as a whole. Realloc always copies. In a comparison its peak "
        "shows how much all other allocators save by reusing memory.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_BUMP_STORY_H_
