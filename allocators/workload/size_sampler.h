// Draws sizes and lifetimes from a distribution, by integer arithmetic alone.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_SIZE_SAMPLER_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_SIZE_SAMPLER_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "allocators/workload/workload_spec.h"
#include "allocators/workload/xoshiro256.h"

namespace alloclab {

// INVALID_ARGUMENT: "FIELD.uniform: min 9 is above max 4". `largest` is the largest size that may come out.
absl::Status CheckSize(const SizeDistribution& size, std::uint32_t least, std::uint32_t largest, std::string_view field);

// The largest that may come out. REQUIRES: CheckSize let it pass.
std::uint32_t LargestSize(const SizeDistribution& size);

class SizeSampler {
 public:
  // REQUIRES: CheckSize let it pass; it must outlive the sampler.
  explicit SizeSampler(const SizeDistribution& size);
  std::uint32_t Draw(Xoshiro256& random) const;

 private:
  const SizeDistribution* size_;
  std::vector<std::uint32_t> sums_;  // of the weights up to each choice, where there are choices
};

// -ln(x / 2^32) in 1/65536ths, within 3 of the true value. REQUIRES: x >= 1.
std::uint32_t NegativeLog(std::uint32_t x);

// value * e^(x / 65536), rounded down, within 1/10000 of the true value; at most `most`.
std::uint32_t TimesExp(std::uint32_t value, std::int64_t x, std::uint32_t most);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_SIZE_SAMPLER_H_
