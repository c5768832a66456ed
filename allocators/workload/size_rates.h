// Sizes with how often each is asked for and how many of it live: what TCMalloc's empirical driver and google/fleetbench
// (fleetbench/tcmalloc/distributions) measured of a fleet and published, as a specification.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_SIZE_RATES_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_SIZE_RATES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/workload/trace.h"
#include "allocators/workload/workload_spec.h"

namespace alloclab {

struct SizeRate {
  std::uint32_t size = 0;  // bytes
  double rate = 0;         // allocations in any unit of time, the same for all sizes
  double live = 0;         // blocks, of a heap of any size
};
inline constexpr std::size_t kSizeRatesMax = 65'536;

// Lines "SIZE, RATE, LIVE" without a heading, as fleetbench has them. INVALID_ARGUMENT: "fleet.csv:17: ..." with what was
// expected.
absl::StatusOr<std::vector<SizeRate>> ReadSizeRates(std::string_view text, std::string_view name);

// A heap of about `live_bytes`: a phase that fills it as the live blocks are, and `operations` in which blocks come by their
// rates. How long a size lives follows from both (Little's law), exponentially, as in the driver; sizes whose mean lifetimes
// are within a factor of two are one group with the mean of all. INVALID_ARGUMENT: longer than a specification may be, or 0.
absl::StatusOr<WorkloadSpec> ProfileSizeRates(std::span<const SizeRate> rates, std::uint64_t live_bytes,
                                              std::uint64_t operations);

// How well the operations of such a specification are what was asked for.
struct SizeRatesFit {
  double sizes = 0;              // Kolmogorov-Smirnov: of what is asked for once the heap is full, 0 to 1
  std::uint64_t live_bytes = 0;  // mean over the second half of that phase
};
// REQUIRES: `trace` was generated from a specification of ProfileSizeRates(rates, ...).
SizeRatesFit CompareWithRates(std::span<const SizeRate> rates, const WorkloadSpec& spec, const Trace& trace);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_SIZE_RATES_H_
