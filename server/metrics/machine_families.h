// All families of the simulated machines.
#ifndef ALLOCLAB_SERVER_METRICS_MACHINE_FAMILIES_H_
#define ALLOCLAB_SERVER_METRICS_MACHINE_FAMILIES_H_

#include <cstddef>
#include <vector>

#include "server/collections/heap_directory.h"
#include "server/http/metric_family.h"

namespace alloclab::server {

// With more machines, those that did nothing yet have their basic series only.
inline constexpr std::size_t kFullMachinesMax = 8;

void AddMachineFamilies(const std::vector<HeapReading>& machines, std::vector<prometheus::MetricFamily>& families);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_METRICS_MACHINE_FAMILIES_H_
