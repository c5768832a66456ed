// The traces of malloc-bench: one protobuf message, decoded as a stream.
//
//   Tracefile { repeated TraceLine lines = 1; optional uint64 max_simultaneous_allocs = 2; }
//   TraceLine { oneof op { Malloc = 1; Free = 2; Realloc = 3; Calloc = 4; } }
//   Malloc { result_id = 1; input_size = 2; input_alignment = 3; }    Calloc { result_id = 1; input_nmemb = 2; input_size = 3;
//   } Realloc { result_id = 1; input_id = 2; input_size = 3; }          Free { input_id = 1; input_size_hint = 2; ... }
//
// All fields are optional uint64: a number that is absent is 0, an id that is absent is null. Ids are used again after a free.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_MALLOC_BENCH_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_MALLOC_BENCH_H_

#include "absl/status/statusor.h"
#include "allocators/workload/trace.h"
#include "allocators/workload/trace_reading.h"

namespace alloclab {

// Errors say "name: byte N: what was found; what was expected". Frees of null and allocations that failed when they were
// recorded are dropped, a realloc to 0 bytes without a result is a free, alignments are ignored; the notes say where and how
// many.
absl::StatusOr<Trace> ReadMallocBench(const TraceReading& reading);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_MALLOC_BENCH_H_
