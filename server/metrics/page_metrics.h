// What the page allocators of the machines do and hold: alloclab_pages_*, except what an allocator declares itself.
#ifndef ALLOCLAB_SERVER_METRICS_PAGE_METRICS_H_
#define ALLOCLAB_SERVER_METRICS_PAGE_METRICS_H_

#include <span>

#include "server/metrics/machine_metric.h"

namespace alloclab::server {

std::span<const MachineMetric> PageMetrics();

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_METRICS_PAGE_METRICS_H_
