// One broken invariant of an allocator, found by walking its metadata in simulated RAM. Invariants are checked by functions
// that return what they found, so that tests, the server and the command line all see the same.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_VIOLATION_H_
#define ALLOCLAB_ALLOCATORS_COMMON_VIOLATION_H_

#include <cstdint>
#include <string>

namespace alloclab {

struct Violation {
  std::string invariant;      // its short name, e.g. "H3"; the allocator's header lists them
  std::uint32_t address = 0;  // where: the chunk's or run's address
  std::string what;           // one sentence with the values
};

// A walk stops collecting here: a broken chain makes everything behind it look broken.
inline constexpr int kViolationsMax = 100;

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_VIOLATION_H_
