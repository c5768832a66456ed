// The host memory of a trace that is being read, asked for before it is taken, and the moment to ask whether anyone still waits
// for it. The readers call it before each operation.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_METER_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_METER_H_

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "allocators/workload/handle_numbering.h"
#include "allocators/workload/trace.h"

namespace alloclab {

class TraceMeter {
 public:
  TraceMeter(const TraceLimits& limits, Trace& trace, HandleNumbering& blocks)
      : limits_(limits), poll_(limits.interrupt), trace_(trace), blocks_(blocks) {}

  // Makes room for one more operation, with a block that the file calls `id`. CANCELLED: interrupted; errors of limits.admit.
  absl::Status Admit(std::uint64_t id) {
    if (poll_.Step()) return absl::CancelledError("the trace was not read to its end: nobody waits for it");
    const std::uint64_t ids = blocks_.GrowthBytes(id);
    const bool full = trace_.operations.size() == trace_.operations.capacity();
    return ids == 0 && !full ? absl::OkStatus() : Grow(ids, full);
  }

 private:
  static constexpr std::size_t kOperationsMin = 1024;

  [[gnu::noinline]] absl::Status Grow(std::uint64_t ids, bool full) {
    const std::size_t had = trace_.operations.capacity(), more = full ? std::max(kOperationsMin, had) : 0;
    // A table that grows is in memory twice for a moment.
    const std::uint64_t held = (had + (full ? had + more : 0)) * sizeof(Operation) + blocks_.host_bytes() + ids;
    if (limits_.admit) {
      if (absl::Status status = limits_.admit(held); !status.ok()) return status;
    }
    trace_.operations.reserve(had + more);
    return absl::OkStatus();
  }

  const TraceLimits& limits_;
  InterruptPoll poll_;
  Trace& trace_;
  HandleNumbering& blocks_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_METER_H_
