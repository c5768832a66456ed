// The counters and figures that the allocators of the catalogue declare, and those of the machine's memory management: one
// family for each name, alloclab_heap_NAME, alloclab_pages_NAME or alloclab_machine_NAME, of a counter with _total behind it.
#ifndef ALLOCLAB_SERVER_METRICS_DECLARED_METRICS_H_
#define ALLOCLAB_SERVER_METRICS_DECLARED_METRICS_H_

#include <span>

#include "server/metrics/machine_metric.h"

namespace alloclab::server {

std::span<const MachineMetric> DeclaredMetrics();

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_METRICS_DECLARED_METRICS_H_
