// The list of checkpoints of a run, as it is typed.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_CHECKPOINTS_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_CHECKPOINTS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace alloclab {

// Each costs a digest of all of the heap's metadata.
inline constexpr std::size_t kCheckpointsMax = 1000;

// "1/4,1/2,5000" -> operation counts, ascending, each once, for a trace of `operations`; a fraction is rounded down.
// INVALID_ARGUMENT naming the item. An empty text is no checkpoints.
absl::StatusOr<std::vector<std::uint64_t>> ParseCheckpoints(std::string_view text, std::uint64_t operations);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_CHECKPOINTS_H_
