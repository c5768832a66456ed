// A synthetic workload: phases of operations that hold the number of live blocks on a line while sizes, order of frees and mix
// follow simple distributions. The same specification and seed give the same operations everywhere: one named generator
// (xoshiro256**), integer arithmetic only.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_WORKLOAD_SPEC_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_WORKLOAD_SPEC_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/workload/trace.h"

namespace alloclab {

// Bytes of a request (pages of a page request).
struct FixedSize {
  std::uint32_t value = 64;
};
struct UniformSize {
  std::uint32_t min = 1, max = 128;
};  // inclusive
struct ExponentialSize {
  std::uint32_t mean = 64, max = 4096;
};  // at least 1, cut at max
struct WeightedSizes {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> choices;
};  // (size, weight)
using SizeDistribution = std::variant<FixedSize, UniformSize, ExponentialSize, WeightedSizes>;

enum class FreeOrder {
  kRandom,      // any live block, equally likely
  kLifo,        // the newest
  kFifo,        // the oldest
  kEveryOther,  // every second block by age, then round again: what a fragmenter does
};

struct Phase {
  std::string name;
  std::uint64_t operations = 0;
  // Blocks live at the end of the phase, give or take one; between, the target moves on a straight line from where the last
  // phase ended. A step below the target allocates, any other frees. At a constant target frees and allocations alternate.
  std::uint32_t live_blocks = 0;
  SizeDistribution size;
  FreeOrder free_order = FreeOrder::kRandom;
  // Weights of the allocating steps; realloc changes the size of a random live block. Calloc asks for one element.
  std::uint32_t malloc_weight = 1, calloc_weight = 0, realloc_weight = 0;
  bool pages = false;  // blocks of pages instead of blocks of the heap; sizes in pages
};

struct WorkloadSpec {
  std::string name;
  std::uint64_t seed = 1;
  std::vector<Phase> phases;
};

inline constexpr std::uint64_t kOperationsMax = 50'000'000;  // of all phases
inline constexpr std::size_t kPhasesMax = 1000;
inline constexpr std::uint32_t kLiveBlocksMax = 16'000'000;
inline constexpr std::uint32_t kWeightMax = 1'000'000;

// INVALID_ARGUMENT naming the field ("phases[1].size.uniform: min 9 is above max 4").
absl::Status ValidateSpec(const WorkloadSpec& spec);
// The same errors; CANCELLED when it is interrupted.
absl::StatusOr<Trace> Generate(const WorkloadSpec& spec, const Interrupt& interrupt = {});

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_WORKLOAD_SPEC_H_
