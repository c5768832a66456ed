#include <array>

#include "allocators/machine/address.h"
#include "server/metrics/heap_metrics.h"
#include "server/metrics/outcome_labels.h"

namespace alloclab::server {
namespace {

using H = const HeapReading&;

constexpr auto kCounter = prometheus::MetricType::Counter;
constexpr auto kGauge = prometheus::MetricType::Gauge;
constexpr auto kHistogram = prometheus::MetricType::Histogram;

void AddMerges(Family& family, const MetricLabels& labels, H heap) {
  constexpr std::array<std::string_view, 4> kMerged{"none", "below", "above", "both"};  // as in PageCosts
  for (std::size_t i = 0; i < kMerged.size(); ++i) {
    family.Add(With(labels, "merged", kMerged[i]), heap.state.page_costs.merges[i]);
  }
}

void AddFaults(Family& family, const MetricLabels& labels, H heap) {
  const VmCosts& costs = heap.state.vm_costs;
  family.Add(With(labels, "kind", "demand_zero"), costs.demand_faults);
  family.Add(With(labels, "kind", "protection"), costs.protection_faults);
  family.Add(With(labels, "kind", "not_mapped"), costs.not_mapped_faults);
  family.Add(With(labels, "kind", "fatal"), costs.refused_faults);
}

void AddCycles(Family& family, const MetricLabels& labels, H heap) {
  Pow2Histogram all;
  for (const OpKind kind : kPageKinds) all.Add(heap.state.counters.cycles[static_cast<std::size_t>(kind)]);
  family.Add(labels, ToHistogram(all, kCycleBuckets.first, kCycleBuckets.last));
}

std::vector<HeapMetric> MakePageMetrics() {
  return {
      {"alloclab_pages_operations_total", "Page operations by kind and whether they did what was asked.", kCounter, false,
       [](Family& family, const MetricLabels& labels, H heap) { AddOperations(family, labels, heap, kPageKinds); }},
      {"alloclab_pages_failures_total", "Failed page operations by cause.", kCounter, false,
       [](Family& family, const MetricLabels& labels, H heap) { AddFailures(family, labels, heap, kPageKinds); }},
      Single("alloclab_pages_requested_bytes_total", "Bytes of pages asked for.", kCounter, false,
             [](H heap) { return heap.state.counters.requested_bytes[static_cast<std::size_t>(OpKind::kAllocatePages)]; }),
      Single("alloclab_pages_live_bytes", "Bytes of pages that programs hold.", kGauge, false,
             [](H heap) { return heap.state.counters.page_live_bytes; }),
      Single("alloclab_pages_live_peak_bytes", "Most bytes of pages that programs ever held.", kGauge, false,
             [](H heap) { return heap.state.counters.page_live_peak_bytes; }),
      Single("alloclab_pages_arena_bytes", "Bytes that the page allocator manages.", kGauge, true,
             [](H heap) { return heap.state.pages.arena_bytes; }),
      Single("alloclab_pages_free_bytes", "Bytes of free pages.", kGauge, true,
             [](H heap) { return heap.state.pages.free_bytes; }),
      {"alloclab_pages_search_runs", "Runs visited by one page operation.", kHistogram, false,
       [](Family& family, const MetricLabels& labels, H heap) {
         family.Add(labels, ToHistogram(heap.state.counters.search_headers[1], kSearchBuckets.first, kSearchBuckets.last));
       }},
      {"alloclab_pages_cost_cycles", "Simulated cycles of one page operation on a 386DX-33.", kHistogram, false, AddCycles},
      Single("alloclab_pages_runs_visited_total", "Runs visited, for page faults too.", kCounter, false,
             [](H heap) { return heap.state.page_costs.runs_visited; }),
      {"alloclab_pages_memory_accesses_total", "Words of run headers read and written by the allocator.", kCounter, false,
       [](Family& family, const MetricLabels& labels, H heap) {
         family.Add(With(labels, "kind", "load"), heap.state.page_costs.words_loaded);
         family.Add(With(labels, "kind", "store"), heap.state.page_costs.words_stored);
       }},
      Single("alloclab_pages_splits_total", "Allocations carved from a longer run.", kCounter, false,
             [](H heap) { return heap.state.page_costs.splits; }),
      {"alloclab_pages_merges_total", "Frees by which neighbouring runs they merged with.", kCounter, false, AddMerges},
      Single("alloclab_pages_filled_bytes_total", "Junk bytes written over freed pages.", kCounter, false,
             [](H heap) { return heap.state.page_costs.filled_bytes; }),
      {"alloclab_vm_page_faults_total", "Simulated page faults by kind; fatal: no frame was left.", kCounter, false, AddFaults},
      Single("alloclab_vm_tlb_misses_total", "Pages that searches moved to: misses of a one-entry TLB.", kCounter, false,
             [](H heap) { return heap.state.heap_costs.search_pages; }),
      Single("alloclab_vm_page_table_pages", "Frames of the page directory and page tables.", kGauge, true,
             [](H heap) { return heap.state.vm_costs.page_table_frames; }),
      Single("alloclab_vm_mapped_pages", "Present pages.", kGauge, true,
             [](H heap) { return heap.state.vm_costs.mapped_frames; }),
      Single("alloclab_vm_frames_free", "Free page frames.", kGauge, true,
             [](H heap) { return heap.state.pages.free_bytes / kPageBytes; }),
      Single("alloclab_vm_host_bytes", "Memory of the host that the machine holds.", kGauge, false,
             [](H heap) { return heap.state.host_bytes; }),
  };
}

}  // namespace

std::span<const HeapMetric> PageMetrics() {
  static const auto& metrics = *new std::vector<HeapMetric>(MakePageMetrics());
  return metrics;
}

}  // namespace alloclab::server
