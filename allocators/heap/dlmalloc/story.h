// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_DLMALLOC_STORY_H_
#define ALLOCLAB_ALLOCATORS_HEAP_DLMALLOC_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kDlmallocStory{
    .ran =
        "Doug Lea wrote it from 1987 on and gave it away. It was or is the malloc of many Unix systems, of Android until "
        "2014, of emscripten for programs on the web; glibc's ptmalloc is a branch of its 2.7 line. This is 2.8.6 (2012), "
        "built for a system with sbrk alone.",
    .good =
        "Best fit by size with four bytes for a live block, so peaks are among the lowest here; exact bins serve small "
        "sizes in a few steps, bitwise trees the large ones in at most 32, and the latest remainder keeps neighbours in "
        "time together. It refuses most invalid frees, and gives the top of the heap back to the system.",
    .bad =
        "One heap and one lock for all threads, which is why its descendants have arenas and caches. Links and sizes lie "
        "beside the program's data, where an overrun finds them: a generation of exploits was built on that. Small "
        "requests may cut large chunks while the designated victim is favoured. The code is long, and hard to verify.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_DLMALLOC_STORY_H_
