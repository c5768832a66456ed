// The metrics of instances and runs.
#ifndef ALLOCLAB_SERVER_METRICS_HEAP_METRICS_H_
#define ALLOCLAB_SERVER_METRICS_HEAP_METRICS_H_

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "server/collections/heap_directory.h"
#include "server/metrics/family.h"

namespace alloclab::server {

// One metric of a heap.
struct HeapMetric {
  std::string name, help;
  prometheus::MetricType type;
  // Whether a heap has it before its first operation even when there are many heaps.
  bool always;
  // Adds the heap's series; `labels` has heap and allocator.
  std::function<void(Family& family, const MetricLabels& labels, const HeapReading& heap)> add;
};

// A metric of one number.
template <class Value>
HeapMetric Single(std::string name, std::string help, prometheus::MetricType type, bool always, Value value) {
  return {std::move(name), std::move(help), type, always,
          [value](Family& family, const MetricLabels& labels, const HeapReading& heap) {
            family.Add(labels, static_cast<double>(value(heap)));
          }};
}

// Up to so many heaps show all their series from the beginning; of more, those without operations show the basic ones only.
inline constexpr std::size_t kFullHeapsMax = 8;

std::span<const HeapMetric> HeapMetrics();  // alloclab_heap_*
std::span<const HeapMetric> PageMetrics();  // alloclab_pages_*, alloclab_machine_*
// What the allocators of the catalogue declare: alloclab_heap_NAME_total, alloclab_pages_NAME_total, alloclab_machine_NAME_total.
std::span<const HeapMetric> DeclaredMetrics();

void AddHeapFamilies(const std::vector<HeapReading>& heaps, std::vector<prometheus::MetricFamily>& families);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_METRICS_HEAP_METRICS_H_
