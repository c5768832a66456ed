// Writes a trace as the protobuf of malloc-bench.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_MALLOC_BENCH_WRITER_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_MALLOC_BENCH_WRITER_H_

#include <string>

#include "absl/status/statusor.h"
#include "allocators/workload/trace.h"

namespace alloclab {

// Ids are the handles. INVALID_ARGUMENT naming the first operation that the format cannot say: pages, a free or a realloc of a
// block that is not live, an allocation over a live one.
absl::StatusOr<std::string> WriteMallocBench(const Trace& trace);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_MALLOC_BENCH_WRITER_H_
