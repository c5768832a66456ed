// 1,024 counters and the sums of those below each: a sum is three loads, a change three vector additions.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_PREFIX_COUNTS_H_
#define ALLOCLAB_ALLOCATORS_COMMON_PREFIX_COUNTS_H_

#include <array>
#include <cstdint>

#include "allocators/common/lanes.h"

namespace alloclab {

class PrefixCounts {
 public:
  static constexpr std::uint32_t kSlots = 1024;

  // Adds to one counter, modulo 2^32: minus one is 0xFFFFFFFF. REQUIRES: slot < kSlots.
  void Add(std::uint32_t slot, std::uint32_t count) {
    before_256_.AddBehind(slot / 256, count);
    before_16_[slot / 256].AddBehind(slot / 16 % 16, count);
    before_[slot / 16].AddBehind(slot % 16, count);
  }
  // The sum of the counters below `slot`. REQUIRES: slot < kSlots.
  std::uint32_t Before(std::uint32_t slot) const {
    return before_256_.values[slot / 256] + before_16_[slot / 256].values[slot / 16 % 16] +
           before_[slot / 16].values[slot % 16];
  }

 private:
  Sixteen before_256_;                // sums of whole blocks of 256 counters; the first four are in use
  std::array<Sixteen, 4> before_16_;  // within those, of whole blocks of 16
  std::array<Sixteen, 64> before_;    // within those, of counters
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_PREFIX_COUNTS_H_
