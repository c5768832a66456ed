// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_KNR_STORY_H_
#define ALLOCLAB_ALLOCATORS_HEAP_KNR_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kKnrStory{
    .ran =
        "Printed in The C Programming Language (1978 and 1988) as the example of how malloc is written, and close to what "
        "the first Unixes ran. xv6, the teaching kernel of MIT, has it to this day in its user library; so have countless "
        "small systems whose authors had the book at hand.",
    .good =
        "Sixty lines of C that can be read in an evening. Live blocks cost one header of 8 bytes and are in no list; a "
        "free merges at once with both neighbours, as the ring is in order of addresses. Next fit makes searches short "
        "while memory is mostly free.",
    .bad =
        "Every free walks the ring to the place of its block, so a program with many holes pays for each free what it "
        "pays for a search; with thousands of them that is the whole run time. Next fit strews small blocks over memory. "
        "The break never comes down, nothing checks a pointer, and a free of null reads the word in front of it.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_KNR_STORY_H_
