// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_LINUX_BUCKET_STORY_H_
#define ALLOCLAB_ALLOCATORS_HEAP_LINUX_BUCKET_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kLinuxBucketStory{
    .ran =
        "The first general kernel malloc of Linux, written by Theodore Ts'o in November 1991 for version 0.11 and in use "
        "until kmalloc took its place in 1993. It served the kernel itself, not programs, on machines of 2 to 16 MiB.",
    .good =
        "Objects have no header, sizes are powers of two, and a page whose last object is freed goes back to the system "
        "at once. A request takes the first free object of the first page of its class that has one: a few accesses while "
        "pages are few. The original is short enough to be read at one sitting.",
    .bad =
        "Nothing above 4096 bytes: such a request is a panic, as is memory that has run out. Rounding to a power of two "
        "wastes a quarter on average. Full pages stay in the chain and are passed at each request; a free without a size "
        "looks through all classes for its page. Twice freed objects go into the list twice, unnoticed.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_LINUX_BUCKET_STORY_H_
