// The operations of a trace that is being read: their host memory is asked for before it is taken, those that are wanted
// elsewhere go there in pieces, and now and then it is asked whether anyone still waits. The readers call it before each
// operation.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_METER_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_METER_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "allocators/workload/handle_numbering.h"
#include "allocators/workload/trace.h"
#include "allocators/workload/trace_reading.h"

namespace alloclab {

// `Blocks` tells host_bytes() and GrowthBytes(id), as HandleNumbering does.
template <typename Blocks>
class TraceMeter {
 public:
  TraceMeter(const TraceReading& reading, Trace& trace, const Blocks& blocks)
      : limits_(reading.limits), drain_(reading.drain), poll_(limits_.interrupt), trace_(trace), blocks_(blocks) {}

  // Makes room for one more operation, with a block that the file calls `id`. CANCELLED: interrupted; errors of limits.admit
  // and of the drain.
  absl::Status Admit(std::uint64_t id) {
    if (poll_.Step()) return absl::CancelledError("the trace was not read to its end: nobody waits for it");
    if (drain_ && trace_.operations.size() >= kDrainEvery) {
      if (absl::Status status = Drain(); !status.ok()) return status;
    }
    const std::uint64_t ids = blocks_.GrowthBytes(id);
    const bool full = trace_.operations.size() == trace_.operations.capacity();
    return ids == 0 && !full ? absl::OkStatus() : Grow(ids, full);
  }

  // Operations so far.
  std::uint64_t count() const { return drained_ + trace_.operations.size(); }
  // The threads of the operations that are not drained yet, where they are known and drained.
  std::vector<std::uint32_t>* threads() { return drain_ ? &threads_ : nullptr; }

  // From now on the trace has the call site of each operation, which the reader adds.
  void KeepSites() { with_sites_ = true; }

  // Hands over what is left, if somebody wants it.
  absl::Status Drain() {
    if (!drain_) return absl::OkStatus();
    absl::Status status = drain_(trace_.operations, threads_, trace_.operation_sites);
    drained_ += trace_.operations.size();
    trace_.operations.clear();
    trace_.operation_sites.clear();
    threads_.clear();
    return status;
  }

 private:
  static constexpr std::size_t kOperationsMin = 1024, kDrainEvery = 32 * 1024;

  [[gnu::noinline]] absl::Status Grow(std::uint64_t ids, bool full) {
    const std::size_t had = trace_.operations.capacity(), more = full ? std::max(kOperationsMin, had) : 0;
    // A table that grows is in memory twice for a moment.
    const std::uint64_t each = sizeof(Operation) + (with_sites_ ? sizeof(trace_.operation_sites[0]) : 0);
    const std::uint64_t held = (had + (full ? had + more : 0)) * each + blocks_.host_bytes() + ids;
    if (limits_.admit) {
      if (absl::Status status = limits_.admit(held); !status.ok()) return status;
    }
    trace_.operations.reserve(had + more);
    if (with_sites_) trace_.operation_sites.reserve(had + more);
    return absl::OkStatus();
  }

  const TraceLimits& limits_;
  const TraceDrain& drain_;
  InterruptPoll poll_;
  Trace& trace_;
  const Blocks& blocks_;
  std::vector<std::uint32_t> threads_;
  std::uint64_t drained_ = 0;
  bool with_sites_ = false;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_METER_H_
