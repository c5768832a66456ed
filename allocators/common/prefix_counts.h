// 1,024 counters and the sums of those below each: a sum is two loads, a change a few vector additions.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_PREFIX_COUNTS_H_
#define ALLOCLAB_ALLOCATORS_COMMON_PREFIX_COUNTS_H_

#include <array>
#include <cstdint>

namespace alloclab {

class PrefixCounts {
 public:
  static constexpr std::uint32_t kSlots = 1024;

  // Adds to one counter, modulo 2^32: minus one is 0xFFFFFFFF. REQUIRES: slot < kSlots.
  void Add(std::uint32_t slot, std::uint32_t count) {
    const std::uint32_t group = slot / kGroup;
    for (std::uint32_t i = 0; i < kGroup; ++i) groups_before_[i] += i > group ? count : 0;
    for (std::uint32_t i = 0; i < kGroup; ++i) before_in_group_[group][i] += i > slot % kGroup ? count : 0;
  }
  // The sum of the counters below `slot`. REQUIRES: slot < kSlots.
  std::uint32_t Before(std::uint32_t slot) const {
    return groups_before_[slot / kGroup] + before_in_group_[slot / kGroup][slot % kGroup];
  }

 private:
  static constexpr std::uint32_t kGroup = 32;
  static_assert(kGroup * kGroup == kSlots);

  std::array<std::uint32_t, kGroup> groups_before_{};
  std::array<std::array<std::uint32_t, kGroup>, kGroup> before_in_group_{};
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_PREFIX_COUNTS_H_
