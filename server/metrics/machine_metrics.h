// What is true of a whole machine: alloclab_machine_*, except what its memory management counts.
#ifndef ALLOCLAB_SERVER_METRICS_MACHINE_METRICS_H_
#define ALLOCLAB_SERVER_METRICS_MACHINE_METRICS_H_

#include <span>

#include "server/metrics/machine_metric.h"

namespace alloclab::server {

std::span<const MachineMetric> MachineMetrics();

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_METRICS_MACHINE_METRICS_H_
