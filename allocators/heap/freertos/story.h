// The stories that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_FREERTOS_STORY_H_
#define ALLOCLAB_ALLOCATORS_HEAP_FREERTOS_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kFreeRtosHeap4Story{
    .ran =
        "The heap that most programs on FreeRTOS choose, and with FreeRTOS it is on millions of microcontrollers: one "
        "static array whose size the linker knows, and nothing below it that could give more. It came with version 7.2 in "
        "2012 as the heap that merges.",
    .good =
        "First fit in order of addresses, and each free merges with both neighbours: memory comes back whole, also when "
        "sizes differ. A live block costs 8 bytes. It counts the bytes that are free and the fewest that ever were, which "
        "is what tells an engineer how large the array must be.",
    .bad =
        "Both search and free walk the list of free blocks from its beginning, so the longest operation grows with the "
        "number of holes: no bound that a real-time task could rely on. All requests go through one critical section with "
        "the scheduler stopped. Little is checked: an overrun of the header in front is noticed only by the bit of a "
        "block in use.",
};
inline constexpr Story kFreeRtosHeap2Story{
    .ran =
        "The second of the kernel's five heaps, from the mid 2000s. The manual calls it a legacy and sends new designs to "
        "heap_4; it lives on in products of that time, and where tasks and queues of fixed sizes are deleted and made "
        "again.",
    .good =
        "Best fit over a list in order of sizes. Where a program asks for the same few sizes again and again each finds a "
        "block of exactly its size, so memory settles after a while and stays as it is, though nothing ever merges. The "
        "code is short and its state is two variables.",
    .bad =
        "What was cut is never joined: with sizes that vary, memory ends in pieces and a request fails although most of "
        "it is free. Both the search and the free walk the list from the smallest block on, so on traces with thousands "
        "of free pieces it is the slowest heap of all here, by steps and by cycles.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_FREERTOS_STORY_H_
