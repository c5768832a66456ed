// Any text as a list of checkpoints: those of a good one ascend and lie within the run.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "allocators/common/check.h"
#include "allocators/workload/checkpoints.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  for (const std::uint64_t operations : {std::uint64_t{0}, std::uint64_t{1000}, ~std::uint64_t{0}}) {
    const absl::StatusOr<std::vector<std::uint64_t>> checkpoints = alloclab::ParseCheckpoints(text, operations);
    if (!checkpoints.ok()) continue;
    ALLOCLAB_CHECK_LE(checkpoints->size(), alloclab::kCheckpointsMax);
    for (std::size_t i = 0; i < checkpoints->size(); ++i) {
      ALLOCLAB_CHECK_LE((*checkpoints)[i], operations);
      if (i != 0) ALLOCLAB_CHECK_LT((*checkpoints)[i - 1], (*checkpoints)[i]);
    }
  }
  return 0;
}
