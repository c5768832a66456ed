// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_SLAB_STORY_H_
#define ALLOCLAB_ALLOCATORS_HEAP_SLAB_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kSlabHeapStory{
    .ran =
        "Jeff Bonwick wrote it for SunOS 5.4 (Solaris 2.4, 1994) and it changed how kernels allocate: Linux has had slab, "
        "slob and slub after it, FreeBSD its UMA, and memcached and user-level allocators took its idea. A cache gives "
        "objects of one size out of slabs, which are blocks of pages; kmalloc is caches of several sizes.",
    .good =
        "A request and a free look at one slab however many there are, and objects have no headers. Objects of one size "
        "lie together, so they neither cut nor break up each other's memory; a slab whose last object is freed can go "
        "back to the page allocator at once. Colours spread objects over the lines of a processor's cache.",
    .bad =
        "A size is rounded up to that of its cache, a slab with a single live object holds all its pages, and each cache "
        "has a slab that is partly used, which is much on a small machine. A request for which no page is left is "
        "refused, whatever the slabs of other caches keep. The full Bonwick design has constructors, which are not here.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_SLAB_STORY_H_
