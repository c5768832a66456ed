// The bounds of limits.h that are about users' programs (docs/guest.md). What an ELF file may ask for, and what a program may
// do, is bounded where it is read and run: allocators/guest/elf_program.h, guest_heap.h.
#ifndef ALLOCLAB_SERVER_GUEST_LIMITS_H_
#define ALLOCLAB_SERVER_GUEST_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace alloclab::server {

// In the store; all are in one answer of ListGuests, of half a MiB. A class hands in some hundred.
inline constexpr std::size_t kGuestProgramsMax = 1'000;
// While a file of ElfProgram::kFileBytesMax is read: its bytes, its segments and symbols, whose names may overlap in the file.
inline constexpr std::uint64_t kGuestReadBytes = 32ull << 20;
// A program's initialisation, before its machine is there: as long as a call of the slowest program that its steps allow takes
// on a quiet host; whoever waits for longer gets an error.
inline constexpr absl::Duration kGuestCreationMax = absl::Seconds(10);
// Of an instance whose heap is a program: so many operations at most between two looks at the clock, at others who wait, and at
// whether the caller still does. Each may take 0.1 s.
inline constexpr std::size_t kGuestPieceOperationsMax = 16;
// Instructions that count as much as a step of a search (kBatchSearchStepsMax).
inline constexpr std::uint64_t kGuestInstructionsPerStep = 2;

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_GUEST_LIMITS_H_
