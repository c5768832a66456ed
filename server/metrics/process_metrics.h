// What the server costs its host: process_*, as Prometheus' client libraries name them.
#ifndef ALLOCLAB_SERVER_METRICS_PROCESS_METRICS_H_
#define ALLOCLAB_SERVER_METRICS_PROCESS_METRICS_H_

#include <prometheus/metric_family.h>

#include <vector>

namespace alloclab::server {

// Read from /proc now; what cannot be read is left out.
void AddProcessFamilies(std::vector<prometheus::MetricFamily>& families);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_METRICS_PROCESS_METRICS_H_
