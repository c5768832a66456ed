// What an instance or a run looks like from outside at one moment: plain values, copied while its owner had it to himself.
#ifndef ALLOCLAB_SERVER_ENTITIES_SNAPSHOT_H_
#define ALLOCLAB_SERVER_ENTITIES_SNAPSHOT_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "allocators/catalog/instance.h"
#include "allocators/common/costs.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/workload/driver.h"

namespace alloclab::server {

struct Snapshot {
  absl::Time time;
  std::uint64_t operations = 0;
  DriverCounters counters;
  std::vector<Count> heap_counts, page_counts;
  VmCosts vm_costs;
  std::optional<HeapShape> heap;  // absent without a heap
  PageShape pages;
  std::vector<Figure> heap_figures, page_figures;
  std::uint64_t host_bytes = 0;
  std::uint64_t violations = 0;  // of the invariants, found by checks so far
};

Snapshot TakeSnapshot(const Driver& driver);

// Says when a busy owner should take the next snapshot: every kSnapshotInterval, or less often when taking one is slow.
class SnapshotPace {
 public:
  bool Due(MonotonicTime now) const { return now >= due_; }
  void Taken(MonotonicTime began, MonotonicTime ended);

 private:
  MonotonicTime due_ = MonotonicTime::InfinitePast();
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_SNAPSHOT_H_
