#include "server/metrics/heap_metrics.h"

#include <optional>
#include <string>

#include "server/metrics/outcome_labels.h"

namespace alloclab::server {
namespace {

// Nothing where the chain of blocks is broken.
std::optional<HeapShape> ShapeOf(const HeapReading& heap) {
  if (heap.state.heap && heap.state.heap->broken) return std::nullopt;
  return heap.state.heap.value_or(HeapShape{});
}

void AddRequested(Family& family, const MetricLabels& labels, const HeapReading& heap) {
  for (const OpKind kind : {OpKind::kMalloc, OpKind::kCalloc, OpKind::kRealloc}) {
    family.Add(With(labels, "operation", OpKindName(kind)),
               heap.state.counters.requested_bytes[static_cast<std::size_t>(kind)]);
  }
}

// How many free blocks are at most so many bytes long: a snapshot, which must not be mistaken for a histogram, so no `le`.
void AddFreeBlocksBySize(Family& family, const MetricLabels& labels, const HeapReading& heap) {
  const std::optional<HeapShape> shape = ShapeOf(heap);
  if (!shape) return;
  std::uint64_t cumulative = 0;
  for (int bucket = 0; bucket < Pow2Histogram::kBuckets; ++bucket) {
    cumulative += shape->free_blocks_by_size[static_cast<std::size_t>(bucket)];
    if (bucket < kSizeBuckets.first || bucket > kSizeBuckets.last) continue;
    family.Add(With(labels, "up_to", std::to_string(Pow2Histogram::UpperBound(bucket))), cumulative);
  }
  family.Add(With(labels, "up_to", "+Inf"), cumulative);
}

void AddCycles(Family& family, const MetricLabels& labels, const HeapReading& heap) {
  for (const OpKind kind : kHeapKinds) {
    family.Add(
        With(labels, "operation", OpKindName(kind)),
        ToHistogram(heap.state.counters.cycles[static_cast<std::size_t>(kind)], kCycleBuckets.first, kCycleBuckets.last));
  }
}

std::vector<MachineMetric> MakeShapeMetrics() {
  using H = const HeapReading&;
  return {
      Single("alloclab_heap_live_requested_bytes", "Payload bytes of live blocks, as asked for.", kGauge, true,
             [](H heap) { return heap.state.counters.live_requested_bytes; }),
      SingleIfKnown("alloclab_heap_live_block_bytes", "Bytes of live blocks, header and padding included.", kGauge, true,
                    ShapeOf, [](const HeapShape& shape) { return shape.live_block_bytes; }),
      SingleIfKnown("alloclab_heap_live_blocks", "Live blocks.", kGauge, true, ShapeOf,
                    [](const HeapShape& shape) { return shape.live_blocks; }),
      Single("alloclab_heap_size_bytes", "Bytes from the start of the heap to the break.", kGauge, true,
             [](H heap) { return heap.size_bytes; }),
      Single("alloclab_heap_size_limit_bytes", "Bytes of the address range reserved for the heap.", kGauge, true,
             [](H heap) { return heap.limit_bytes; }),
      Single("alloclab_heap_size_peak_bytes", "Most bytes that the heap was ever long.", kGauge, true,
             [](H heap) { return heap.state.counters.heap_size_peak_bytes; }),
      Single("alloclab_heap_live_requested_peak_bytes", "Most payload bytes that were ever live.", kGauge, true,
             [](H heap) { return heap.state.counters.live_requested_peak_bytes; }),
      SingleIfKnown("alloclab_heap_free_bytes", "Bytes of free blocks.", kGauge, true, ShapeOf,
                    [](const HeapShape& shape) { return shape.free_bytes; }),
      SingleIfKnown("alloclab_heap_free_blocks", "Free blocks.", kGauge, true, ShapeOf,
                    [](const HeapShape& shape) { return shape.free_blocks; }),
      SingleIfKnown("alloclab_heap_largest_free_block_bytes", "Bytes of the largest free block.", kGauge, true, ShapeOf,
                    [](const HeapShape& shape) { return shape.largest_free_bytes; }),
      Single("alloclab_heap_broken", "1 while the chain of the heap's blocks is broken, so that they cannot be counted.",
             kGauge, true, [](H heap) { return heap.broken_heaps; }),
      {"alloclab_heap_free_blocks_by_size", "Free blocks of at most so many bytes, now (cumulative; not a counter).", kGauge,
       false, AddFreeBlocksBySize},
  };
}

std::vector<MachineMetric> MakeCostMetrics() {
  using H = const HeapReading&;
  return {
      {"alloclab_heap_operations_total", "Heap operations by kind and whether they did what was asked.", kCounter, true,
       [](Family& family, const MetricLabels& labels, H heap) { AddOperations(family, labels, heap, kHeapKinds); }},
      {"alloclab_heap_failures_total", "Heap operations that did not do what was asked, by outcome.", kCounter, true,
       [](Family& family, const MetricLabels& labels, H heap) {
         AddFailures(family, labels, heap, kHeapKinds, kHeapFailures);
       }},
      {"alloclab_heap_requested_bytes_total", "Payload bytes asked for.", kCounter, false, AddRequested},
      {"alloclab_heap_steps_per_search", "Blocks looked at by one search.", kHistogram, false,
       [](Family& family, const MetricLabels& labels, H heap) {
         family.Add(labels, ToHistogram(heap.state.counters.heap_search_steps, kSearchBuckets.first, kSearchBuckets.last));
       }},
      {"alloclab_heap_request_size_bytes", "Payload bytes of one request.", kHistogram, false,
       [](Family& family, const MetricLabels& labels, H heap) {
         family.Add(labels, ToHistogram(heap.state.counters.request_bytes, kSizeBuckets.first, kSizeBuckets.last));
       }},
      {"alloclab_heap_cost_cycles", "Simulated cycles of one operation on a 386DX-33, page faults included.", kHistogram, false,
       AddCycles},
  };
}

}  // namespace

std::span<const MachineMetric> HeapMetrics() {
  static const auto& metrics = *[] {
    auto* all = new std::vector<MachineMetric>(MakeCostMetrics());
    for (MachineMetric& metric : MakeShapeMetrics()) all->push_back(std::move(metric));
    return all;
  }();
  return metrics;
}

}  // namespace alloclab::server
