// xoshiro256** 1.0 (Blackman and Vigna, Scrambled Linear Pseudorandom Number Generators, 2018), seeded by SplitMix64 as its
// authors advise: the same numbers on every machine and compiler.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_XOSHIRO256_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_XOSHIRO256_H_

#include <array>
#include <bit>
#include <cstdint>

#include "allocators/common/check.h"

namespace alloclab {

class Xoshiro256 {
 public:
  explicit Xoshiro256(std::uint64_t seed) {
    for (std::uint64_t& word : state_) word = SplitMix64(seed);
  }

  std::uint64_t Next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // 0 to n - 1, each as likely as the others to within 2^-32. REQUIRES: n >= 1.
  std::uint32_t Below(std::uint32_t n) {
    ALLOCLAB_CHECK_GE(n, 1u);
    return static_cast<std::uint32_t>(((Next() >> 32) * n) >> 32);
  }

 private:
  static std::uint64_t SplitMix64(std::uint64_t& x) {
    std::uint64_t z = x += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  std::array<std::uint64_t, 4> state_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_XOSHIRO256_H_
