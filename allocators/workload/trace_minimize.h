// Shrinks a trace to the least that still shows something: delta debugging over the lives of blocks, so that an allocation goes
// with its reallocs and its free, and then over single operations.
//
// A. Zeller, R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28(2), 2002.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_MINIMIZE_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_MINIMIZE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "allocators/catalog/instance.h"
#include "allocators/common/interrupt.h"
#include "allocators/workload/trace.h"

namespace alloclab {

using TraceCondition = std::function<absl::StatusOr<bool>(const Trace&)>;

struct Minimized {
  Trace trace;              // handles numbered from 0 in the order of their first use
  std::uint64_t tests = 0;  // replays that it took
  bool complete = true;     // false: interrupted, or more tests than asked for; the trace shows it all the same
};

struct MinimizeOptions {
  std::uint64_t tests_max = 100'000;
  Interrupt interrupt = nullptr;  // asked between two tests
  // After each test: how many there were, and how long the shortest trace is.
  std::function<void(std::uint64_t tests, std::uint64_t operations)> progress = nullptr;
};

// No life and no operation can be left off what comes out. FAILED_PRECONDITION: the trace itself does not show it; errors of
// the condition.
absl::StatusOr<Minimized> MinimizeTrace(const Trace& trace, const TraceCondition& shows, const MinimizeOptions& options = {});

// A condition by its name, on that machine:
//   outcome=NAME        some operation ends with that outcome
//   violation           an invariant of an allocator is broken at the end
//   fragmentation>X     of the heap's free bytes, the part outside the largest free block is more than X (0 to 1) at the end
//   differs:NAME=VALUE  with that parameter another address, outcome, cost or digest comes out
//   differs:HEAP        with that heap allocator other outcomes come out
// INVALID_ARGUMENT: it is none, with what is expected.
absl::StatusOr<TraceCondition> ParseTraceCondition(const std::string& text, const InstanceConfig& config);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_MINIMIZE_H_
