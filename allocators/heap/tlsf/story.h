// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_TLSF_STORY_H_
#define ALLOCLAB_ALLOCATORS_HEAP_TLSF_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kTlsfStory{
    .ran =
        "Designed at the Polytechnic University of Valencia for real-time systems (Masmano, Ripoll, Crespo and Real, "
        "2004), for which a malloc whose time has no bound is of no use. This is Matthew Conte's implementation, which is "
        "in game engines and consoles, in the ESP-IDF of Espressif's boards and in many audio programs.",
    .good =
        "Malloc and free take the same few dozen accesses whatever the heap holds: two bitmaps lead to the first list "
        "that fits, and a free knows both neighbours. The longest operation is near the mean, which is what a real-time "
        "engineer buys. Four bytes for a live block, merging at once, fragmentation close to best fit's.",
    .bad =
        "The lists take 3 KiB before the first byte is given, much on a board of 16 KiB. A request is looked for in the "
        "class above its own, so a free block that would do may be passed over, and the last block of a nearly full pool "
        "cannot be had in one piece. Within a class it is last in, first out, not best fit. It is not safe for threads by "
        "itself.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_TLSF_STORY_H_
