#include "server/metrics/declared_metrics.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocators/catalog/catalog.h"
#include "allocators/guest/guest_heap.h"

namespace alloclab::server {
namespace {

template <class Value>
using ValuesOf = std::function<std::vector<Value>(const Snapshot&)>;  // of the counters, of the figures

// "blocks that searches looked at" -> "Blocks that searches looked at."
std::string Sentence(std::string_view help) {
  std::string sentence(help);
  if (!sentence.empty()) sentence[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(sentence[0])));
  return sentence + ".";
}

// Allocators may declare the same name: it is one family all the same.
bool Has(const std::vector<MachineMetric>& metrics, const std::string& name) {
  return std::any_of(metrics.begin(), metrics.end(), [&](const MachineMetric& metric) { return metric.name == name; });
}

void AddCounter(const std::string& prefix, const CounterInfo& info, const ValuesOf<Count>& counts,
                std::vector<MachineMetric>& metrics) {
  const std::string name = prefix + std::string(info.name) + "_total";
  if (Has(metrics, name)) return;
  metrics.push_back({name, Sentence(info.help), kCounter, false,
                     [counter = info.name, counts](Family& family, const MetricLabels& labels, const HeapReading& machine) {
                       for (const Count& count : counts(machine.state)) {
                         if (count.info->name != counter) continue;
                         const bool labelled = !count.info->label.empty();
                         family.Add(labelled ? With(labels, count.info->label, count.info->value) : labels, count.value);
                       }
                     }});
}

// Addresses and words are no quantities.
void AddFigure(const std::string& prefix, const FigureInfo& info, const ValuesOf<Figure>& figures,
               std::vector<MachineMetric>& metrics) {
  const std::string name = prefix + std::string(info.name);
  if (Has(metrics, name) || info.unit == FigureInfo::Unit::kAddress || info.unit == FigureInfo::Unit::kWord) return;
  metrics.push_back({name, Sentence(info.help), kGauge, false,
                     [wanted = info.name, figures](Family& family, const MetricLabels& labels, const HeapReading& machine) {
                       for (const Figure& figure : figures(machine.state)) {
                         if (figure.info->name == wanted) family.Add(labels, figure.value);
                       }
                     }});
}

template <class Info>
void AddAllocator(const std::string& prefix, const Info& allocator, const ValuesOf<Count>& counts,
                  const ValuesOf<Figure>& figures, std::vector<MachineMetric>& metrics) {
  for (const CounterInfo* info : CounterInfosOf(allocator)) AddCounter(prefix, *info, counts, metrics);
  for (const FigureInfo& info : allocator.declaration->figures) AddFigure(prefix, info, figures, metrics);
}

std::vector<MachineMetric> MakeDeclaredMetrics() {
  std::vector<MachineMetric> metrics;
  const auto add_heap = [&metrics](const HeapAllocatorInfo& heap) {
    AddAllocator(
        "alloclab_heap_", heap, [](const Snapshot& state) { return state.heap_counts; },
        [](const Snapshot& state) { return state.heap_figures; }, metrics);
  };
  for (const HeapAllocatorInfo& heap : HeapAllocators()) add_heap(heap);
  add_heap(GuestHeapInfo("guest", nullptr));  // all programs count alike
  for (const PageAllocatorInfo& pages : PageAllocators()) {
    AddAllocator(
        "alloclab_pages_", pages, [](const Snapshot& state) { return state.page_counts; },
        [](const Snapshot& state) { return state.page_figures; }, metrics);
  }
  for (const CounterInfo& info : kVmCostInfos) {
    AddCounter(
        "alloclab_machine_", info, [](const Snapshot& state) { return CountsOf(state.vm_costs); }, metrics);
  }
  for (const FigureInfo& info : kVmFigureInfos) {
    AddFigure(
        "alloclab_machine_", info, [](const Snapshot& state) { return FiguresOf(state.vm_costs); }, metrics);
  }
  return metrics;
}

}  // namespace

std::span<const MachineMetric> DeclaredMetrics() {
  static const auto& metrics = *new std::vector<MachineMetric>(MakeDeclaredMetrics());
  return metrics;
}

}  // namespace alloclab::server
