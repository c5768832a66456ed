#include "allocators/workload/block_ages.h"

#include <vector>

#include "allocators/common/check.h"

namespace alloclab {

Pow2Histogram LiveBlockAges(const Trace& trace, const Driver& driver) {
  const std::uint64_t done = driver.operations();
  ALLOCLAB_CHECK_LE(done, trace.operations.size());
  std::vector<std::uint32_t> made_by(trace.heap_handles);
  for (std::uint64_t i = 0; i < done; ++i) {
    const Operation& op = trace.operations[i];
    if (MakesHeapBlock(op.kind) && op.block < made_by.size()) made_by[op.block] = static_cast<std::uint32_t>(i + 1);
  }
  Pow2Histogram ages;
  for (std::uint32_t handle = 0; handle < made_by.size(); ++handle) {
    if (driver.LiveAddressOf(handle) != 0) ages.Record(done - made_by[handle]);
  }
  return ages;
}

}  // namespace alloclab
