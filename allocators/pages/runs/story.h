// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_RUNS_STORY_H_
#define ALLOCLAB_ALLOCATORS_PAGES_RUNS_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kPageRunsStory{
    .ran =
        "The physical memory allocator of the first xv6 (MIT, 2006), which taught operating systems to its students for a "
        "year until a simpler stack of pages took its place. Memory managers of the 1960s had such lists; early Unix kept "
        "its free core in a map of such runs.",
    .good =
        "Runs of any length, to the page: nothing is rounded up. The list lies in the free pages themselves and costs no "
        "memory, is in order of addresses, and a free merges at once with both neighbours. First fit from a run's tail "
        "leaves headers where they are. The fill with 0x01 shows who uses pages after the free.",
    .bad =
        "Both an allocation and a free walk the list, so they get slower the more memory is in pieces; there is no bound. "
        "The headers lie in free memory: one stray write to a free page and the list leads anywhere. Every free writes "
        "all bytes of the pages that it gives back.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_RUNS_STORY_H_
