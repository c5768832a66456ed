// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_NEXT_FIT_STORY_H_
#define ALLOCLAB_ALLOCATORS_HEAP_NEXT_FIT_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kNextFitStory{
    .ran =
        "Knuth proposed the rover in 1968 so that searches need not pass again and again over the small pieces at the "
        "front of memory; early Unix allocators and many programs of the 1970s had it, K&R's malloc among them. Bryant "
        "and O'Hallaron's teaching malloc has it as a compile-time choice, which this is.",
    .good =
        "A search begins where the last one ended, where memory tends to be free, so the mean search is a fraction of "
        "first fit's. The code is first fit's and one variable.",
    .bad =
        "The rover spreads blocks of different ages over all of memory: nothing in it stays whole, and a large request "
        "late in a run finds no place where first fit has one. Simulations since the 1970s, and Wilson's survey, find "
        "more fragmentation than with first or best fit. The longest search is still all of the heap, so there is no "
        "bound for a real-time program.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_NEXT_FIT_STORY_H_
