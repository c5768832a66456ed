// Other traces made of a trace. Handles stay what they are, so that misuse stays misuse, and operations keep their call sites.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_TRANSFORM_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_TRANSFORM_H_

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/workload/trace.h"

namespace alloclab {

// Operations `from` to `to`, counted from 1, both included. Before them, what was live at that moment is allocated, in the
// order of its allocation and as large as it was. INVALID_ARGUMENT: there are none such.
absl::StatusOr<Trace> SliceTrace(const Trace& trace, std::uint64_t from, std::uint64_t to);

struct TraceFilter {
  std::uint64_t size_min = 0, size_max = std::numeric_limits<std::uint64_t>::max();  // bytes asked for when it was allocated
  std::uint64_t lifetime_min = 0,
                lifetime_max = std::numeric_limits<std::uint64_t>::max();  // operations, to the end if not freed
  std::vector<std::uint32_t> threads;                                      // that allocate; empty: all
  std::vector<std::uint32_t> sites;                                        // likewise, of those of the trace
};
// The blocks that pass, each with all its operations, reallocs and free. `threads` is that of each operation, or empty.
// INVALID_ARGUMENT: threads or sites are asked for and not known, or nothing passes.
absl::StatusOr<Trace> FilterTrace(const Trace& trace, const std::vector<std::uint32_t>& threads, const TraceFilter& filter);

struct TraceScale {
  double sizes = 1;          // each size times this, rounded up
  std::uint32_t copies = 1;  // so many programs at once, an operation of each in turn
};
// INVALID_ARGUMENT: too many operations or handles.
absl::StatusOr<Trace> ScaleTrace(const Trace& trace, const TraceScale& scale);

// Two programs on one machine, evenly: the shorter is spread over the longer. INVALID_ARGUMENT: too many handles or call sites.
absl::StatusOr<Trace> InterleaveTraces(const Trace& a, const Trace& b);

// The same operations with handles from 0 on, and call sites from 1 on, in the order of their first use, as .alloctrace wants
// them. Sites that no operation has are gone.
void NumberByFirstUse(Trace& trace);

// The lives of blocks: for each operation the number of the life it belongs to, counted from 0 in the order of allocations.
// An operation on a handle that names nothing, or on null, is a life of its own.
std::vector<std::uint32_t> LivesOf(const Trace& trace);

// A program that does the same, for a compiler of C: mallocs, callocs, reallocs, frees. INVALID_ARGUMENT: there are pages.
absl::StatusOr<std::string> WriteCTest(const Trace& trace);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_TRANSFORM_H_
