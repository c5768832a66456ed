// Draws request sizes from a distribution, by integer arithmetic alone.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_SIZE_SAMPLER_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_SIZE_SAMPLER_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "allocators/workload/workload_spec.h"
#include "allocators/workload/xoshiro256.h"

namespace alloclab {

// INVALID_ARGUMENT: "FIELD.uniform: min 9 is above max 4". `largest` is the largest size that may come out.
absl::Status CheckSize(const SizeDistribution& size, std::uint32_t least, std::uint32_t largest, std::string_view field);

// Of a size that CheckSize let pass.
std::uint32_t SampleSize(const SizeDistribution& size, Xoshiro256& random);

// -ln(x / 2^32) in 1/65536ths, within 3 of the true value. REQUIRES: x >= 1.
std::uint32_t NegativeLog(std::uint32_t x);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_SIZE_SAMPLER_H_
