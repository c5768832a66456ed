// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_NEWLIB_NANO_STORY_H_
#define ALLOCLAB_ALLOCATORS_HEAP_NEWLIB_NANO_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kNewlibNanoStory{
    .ran =
        "The malloc of newlib-nano, with which vendors' toolchains for Arm Cortex-M and RISC-V microcontrollers link "
        "small programs (--specs=nano.specs, since about 2012). A great part of all firmware that calls malloc without an "
        "operating system calls this one.",
    .good =
        "Half a KiB of code, four bytes in front of a block, and memory taken from sbrk to the byte, so a program that "
        "allocates at its start and seldom frees has no waste at all. Free chunks are in order of addresses and merge at "
        "once with both neighbours. A double free that the list shows is ignored.",
    .bad =
        "One list: both a search and a free walk past every hole in front of theirs, and small holes gather at the front "
        "where each first fit looks at them again. A request that no hole holds moves the break by all of it, even when "
        "the heap's end is free, so buffers that grow step by step leave a trail of holes behind them.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_NEWLIB_NANO_STORY_H_
