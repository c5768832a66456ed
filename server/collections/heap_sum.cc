#include "server/collections/heap_sum.h"

#include <algorithm>

namespace alloclab::server {
namespace {

template <class Array>
void AddEach(Array& sum, const Array& values) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += values[i];
}

void Add(HeapCosts& sum, const HeapCosts& costs) {
  sum.headers_visited += costs.headers_visited;
  sum.words_loaded += costs.words_loaded;
  sum.words_stored += costs.words_stored;
  sum.search_pages += costs.search_pages;
  sum.splits += costs.splits;
  AddEach(sum.coalesces, costs.coalesces);
  sum.grows += costs.grows;
  sum.grown_bytes += costs.grown_bytes;
  sum.copied_bytes += costs.copied_bytes;
  sum.zeroed_bytes += costs.zeroed_bytes;
}

void Add(PageCosts& sum, const PageCosts& costs) {
  sum.runs_visited += costs.runs_visited;
  sum.words_loaded += costs.words_loaded;
  sum.words_stored += costs.words_stored;
  sum.splits += costs.splits;
  AddEach(sum.merges, costs.merges);
  sum.filled_bytes += costs.filled_bytes;
}

void AddHistograms(DriverCounters& sum, const DriverCounters& counters) {
  sum.request_bytes.Add(counters.request_bytes);
  for (std::size_t i = 0; i < sum.search_headers.size(); ++i) sum.search_headers[i].Add(counters.search_headers[i]);
  for (std::size_t i = 0; i < sum.cycles.size(); ++i) sum.cycles[i].Add(counters.cycles[i]);
}

void Add(HeapShape& sum, const HeapShape& shape) {
  sum.chunks += shape.chunks;
  sum.live_blocks += shape.live_blocks;
  sum.live_block_bytes += shape.live_block_bytes;
  sum.free_blocks += shape.free_blocks;
  sum.free_bytes += shape.free_bytes;
  sum.largest_free_bytes = std::max(sum.largest_free_bytes, shape.largest_free_bytes);
  AddEach(sum.free_blocks_by_size, shape.free_blocks_by_size);
}

}  // namespace

HeapReading OtherHeaps(const std::string& allocator) {
  HeapReading sum;
  sum.heap = "other";
  sum.allocator = allocator;
  sum.state.time = absl::InfinitePast();
  return sum;
}

void AddCounters(HeapReading& sum, const HeapReading& heap) {
  const Snapshot& from = heap.state;
  Snapshot& to = sum.state;
  to.operations += from.operations;
  for (std::size_t kind = 0; kind < kOpKinds; ++kind) AddEach(to.counters.outcomes[kind], from.counters.outcomes[kind]);
  AddEach(to.counters.requested_bytes, from.counters.requested_bytes);
  AddHistograms(to.counters, from.counters);
  Add(to.heap_costs, from.heap_costs);
  Add(to.page_costs, from.page_costs);
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
  if (from.heap) {
    if (!to.heap) to.heap.emplace();
    Add(*to.heap, *from.heap);
    sum.size_bytes += heap.size_bytes;
    sum.limit_bytes += heap.limit_bytes;
  }
  to.pages.arena_bytes += from.pages.arena_bytes;
  to.pages.free_bytes += from.pages.free_bytes;
  to.pages.runs += from.pages.runs;
  to.pages.largest_run_bytes = std::max(to.pages.largest_run_bytes, from.pages.largest_run_bytes);
}

}  // namespace alloclab::server
