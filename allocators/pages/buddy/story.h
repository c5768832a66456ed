// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_BUDDY_STORY_H_
#define ALLOCLAB_ALLOCATORS_PAGES_BUDDY_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kBuddyPagesStory{
    .ran =
        "The binary buddy system as Linux has had it since its first years, here by the rules of 2.6.18 (2006), the last "
        "version before its lists were split by mobility. FreeBSD and Windows hand out physical memory in similar ways; "
        "whatever a Linux machine allocates, from page tables to huge pages, comes from here.",
    .good =
        "A request and a free take at most a step for each of the 11 orders, however much memory there is. Runs are "
        "aligned to their size and grow together again when their buddies are freed, so after much traffic there still "
        "are runs of many pages. Metadata lies apart from the pages.",
    .bad =
        "Requests are rounded up to a power of two: 5 pages take 8. Neighbours that are no buddies never join. Nothing is "
        "larger than 4 MiB. Each page of RAM has a description of 32 bytes, nearly one percent. One page that lives for "
        "long keeps a run from growing together, which is why later kernels sort by mobility.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_BUDDY_STORY_H_
