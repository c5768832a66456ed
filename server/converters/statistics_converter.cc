#include "server/converters/statistics_converter.h"

#include <numeric>

#include "allocators/workload/operation.h"

namespace alloclab::server {
namespace {

v1::HeapCosts CostsToProto(const HeapCosts& costs) {
  v1::HeapCosts proto;
  proto.set_headers_visited(costs.headers_visited);
  proto.set_words_loaded(costs.words_loaded);
  proto.set_words_stored(costs.words_stored);
  proto.set_search_pages(costs.search_pages);
  proto.set_splits(costs.splits);
  for (const std::uint64_t count : costs.coalesces) proto.add_coalesces(count);
  proto.set_grows(costs.grows);
  proto.set_grown_bytes(costs.grown_bytes);
  proto.set_copied_bytes(costs.copied_bytes);
  proto.set_zeroed_bytes(costs.zeroed_bytes);
  return proto;
}

v1::PageCosts CostsToProto(const PageCosts& costs) {
  v1::PageCosts proto;
  proto.set_runs_visited(costs.runs_visited);
  proto.set_words_loaded(costs.words_loaded);
  proto.set_words_stored(costs.words_stored);
  proto.set_splits(costs.splits);
  for (const std::uint64_t count : costs.merges) proto.add_merges(count);
  proto.set_filled_bytes(costs.filled_bytes);
  return proto;
}

v1::VmCosts CostsToProto(const VmCosts& costs) {
  v1::VmCosts proto;
  proto.set_demand_faults(costs.demand_faults);
  proto.set_not_mapped_faults(costs.not_mapped_faults);
  proto.set_protection_faults(costs.protection_faults);
  proto.set_refused_faults(costs.refused_faults);
  proto.set_mapped_frames(costs.mapped_frames);
  proto.set_page_table_frames(costs.page_table_frames);
  return proto;
}

std::string NameOf(std::uint32_t kind) { return std::string(OpKindName(static_cast<OpKind>(kind))); }

void AddByOperation(const DriverCounters& counters, v1::Counters& proto) {
  for (std::uint32_t kind = 0; kind < kOpKinds; ++kind) {
    for (std::uint32_t outcome = 0; outcome < kOutcomeSlots; ++outcome) {
      if (counters.outcomes[kind][outcome] == 0) continue;
      v1::OutcomeCount& count = *proto.add_outcomes();
      count.set_operation(NameOf(kind));
      count.set_outcome(std::string(OutcomeName(static_cast<Outcome>(outcome))));
      count.set_count(counters.outcomes[kind][outcome]);
    }
    if (counters.cycles[kind].count() == 0) continue;
    v1::Cycles& cycles = *proto.add_cycles();
    cycles.set_operation(NameOf(kind));
    *cycles.mutable_cycles_386() = ToProto(counters.cycles[kind]);
  }
}

}  // namespace

v1::Pow2Histogram ToProto(const Pow2Histogram& histogram) {
  v1::Pow2Histogram proto;
  int used = Pow2Histogram::kBuckets;
  while (used > 0 && histogram.counts()[used - 1] == 0) --used;
  for (int bucket = 0; bucket < used; ++bucket) proto.add_counts(histogram.counts()[bucket]);
  proto.set_sum(histogram.sum());
  return proto;
}

v1::HeapShape ToProto(const HeapShape& shape) {
  v1::HeapShape proto;
  proto.set_start(shape.start.raw());
  proto.set_brk(shape.brk.raw());
  proto.set_limit(shape.limit.raw());
  proto.set_chunks(shape.chunks);
  proto.set_live_blocks(shape.live_blocks);
  proto.set_live_block_bytes(shape.live_block_bytes);
  proto.set_free_blocks(shape.free_blocks);
  proto.set_free_bytes(shape.free_bytes);
  proto.set_largest_free_bytes(shape.largest_free_bytes);
  for (const std::uint32_t count : shape.free_blocks_by_size) proto.add_free_blocks_by_size(count);
  return proto;
}

v1::PageShape ToProto(const PageShape& shape) {
  v1::PageShape proto;
  proto.set_arena_first(shape.arena_first.raw());
  proto.set_arena_bytes(shape.arena_bytes);
  proto.set_free_bytes(shape.free_bytes);
  proto.set_runs(shape.runs);
  proto.set_largest_run_bytes(shape.largest_run_bytes);
  return proto;
}

v1::Counters CountersToProto(std::uint64_t operations, const DriverCounters& counters, const HeapCosts& heap,
                             const PageCosts& pages, const VmCosts& vm) {
  v1::Counters proto;
  proto.set_operations(operations);
  AddByOperation(counters, proto);
  proto.set_requested_bytes(
      std::accumulate(counters.requested_bytes.begin(), counters.requested_bytes.end(), std::uint64_t{0}));
  proto.set_live_requested_bytes(counters.live_requested_bytes);
  proto.set_live_requested_peak_bytes(counters.live_requested_peak_bytes);
  proto.set_live_blocks(counters.live_blocks);
  proto.set_live_blocks_peak(counters.live_blocks_peak);
  proto.set_page_live_bytes(counters.page_live_bytes);
  proto.set_page_live_peak_bytes(counters.page_live_peak_bytes);
  proto.set_heap_size_peak_bytes(counters.heap_size_peak_bytes);
  proto.set_search_max(counters.search_max);
  *proto.mutable_request_bytes() = ToProto(counters.request_bytes);
  *proto.mutable_search_headers() = ToProto(counters.search_headers[0]);
  *proto.mutable_search_runs() = ToProto(counters.search_headers[1]);
  *proto.mutable_heap() = CostsToProto(heap);
  *proto.mutable_pages() = CostsToProto(pages);
  *proto.mutable_vm() = CostsToProto(vm);
  return proto;
}

v1::Statistics ToProto(const Snapshot& snapshot) {
  v1::Statistics proto;
  *proto.mutable_counters() =
      CountersToProto(snapshot.operations, snapshot.counters, snapshot.heap_costs, snapshot.page_costs, snapshot.vm_costs);
  if (snapshot.heap) *proto.mutable_heap() = ToProto(*snapshot.heap);
  *proto.mutable_pages() = ToProto(snapshot.pages);
  proto.set_host_bytes(snapshot.host_bytes);
  return proto;
}

}  // namespace alloclab::server
