// The recorded program's half: attaches to the shared memory, and writes records into the rings of its threads. It allocates
// nothing, and calls nothing of the C library that might.
//
// Thread safety: all functions may be called from any thread, from signal handlers too, before main and after exit.
#ifndef ALLOCLAB_RECORDER_JOURNAL_H_
#define ALLOCLAB_RECORDER_JOURNAL_H_

#include <cstdint>

#include "recorder/layout.h"

namespace alloclab::recorder {

// Attaches the process when it can: as soon as the environment is there. Nothing happens in a program that is not recorded.
void Attach();

// Writes a record; `first` and `second` are the words that its kind has. Returns its number; 0: it was not recorded.
std::uint64_t Write(Kind kind, const void* address, std::uint64_t first = 0, std::uint64_t second = 0);

// After a library was unloaded.
void CodeIsGone();

// Around a fork, in the process that forks; and in the child.
void BeforeFork();
void AfterForkInParent();
void AfterForkInChild();

}  // namespace alloclab::recorder

#endif  // ALLOCLAB_RECORDER_JOURNAL_H_
