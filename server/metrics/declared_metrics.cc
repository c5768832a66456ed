#include <cctype>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "allocators/catalog/catalog.h"
#include "server/metrics/heap_metrics.h"

namespace alloclab::server {
namespace {

// One metric per name; its series are told apart by the counters' labels.
void AddMetric(const std::string& prefix, const CounterInfo& info, std::function<std::vector<Count>(const Snapshot&)> counts,
               std::vector<HeapMetric>& metrics) {
  const std::string name = prefix + std::string(info.name) + "_total";
  for (const HeapMetric& metric : metrics) {
    if (metric.name == name) return;
  }
  std::string help(info.help);
  help[0] = static_cast<char>(std::toupper(help[0]));
  metrics.push_back(
      {name, help + ".", prometheus::MetricType::Counter, false,
       [counter = info.name, counts = std::move(counts)](Family& family, const MetricLabels& labels, const HeapReading& heap) {
         for (const Count& count : counts(heap.state)) {
           if (count.info->name != counter) continue;
           const bool labelled = !count.info->label.empty();
           family.Add(labelled ? With(labels, count.info->label, count.info->value) : labels, count.value);
         }
       }});
}

std::vector<HeapMetric> MakeDeclaredMetrics() {
  std::vector<HeapMetric> metrics;
  for (const HeapAllocatorInfo& heap : HeapAllocators()) {
    for (const CounterInfo* info : CounterInfosOf(heap)) {
      AddMetric(
          "alloclab_heap_", *info, [](const Snapshot& state) { return state.heap_counts; }, metrics);
    }
  }
  for (const PageAllocatorInfo& pages : PageAllocators()) {
    for (const CounterInfo* info : CounterInfosOf(pages)) {
      AddMetric(
          "alloclab_pages_", *info, [](const Snapshot& state) { return state.page_counts; }, metrics);
    }
  }
  for (const CounterInfo& info : kVmCostInfos) {
    AddMetric(
        "alloclab_machine_", info, [](const Snapshot& state) { return CountsOf(state.vm_costs); }, metrics);
  }
  return metrics;
}

}  // namespace

std::span<const HeapMetric> DeclaredMetrics() {
  static const auto& metrics = *new std::vector<HeapMetric>(MakeDeclaredMetrics());
  return metrics;
}

}  // namespace alloclab::server
