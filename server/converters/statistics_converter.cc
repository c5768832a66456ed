#include "server/converters/statistics_converter.h"

#include <numeric>

#include "allocators/workload/operation.h"
#include "server/converters/inspect_converter.h"

namespace alloclab::server {
namespace {

void AddCounts(std::span<const Count> counts, google::protobuf::RepeatedPtrField<v1::Counter>& protos) {
  for (const Count& count : counts) {
    v1::Counter& proto = *protos.Add();
    proto.set_name(std::string(count.info->name));
    proto.set_value(count.value);
    if (count.info->label.empty()) continue;
    v1::Label& label = *proto.add_labels();
    label.set_name(std::string(count.info->label));
    label.set_value(std::string(count.info->value));
  }
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

void AddFigures(std::span<const Figure> figures, google::protobuf::RepeatedPtrField<v1::Figure>& protos) {
  for (const Figure& figure : figures) {
    v1::Figure& proto = *protos.Add();
    proto.set_name(std::string(figure.info->name));
    proto.set_value(figure.value);
  }
}

v1::Pow2Histogram ToProto(const Pow2Histogram& histogram) {
  v1::Pow2Histogram proto;
  int used = Pow2Histogram::kBuckets;
  while (used > 0 && histogram.counts()[used - 1] == 0) --used;
  for (int bucket = 0; bucket < used; ++bucket) proto.add_counts(histogram.counts()[bucket]);
  proto.set_sum(histogram.sum());
  return proto;
}

v1::Distribution DistributionToProto(const LogHistogram& values) {
  v1::Distribution proto;
  proto.set_count(values.count());
  proto.set_sum(values.sum());
  proto.set_p50(values.Quantile(0.5));
  proto.set_p90(values.Quantile(0.9));
  proto.set_p99(values.Quantile(0.99));
  proto.set_p999(values.Quantile(0.999));
  proto.set_max(values.max());
  return proto;
}

v1::HeapShape ToProto(const HeapShape& shape, std::span<const Figure> figures) {
  v1::HeapShape proto;
  AddFigures(figures, *proto.mutable_figures());
  proto.set_start(shape.start.raw());
  proto.set_brk(shape.brk.raw());
  proto.set_limit(shape.limit.raw());
  if (shape.broken) {
    *proto.mutable_broken() = ToProto(*shape.broken);
    return proto;
  }
  proto.set_blocks(shape.blocks);
  proto.set_live_blocks(shape.live_blocks);
  proto.set_live_block_bytes(shape.live_block_bytes);
  proto.set_free_blocks(shape.free_blocks);
  proto.set_free_bytes(shape.free_bytes);
  proto.set_largest_free_bytes(shape.largest_free_bytes);
  for (const std::uint32_t count : shape.free_blocks_by_size) proto.add_free_blocks_by_size(count);
  return proto;
}

v1::PageShape ToProto(const PageShape& shape, std::span<const Figure> figures) {
  v1::PageShape proto;
  proto.set_arena_first(shape.arena.first.raw());
  proto.set_arena_bytes(shape.arena.bytes);
  AddFigures(figures, *proto.mutable_figures());
  if (shape.broken) {
    *proto.mutable_broken() = ToProto(*shape.broken);
    return proto;
  }
  proto.set_free_bytes(shape.free_bytes);
  proto.set_free_blocks(shape.free_blocks);
  proto.set_largest_free_bytes(shape.largest_free_bytes);
  return proto;
}

v1::Counters CountersToProto(std::uint64_t operations, const DriverCounters& counters, std::span<const Count> heap,
                             std::span<const Count> pages, const VmCosts& vm) {
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
  *proto.mutable_heap_search_steps() = ToProto(counters.heap_search_steps);
  *proto.mutable_page_search_steps() = ToProto(counters.page_search_steps);
  AddCounts(heap, *proto.mutable_heap());
  AddCounts(pages, *proto.mutable_pages());
  AddCounts(CountsOf(vm), *proto.mutable_machine());
  AddFigures(FiguresOf(vm), *proto.mutable_machine_figures());
  return proto;
}

v1::Statistics ToProto(const Snapshot& snapshot) {
  v1::Statistics proto;
  *proto.mutable_counters() =
      CountersToProto(snapshot.operations, snapshot.counters, snapshot.heap_counts, snapshot.page_counts, snapshot.vm_costs);
  if (snapshot.heap) *proto.mutable_heap() = ToProto(*snapshot.heap, snapshot.heap_figures);
  *proto.mutable_pages() = ToProto(snapshot.pages, snapshot.page_figures);
  proto.set_host_bytes(snapshot.host_bytes);
  return proto;
}

}  // namespace alloclab::server
