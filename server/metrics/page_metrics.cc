#include "server/metrics/page_metrics.h"

#include <cstddef>
#include <optional>
#include <vector>

#include "server/metrics/outcome_labels.h"

namespace alloclab::server {
namespace {

using H = const HeapReading&;

// Nothing where the list of free blocks is broken.
std::optional<PageShape> PageShapeOf(H machine) {
  return machine.state.pages.broken ? std::nullopt : std::optional(machine.state.pages);
}

void AddPageCycles(Family& family, const MetricLabels& labels, H heap) {
  Pow2Histogram all;
  for (const OpKind kind : kPageKinds) all.Add(heap.state.counters.cycles[static_cast<std::size_t>(kind)]);
  family.Add(labels, ToHistogram(all, kCycleBuckets.first, kCycleBuckets.last));
}

std::vector<MachineMetric> MakePageMetrics() {
  return {
      {"alloclab_pages_operations_total", "Page operations by kind and whether they did what was asked.", kCounter, false,
       [](Family& family, const MetricLabels& labels, H heap) { AddOperations(family, labels, heap, kPageKinds); }},
      {"alloclab_pages_failures_total", "Page operations that did not do what was asked, by outcome.", kCounter, false,
       [](Family& family, const MetricLabels& labels, H heap) {
         AddFailures(family, labels, heap, kPageKinds, kPageFailures);
       }},
      Single("alloclab_pages_requested_bytes_total", "Bytes of pages asked for.", kCounter, false,
             [](H heap) { return heap.state.counters.requested_bytes[static_cast<std::size_t>(OpKind::kAllocatePages)]; }),
      Single("alloclab_pages_live_bytes", "Bytes of pages that programs hold.", kGauge, false,
             [](H heap) { return heap.state.counters.page_live_bytes; }),
      Single("alloclab_pages_live_peak_bytes", "Most bytes of pages that programs ever held.", kGauge, false,
             [](H heap) { return heap.state.counters.page_live_peak_bytes; }),
      Single("alloclab_pages_arena_bytes", "Bytes that the page allocator manages.", kGauge, true,
             [](H heap) { return heap.arena_bytes; }),
      SingleIfKnown("alloclab_pages_free_bytes", "Bytes of free pages.", kGauge, true, PageShapeOf,
                    [](const PageShape& shape) { return shape.free_bytes; }),
      Single("alloclab_pages_broken", "1 while the list of free blocks of pages is broken, so that they cannot be counted.",
             kGauge, true, [](H heap) { return heap.broken_page_lists; }),
      {"alloclab_pages_steps_per_search", "Blocks looked at by one page operation.", kHistogram, false,
       [](Family& family, const MetricLabels& labels, H heap) {
         family.Add(labels, ToHistogram(heap.state.counters.page_search_steps, kSearchBuckets.first, kSearchBuckets.last));
       }},
      {"alloclab_pages_cost_cycles", "Simulated cycles of one page operation on a 386DX-33.", kHistogram, false, AddPageCycles},
      SingleIfKnown("alloclab_pages_free_blocks", "Free blocks of pages.", kGauge, true, PageShapeOf,
                    [](const PageShape& shape) { return shape.free_blocks; }),
      SingleIfKnown("alloclab_pages_largest_free_block_bytes", "Bytes of the largest free block of pages.", kGauge, true,
                    PageShapeOf, [](const PageShape& shape) { return shape.largest_free_bytes; }),
  };
}

}  // namespace

std::span<const MachineMetric> PageMetrics() {
  static const auto& metrics = *new std::vector<MachineMetric>(MakePageMetrics());
  return metrics;
}

}  // namespace alloclab::server
