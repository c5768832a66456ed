#include "server/metrics/machine_families.h"

#include <span>
#include <utility>

#include "server/metrics/declared_metrics.h"
#include "server/metrics/heap_metrics.h"
#include "server/metrics/machine_metrics.h"
#include "server/metrics/page_metrics.h"

namespace alloclab::server {

void AddMachineFamilies(const std::vector<HeapReading>& machines, std::vector<prometheus::MetricFamily>& families) {
  const bool few = machines.size() <= kFullMachinesMax;
  for (const std::span<const MachineMetric> metrics : {HeapMetrics(), PageMetrics(), MachineMetrics(), DeclaredMetrics()}) {
    for (const MachineMetric& metric : metrics) {
      Family family(metric.name, metric.help, metric.type);
      for (const HeapReading& machine : machines) {
        if (!metric.always && !few && machine.state.operations == 0) continue;
        metric.add(family,
                   {{"lab_instance", machine.lab_instance},
                    {"heap_allocator", machine.heap_allocator},
                    {"page_allocator", machine.page_allocator}},
                   machine);
      }
      families.push_back(std::move(family).Take());
    }
  }
}

}  // namespace alloclab::server
