// Why the simulated processor stopped.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_STOP_H_
#define ALLOCLAB_ALLOCATORS_GUEST_STOP_H_

#include <cstdint>
#include <string_view>

namespace alloclab {

struct Stop {
  enum class Kind : std::uint8_t {
    kBudget,         // all steps were made
    kReturned,       // the program returned to I386Cpu::kReturnAddress
    kPageFault,      // `access` at `address`
    kDivideError,    // by zero, or the quotient does not fit
    kBreakpoint,     // int3
    kInvalidOpcode,  // ud2, x87, SSE, and whatever else the processor does not have
    kPrivileged,     // an instruction that only a kernel may use, or one that needs the segments fs and gs
    kInterrupt,      // int `vector`
  };
  enum class Access : std::uint8_t { kRead, kWrite, kFetch };

  Kind kind = Kind::kBudget;
  Access access = Access::kRead;
  bool no_frame = false;      // kPageFault: of a page on demand for which no frame was left
  std::uint8_t vector = 0;    // kInterrupt
  std::uint32_t eip = 0;      // of a fault: the instruction, which has not happened; else the instruction that is next
  std::uint32_t address = 0;  // kPageFault: the byte that could not be reached
  friend bool operator==(const Stop&, const Stop&) = default;
};

std::string_view StopName(Stop::Kind kind);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_GUEST_STOP_H_
