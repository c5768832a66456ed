#include "server/entities/snapshot.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "server/limits.h"

namespace alloclab::server {

Snapshot TakeSnapshot(const Driver& driver) {
  Instance& machine = driver.instance();
  Snapshot snapshot;
  snapshot.time = absl::Now();
  snapshot.operations = driver.operations();
  snapshot.counters = driver.counters();
  if (const HeapAllocator* heap = machine.heap()) {
    snapshot.heap = heap->Shape();
    snapshot.heap_counts = heap->Counts();
    snapshot.heap_figures = heap->Figures();
  }
  snapshot.pages = machine.pages().Shape();
  snapshot.page_counts = machine.pages().Counts();
  snapshot.page_figures = machine.pages().Figures();
  snapshot.vm_costs = machine.costs().vm;
  snapshot.host_bytes = machine.host_bytes();
  return snapshot;
}

void SnapshotPace::Taken(MonotonicTime began, MonotonicTime ended) {
  due_ = ended + std::max(kSnapshotInterval, 20 * (ended - began));
}

}  // namespace alloclab::server
