// Call stacks by what compilers say of each instruction in .eh_frame: where the caller's registers are. Every program and
// library for x86-64 has it, with or without frame pointers and debug information. What was found for an instruction is kept
// in a table of one word each, so that a frame that was seen before costs a few loads.
//
// Allocates nothing and takes no lock: may be called from any thread and signal handler. A stack ends where nothing is known:
// code that is made while the program runs, or expressions of hand-written assembly.
//
// Source: System V ABI, AMD64 supplement, 3.7; DWARF 5, 6.4; Linux Standard Base, 10.6 (.eh_frame_hdr).
#ifndef ALLOCLAB_RECORDER_UNWINDER_H_
#define ALLOCLAB_RECORDER_UNWINDER_H_

#include <cstdint>

namespace alloclab::recorder {

// The callers of this function from the first outside of this library on, at most `max`. Each is an address inside of the
// call's instruction; of a frame that a signal interrupted, of the instruction itself. Returns how many.
std::uint32_t TakeStack(std::uintptr_t* callers, std::uint32_t max);

// After a library was unloaded: what is at its addresses may be another one's.
void ForgetCode();

}  // namespace alloclab::recorder

#endif  // ALLOCLAB_RECORDER_UNWINDER_H_
