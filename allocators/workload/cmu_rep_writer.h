// Writes a trace as CMU malloc lab's .rep text.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_CMU_REP_WRITER_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_CMU_REP_WRITER_H_

#include <string>

#include "absl/status/statusor.h"
#include "allocators/workload/trace.h"

namespace alloclab {

enum class RepDialect { kA, kB, kC };

// As .rep text, every allocation under an id of its own; what the header of dialects A and C says beside the counts is a heap
// size that is enough, and the peak of live bytes. INVALID_ARGUMENT naming the first operation that the format
// cannot say: calloc, pages, a free of a block that is not live, an allocation over a live one.
absl::StatusOr<std::string> WriteCmuRep(const Trace& trace, RepDialect dialect = RepDialect::kB);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_CMU_REP_WRITER_H_
