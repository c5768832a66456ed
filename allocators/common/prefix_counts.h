// 1,024 counters and the sums of those below each: a sum is three loads, a change three vector additions.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_PREFIX_COUNTS_H_
#define ALLOCLAB_ALLOCATORS_COMMON_PREFIX_COUNTS_H_

#include <array>
#include <cstdint>

#include "allocators/common/check.h"
#include "allocators/common/lanes.h"

namespace alloclab {

class PrefixCounts {
 public:
  static constexpr std::uint32_t kSlots = 1024;
  static constexpr std::uint32_t kCountMax = 0xFFFF / 16;

  // Adds to one counter, modulo 2^32: minus one is 0xFFFFFFFF. REQUIRES: slot < kSlots. The sixteen
  // counters of a block stay within 16 bits together if each stays up to kCountMax.
  void Add(std::uint32_t slot, std::uint32_t count) {
    ALLOCLAB_CHECK_LT(slot, kSlots);
    for (std::uint32_t block = slot / 256 + 1; block < 4; ++block) before_256_[block] += count;
    before_16_[slot / 256].AddBehind(slot / 16 % 16, count);
    before_[slot / 16].AddBehind(slot % 16, static_cast<std::uint16_t>(count));
  }
  // The sum of the counters below `slot`. REQUIRES: slot < kSlots.
  std::uint32_t Before(std::uint32_t slot) const {
    ALLOCLAB_CHECK_LT(slot, kSlots);
    return before_256_[slot / 256] + before_16_[slot / 256].values[slot / 16 % 16] + before_[slot / 16].values[slot % 16];
  }

 private:
  std::array<std::uint32_t, 4> before_256_{};  // sums of whole blocks of 256 counters
  std::array<Sixteen, 4> before_16_;           // within those, of whole blocks of 16
  std::array<SixteenShort, 64> before_;        // within those, of counters
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_PREFIX_COUNTS_H_
