// Words that an allocator's code read from and wrote to simulated memory: what every allocator is measured by.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_ACCESS_COSTS_H_
#define ALLOCLAB_ALLOCATORS_COMMON_ACCESS_COSTS_H_

#include <cstdint>

namespace alloclab {

// An access of one byte counts as one, as one of a word does. An access that faults is not counted.
struct AccessCosts {
  std::uint64_t words_loaded = 0;
  std::uint64_t words_stored = 0;

  friend bool operator==(const AccessCosts&, const AccessCosts&) = default;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_ACCESS_COSTS_H_
