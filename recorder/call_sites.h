// Numbers the call stacks of allocations, in the table that all recorded programs share.
#ifndef ALLOCLAB_RECORDER_CALL_SITES_H_
#define ALLOCLAB_RECORDER_CALL_SITES_H_

#include <cstdint>

#include "recorder/layout.h"

namespace alloclab::recorder {

// The number of the stack that this is called on, from the caller of the library on; 0: none is known, or the table is full.
// Any thread, any signal handler.
std::uint32_t CurrentSite(Memory& memory);

// After a library was unloaded.
void ForgetSites();

}  // namespace alloclab::recorder

#endif  // ALLOCLAB_RECORDER_CALL_SITES_H_
