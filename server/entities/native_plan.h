// The heap operations of a workload as a real allocator can take them: misuse would end the process, and is left out.
#ifndef ALLOCLAB_SERVER_ENTITIES_NATIVE_PLAN_H_
#define ALLOCLAB_SERVER_ENTITIES_NATIVE_PLAN_H_

#include <cstdint>
#include <span>

#include "allocators/common/interrupt.h"
#include "allocators/workload/trace.h"

namespace alloclab::server {

struct NativePlan {
  std::uint64_t operations = 0;
  // Left out: operations on pages, frees and reallocations of what is not live, sizes that 32 bits cannot hold.
  std::uint64_t skipped = 0;
  std::uint32_t slots = 0;
  // As asked for: what is overwritten, and so never freed, is live to the end.
  std::uint64_t peak_live_bytes = 0, peak_live_blocks = 0;
  std::uint64_t peak_operation = 0;  // the index of the one that reached peak_live_bytes
};

// Writes the operations to the beginning of `out`, which has room for all of the trace. A block is a slot of native/format.h:
// its handle and 1; a realloc to nothing is a free. Interrupted, it is of nothing.
NativePlan PlanNative(const Trace& trace, std::span<Operation> out, const Interrupt& interrupt = {});

// Host memory that a plan of the trace takes while it is made, what it writes not counted.
constexpr std::uint64_t PlanBytes(const Trace& trace) { return std::uint64_t{trace.heap_handles} * sizeof(std::uint64_t); }

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_NATIVE_PLAN_H_
