// The CMU malloc lab's .rep text, in its three dialects (trace.h).
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_CMU_REP_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_CMU_REP_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "allocators/workload/trace.h"
#include "allocators/workload/trace_bytes.h"

namespace alloclab {

// Errors say "name:line: what was found; what was expected". Checks: header of four integers, number of operations, largest id,
// sizes of 32 bits, no free of a block that is not live, no allocation over a live one.
absl::StatusOr<Trace> ReadCmuRep(TraceBytes& bytes, std::string_view name, const TraceLimits& limits);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_CMU_REP_H_
