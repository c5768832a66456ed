// A synthetic workload: phases of operations. A phase either holds the number of live blocks on a line, or gives every block a
// lifetime, so that how many live follows from both (Little's law: allocations an operation times mean lifetime). Sizes,
// lifetimes, order of frees and mix follow simple distributions. The same specification and seed give the same operations
// everywhere: one named generator (xoshiro256**), integer arithmetic only.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_WORKLOAD_SPEC_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_WORKLOAD_SPEC_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/machine/address.h"
#include "allocators/workload/trace.h"

namespace alloclab {

// Bytes of a request (pages of a page request); or operations that a block lives.
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
// exp of a normal distribution, whose mean is ln(median) and whose deviation is sigma; cut to 1..max. The normal one is the sum
// of twelve uniform ones (Irwin and Hall), so nothing lies beyond 6 sigma.
struct LognormalSize {
  std::uint32_t median = 64, sigma_percent = 100, max = 65536;
};
// P(size > x) = (min / x)^shape, cut at max: few large ones that make up much of all. A shape of 116 % is the 80:20 rule.
struct ParetoSize {
  std::uint32_t min = 16, shape_percent = 116, max = 65536;
};
// The k-th size has a weight of 1 / k^exponent: a few sizes make up most requests, as the structures of one program do.
struct ZipfSizes {
  std::vector<std::uint32_t> sizes;  // the most frequent first
  std::uint32_t exponent_percent = 100;
};
// Ranges, inclusive, in which every value is equally likely: what was measured, as a profile has it.
struct HistogramSizes {
  struct Bin {
    std::uint32_t min = 0, max = 0, weight = 0;
  };
  std::vector<Bin> bins;
};
using SizeDistribution =
    std::variant<FixedSize, UniformSize, ExponentialSize, WeightedSizes, LognormalSize, ParetoSize, ZipfSizes, HistogramSizes>;

enum class FreeOrder {
  kRandom,      // any live block, equally likely
  kLifo,        // the newest
  kFifo,        // the oldest
  kEveryOther,  // every second block by age, then round again: what a fragmenter does
};

// Blocks that are alike: how large they are goes with how long they live.
struct BlockGroup {
  std::uint32_t weight = 1;
  SizeDistribution size;
  SizeDistribution lifetime;  // operations
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

  // How many operations each block lives, instead of live_blocks and free_order. A block is freed by the first step at or after
  // its time that allocates nothing, in whatever phase; those of the same time in the order of their allocation.
  std::optional<SizeDistribution> lifetime = std::nullopt;
  // Groups of blocks, each with sizes and lifetimes of its own, instead of `size` and `lifetime`; what is resized gets another
  // size of its group, or in a later phase the same one. `lifetime` is then that of `pages_weight` alone. None: there is one
  // group.
  std::vector<BlockGroup> groups = {};
  bool has_lifetimes() const { return lifetime.has_value() || !groups.empty(); }
  // So many programs run at the same time, and every block belongs to one of them, equally likely. When a program ends, all
  // that it still has is freed, and another one starts. 0: none. For phases with a lifetime.
  std::uint32_t processes = 0;
  SizeDistribution process_lifetime = FixedSize{};  // operations, of all programs together
  // After every `burst_every` operations `burst_blocks` steps allocate, one behind the other. 0: never. For phases with a
  // lifetime.
  std::uint64_t burst_every = 0;
  std::uint32_t burst_blocks = 0;
  // Weight of blocks of pages beside the mix, and their sizes in pages. For phases with a lifetime that are not of pages alone.
  std::uint32_t pages_weight = 0;
  SizeDistribution page_size = FixedSize{1};
  // What the program writes of every block that it allocates in this phase, resized ones again. Of heap blocks alone.
  Touch touch = {};
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
inline constexpr std::uint32_t kLifetimeMax = 50'000'000;  // operations
inline constexpr std::uint32_t kProcessesMax = 10'000;
inline constexpr std::size_t kGroupsMax = 64;
inline constexpr std::uint32_t kPagesMax = (1u << 31 >> kPageShift) - 1;  // of one request: kernels take lengths as signed

// INVALID_ARGUMENT naming the field ("phases[1].size.uniform: min 9 is above max 4").
absl::Status ValidateSpec(const WorkloadSpec& spec);
// The most blocks that may be live together, if it is valid: what a generator holds.
std::uint64_t LiveBlocksMax(const WorkloadSpec& spec);
// The errors of ValidateSpec; CANCELLED when it is interrupted.
absl::StatusOr<Trace> Generate(const WorkloadSpec& spec, const Interrupt& interrupt = {});

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_WORKLOAD_SPEC_H_
