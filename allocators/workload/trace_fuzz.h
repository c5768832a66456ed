// What must be true of a trace whatever bytes it was read from.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_FUZZ_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_FUZZ_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "allocators/common/check.h"
#include "allocators/workload/trace.h"

namespace alloclab {

inline const TraceLimits kFuzzLimits = {.operations_max = 10'000, .inflated_bytes_max = 1 << 20};
inline constexpr std::size_t kNotesMax = 20;

// `trace` was read within kFuzzLimits from a file called "name".
inline void CheckTrace(const absl::StatusOr<Trace>& trace) {
  if (!trace.ok()) {
    ALLOCLAB_CHECK(absl::StartsWith(trace.status().message(), "name:"));
    return;
  }
  ALLOCLAB_CHECK_LE(trace->operations.size(), kFuzzLimits.operations_max);
  ALLOCLAB_CHECK_LE(trace->notes.size(), kNotesMax);
  for (const Operation& op : trace->operations) {
    if (op.kind == OpKind::kFree && op.block == kNoBlock) continue;
    ALLOCLAB_CHECK_LT(op.block, op.kind <= OpKind::kFree ? trace->heap_handles : trace->page_handles);
    if (op.kind == OpKind::kRealloc && op.extra != kNoBlock) ALLOCLAB_CHECK_LT(op.extra, trace->heap_handles);
  }
  if (!trace->operation_sites.empty()) ALLOCLAB_CHECK_EQ(trace->operation_sites.size(), trace->operations.size());
  ALLOCLAB_CHECK_LE(trace->sites.sites.size(), std::size_t{kSitesMax});
  ALLOCLAB_CHECK_LE(trace->sites.frames.size(), kSiteFramesMax);
  for (const std::vector<std::uint32_t>& site : trace->sites.sites) {
    ALLOCLAB_CHECK_LE(site.size(), kSiteDepthMax);
    for (const std::uint32_t frame : site) ALLOCLAB_CHECK_LT(frame, trace->sites.frames.size());
  }
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_FUZZ_H_
