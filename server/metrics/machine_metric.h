// One metric of a simulated machine: a family whose series are told apart by lab_instance and the names of the allocators.
#ifndef ALLOCLAB_SERVER_METRICS_MACHINE_METRIC_H_
#define ALLOCLAB_SERVER_METRICS_MACHINE_METRIC_H_

#include <functional>
#include <string>
#include <utility>

#include "server/collections/heap_directory.h"
#include "server/http/metric_family.h"

namespace alloclab::server {

inline constexpr auto kCounter = prometheus::MetricType::Counter;
inline constexpr auto kGauge = prometheus::MetricType::Gauge;
inline constexpr auto kHistogram = prometheus::MetricType::Histogram;

struct MachineMetric {
  std::string name, help;
  prometheus::MetricType type;
  // Whether a machine has it before its first operation even when there are many machines.
  bool always;
  // Adds the machine's series; `labels` has those that every series has.
  std::function<void(Family& family, const MetricLabels& labels, const HeapReading& machine)> add;
};

// A metric of one number.
template <class Value>
MachineMetric Single(std::string name, std::string help, prometheus::MetricType type, bool always, Value value) {
  return {std::move(name), std::move(help), type, always,
          [value](Family& family, const MetricLabels& labels, const HeapReading& machine) {
            family.Add(labels, static_cast<double>(value(machine)));
          }};
}

// A metric of one number, `value(of(machine))`, of a machine whose `of` gives something: otherwise the number is not known.
template <class Of, class Value>
MachineMetric SingleIfKnown(std::string name, std::string help, prometheus::MetricType type, bool always, Of of, Value value) {
  return {std::move(name), std::move(help), type, always,
          [of, value](Family& family, const MetricLabels& labels, const HeapReading& machine) {
            if (const auto known = of(machine)) family.Add(labels, static_cast<double>(value(*known)));
          }};
}

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_METRICS_MACHINE_METRIC_H_
