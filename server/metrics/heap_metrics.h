// What the heaps of the machines do and hold: alloclab_heap_*, except what an allocator declares itself.
#ifndef ALLOCLAB_SERVER_METRICS_HEAP_METRICS_H_
#define ALLOCLAB_SERVER_METRICS_HEAP_METRICS_H_

#include <span>

#include "server/metrics/machine_metric.h"

namespace alloclab::server {

std::span<const MachineMetric> HeapMetrics();

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_METRICS_HEAP_METRICS_H_
