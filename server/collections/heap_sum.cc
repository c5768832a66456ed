#include "server/collections/heap_sum.h"

#include <algorithm>

#include "server/limits.h"

namespace alloclab::server {
namespace {

template <class Array>
void AddEach(Array& sum, const Array& values) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += values[i];
}

// Counts of different allocators stand side by side.
void Add(std::vector<Count>& sum, const std::vector<Count>& counts) {
  for (const Count& count : counts) {
    const auto same = std::find_if(sum.begin(), sum.end(), [&](const Count& held) { return held.info == count.info; });
    if (same != sum.end()) {
      same->value += count.value;
    } else {
      sum.push_back(count);
    }
  }
}

void AddHistograms(DriverCounters& sum, const DriverCounters& counters) {
  sum.request_bytes.Add(counters.request_bytes);
  sum.heap_search_steps.Add(counters.heap_search_steps);
  sum.page_search_steps.Add(counters.page_search_steps);
  for (std::size_t i = 0; i < sum.cycles.size(); ++i) sum.cycles[i].Add(counters.cycles[i]);
}

void Add(HeapShape& sum, const HeapShape& shape) {
  sum.blocks += shape.blocks;
  sum.live_blocks += shape.live_blocks;
  sum.live_block_bytes += shape.live_block_bytes;
  sum.free_blocks += shape.free_blocks;
  sum.free_bytes += shape.free_bytes;
  sum.largest_free_bytes = std::max(sum.largest_free_bytes, shape.largest_free_bytes);
  AddEach(sum.free_blocks_by_size, shape.free_blocks_by_size);
}

}  // namespace

HeapReading& SumFor(const HeapReading& reading, OtherHeaps& sums) {
  const auto [place, is_new] = sums.try_emplace({reading.heap_allocator, reading.page_allocator});
  HeapReading& sum = place->second;
  if (is_new) {
    sum.lab_instance = kOtherInstances;
    sum.heap_allocator = reading.heap_allocator;
    sum.page_allocator = reading.page_allocator;
    sum.state.time = absl::InfinitePast();
  }
  return sum;
}

void AddCounters(HeapReading& sum, const HeapReading& heap) {
  const Snapshot& from = heap.state;
  Snapshot& to = sum.state;
  to.operations += from.operations;
  for (std::size_t kind = 0; kind < kOpKinds; ++kind) AddEach(to.counters.outcomes[kind], from.counters.outcomes[kind]);
  AddEach(to.counters.requested_bytes, from.counters.requested_bytes);
  AddHistograms(to.counters, from.counters);
  Add(to.heap_counts, from.heap_counts);
  Add(to.page_counts, from.page_counts);
  to.vm_costs.demand_faults += from.vm_costs.demand_faults;
  to.vm_costs.not_mapped_faults += from.vm_costs.not_mapped_faults;
  to.vm_costs.protection_faults += from.vm_costs.protection_faults;
  to.vm_costs.refused_faults += from.vm_costs.refused_faults;
  to.violations += from.violations;
  to.time = std::max(to.time, from.time);
}

void AddGauges(HeapReading& sum, const HeapReading& heap) {
  const Snapshot& from = heap.state;
  Snapshot& to = sum.state;
  to.counters.live_requested_bytes += from.counters.live_requested_bytes;
  to.counters.live_requested_peak_bytes += from.counters.live_requested_peak_bytes;
  to.counters.live_blocks += from.counters.live_blocks;
  to.counters.live_blocks_peak += from.counters.live_blocks_peak;
  to.counters.page_live_bytes += from.counters.page_live_bytes;
  to.counters.page_live_peak_bytes += from.counters.page_live_peak_bytes;
  to.counters.heap_size_peak_bytes += from.counters.heap_size_peak_bytes;
  to.vm_costs.mapped_frames += from.vm_costs.mapped_frames;
  to.vm_costs.page_table_frames += from.vm_costs.page_table_frames;
  to.host_bytes += from.host_bytes;
  sum.broken_heaps += heap.broken_heaps;
  sum.broken_page_lists += heap.broken_page_lists;
  if (from.heap) {
    if (!to.heap) to.heap.emplace();
    if (!from.heap->broken) Add(*to.heap, *from.heap);
    sum.size_bytes += heap.size_bytes;
    sum.limit_bytes += heap.limit_bytes;
  }
  sum.arena_bytes += heap.arena_bytes;
  if (from.pages.broken) return;
  to.pages.free_bytes += from.pages.free_bytes;
  to.pages.free_blocks += from.pages.free_blocks;
  to.pages.largest_free_bytes = std::max(to.pages.largest_free_bytes, from.pages.largest_free_bytes);
}

}  // namespace alloclab::server
