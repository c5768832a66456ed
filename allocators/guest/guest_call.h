// A call of a function of a user's program, as a C compiler would make it, and what may come of it: what programs have in
// common, whether they are a heap (guest_heap.h) or a page allocator (guest_pages.h).
//
// Arguments are on the stack, the result is in eax. The program asks for services by `int 0x40`, the number in eax, arguments
// in ebx and ecx, the result in eax:
//
//   1 sbrk     of a heap; ebx: bytes, as a signed number; the old break, or -1: beyond the limit, downwards, or no page frames
//              left for it
//   2 write    ecx bytes at ebx, as text for the user; how many there are, or -1: they cannot be read. Of all that a program
//              writes the first kPrintedBytesMax bytes are kept
//   3 exit     4 abort: the end of the program
//   5 arena    of a page allocator; ebx 0: the address of its first page, 1: one past its last
#ifndef ALLOCLAB_ALLOCATORS_GUEST_GUEST_CALL_H_
#define ALLOCLAB_ALLOCATORS_GUEST_GUEST_CALL_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "allocators/common/outcome.h"
#include "allocators/guest/elf_program.h"
#include "allocators/guest/i386_cpu.h"

namespace alloclab {

enum class GuestService : std::uint32_t { kSbrk = 1, kWrite = 2, kExit = 3, kAbort = 4, kArena = 5 };

bool IsService(const Stop& stop);
inline GuestService ServiceAsked(const I386Cpu& cpu) { return GuestService{cpu.reg(I386Cpu::kEax)}; }

// What a program prints, as far as it is kept.
struct GuestText {
  static constexpr std::size_t kPrintedBytesMax = 16 << 10;  // some hundred lines
  std::string printed;
  std::uint64_t printed_bytes = 0;  // kept or not

  // The service write: what it gives.
  std::uint32_t Write(AddressSpace& space, VirtAddr text, std::uint32_t bytes);
};

// How a call ended that did not return.
struct GuestEnd {
  Outcome outcome = Outcome::kPanic;
  std::uint32_t address = 0;  // the address touched, or the instruction
};
GuestEnd EndOf(const Stop& stop, const I386Cpu& cpu, bool left);
// "write at 0x00000004: a null pointer". `stack`: the lowest address of the stack; `steps_max`: what the call had.
std::string ExplainStop(const Stop& stop, const I386Cpu& cpu, const ElfProgram& program, std::uint32_t stack,
                        std::uint64_t steps_max, bool left);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_GUEST_GUEST_CALL_H_
