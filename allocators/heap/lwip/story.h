// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_LWIP_STORY_H_
#define ALLOCLAB_ALLOCATORS_HEAP_LWIP_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kLwipStory{
    .ran =
        "The heap of lwIP, the TCP/IP stack that Adam Dunkels wrote at the Swedish Institute of Computer Science in 2001 "
        "for machines with tens of KiB; it is in routers, cameras, printers, FPGAs and most microcontroller boards with a "
        "network. Packet buffers and whatever else has no size known beforehand live in it.",
    .good =
        "A free checks the pointer, the mark of use and the links of both neighbours before it believes them, so double "
        "frees and most foreign pointers are ignored instead of breaking memory. First fit by address and merging at once "
        "keep memory whole, which matters to a device that runs for years.",
    .bad =
        "There is no list of free blocks: a search passes every block from the lowest free one on, live ones too, so it "
        "gets slower the more is live; a request that takes the lowest free block then walks on to the next. Twelve bytes "
        "for a block. A heap of a few hundred packets is fine, one of ten thousand blocks is hundreds of times slower "
        "than TLSF.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_LWIP_STORY_H_
