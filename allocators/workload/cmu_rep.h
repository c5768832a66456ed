// The CMU malloc lab's .rep text in all its dialects (trace.h), as its kits' drivers read them.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_CMU_REP_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_CMU_REP_H_

#include "absl/status/statusor.h"
#include "allocators/workload/trace.h"
#include "allocators/workload/trace_reading.h"

namespace alloclab {

// Errors say "name:line: what was found; what was expected": a header that is none or says something false, another word than
// a, r or f, a number that is missing or none, a free of a block that is not live. What real files have beyond the format is
// let pass with a note: a byte-order mark, no header or one of two lines, an allocation without a size (the drivers' scanf
// leaves the variable, so the size before it holds), an allocation under an id that is live (the old block leaks), an id used
// again after a free, a free of null, sizes that 32 bits cannot hold.
absl::StatusOr<Trace> ReadCmuRep(const TraceReading& reading);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_CMU_REP_H_
