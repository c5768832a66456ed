// How old the live blocks of a heap are at a moment of a trace: how many operations ago each was allocated, by the operation
// that last allocated into its handle.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_BLOCK_AGES_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_BLOCK_AGES_H_

#include <cstdint>

#include "allocators/common/pow2_histogram.h"
#include "allocators/workload/driver.h"
#include "allocators/workload/trace.h"

namespace alloclab {

// Whether such an operation, if it is served, makes the block that its handle then names.
constexpr bool MakesHeapBlock(OpKind kind) {
  return kind == OpKind::kMalloc || kind == OpKind::kCalloc || kind == OpKind::kRealloc;
}

// Host memory that counting takes meanwhile.
inline constexpr std::uint64_t BlockAgesHostNeed(const Trace& trace) { return std::uint64_t{trace.heap_handles} * 4; }

// Counts blocks that a handle names; the one that was just allocated is 0 operations old. REQUIRES: the driver has done so many
// operations of the trace, and nothing else.
Pow2Histogram LiveBlockAges(const Trace& trace, const Driver& driver);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_BLOCK_AGES_H_
