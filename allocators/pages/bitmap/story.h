// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_BITMAP_STORY_H_
#define ALLOCLAB_ALLOCATORS_PAGES_BITMAP_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kBitmapPagesStory{
    .ran =
        "The page allocator of Pintos, the teaching kernel of Stanford (2004) and of many universities since; bitmaps of "
        "blocks are older, in file systems, and are in the physical memory managers of many hobby kernels.",
    .good =
        "One bit a page, 4 KiB of bits for 128 MiB, and apart from the pages, so a stray write to free memory breaks "
        "nothing. Any part of a block may be freed, neighbours need no merging, and a double free is seen. Runs of any "
        "length, first or next fit, in a few lines of code.",
    .bad =
        "A request looks at every bit from the beginning on (first) or from the last place (next), so it gets slower the "
        "more is taken; for several pages it looks at the same bits again and again. There is no memory of how long the "
        "free runs are: a request that cannot be served costs the whole map.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_BITMAP_STORY_H_
