// What the simulated processor reports when an access cannot be made.
#ifndef ALLOCLAB_ALLOCATORS_MACHINE_PAGE_FAULT_H_
#define ALLOCLAB_ALLOCATORS_MACHINE_PAGE_FAULT_H_

#include <cstdint>

#include "allocators/machine/address.h"

namespace alloclab {

enum class Access : std::uint8_t { kRead, kWrite };

struct PageFault {
  enum class Kind : std::uint8_t {
    kNotMapped,   // no mapping and no promise, or a mapping to a frame outside RAM
    kProtection,  // a write to a read-only page
    kNoFrame,     // a page on demand, for which no frame was left
  };
  Kind kind = Kind::kNotMapped;
  VirtAddr address;              // what the processor would put in CR2
  std::uint32_t error_code = 0;  // bit 0: protection (page was present), bit 1: write, bit 2: user mode
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_MACHINE_PAGE_FAULT_H_
