#include "server/metrics/machine_metrics.h"

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "allocators/common/cost_model.h"
#include "allocators/machine/address.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

using M = const HeapReading&;

void AddInfo(Family& family, MetricLabels labels, M machine) {
  if (machine.lab_instance == kOtherInstances) return;
  labels.insert(labels.end(), {{"cost_model", kCostModelName}, {"mode", machine.guarded ? "guarded" : "unguarded"}});
  family.Add(labels, 1.0);
}

std::vector<MachineMetric> MakeMachineMetrics() {
  return {
      {"alloclab_machine_info", "Always 1: which machine this is.", kGauge, true, AddInfo},
      Single("alloclab_machine_violations_total", "Broken invariants of both allocators found by checks; must stay 0.",
             kCounter, true, [](M machine) { return machine.state.violations; }),
      SingleIfKnown(
          "alloclab_machine_free_frames", "Free page frames.", kGauge, true,
          [](M machine) { return machine.state.pages.broken ? std::nullopt : std::optional(machine.state.pages.free_bytes); },
          [](std::uint64_t bytes) { return bytes / kPageBytes; }),
      Single("alloclab_machine_host_bytes", "Memory of the host that the machine holds.", kGauge, false,
             [](M machine) { return machine.state.host_bytes; }),
      Single("alloclab_machine_snapshot_timestamp_seconds",
             "When the machine was looked at for this scrape, in seconds since 1970.", kGauge, true,
             [](M machine) { return absl::ToDoubleSeconds(machine.state.time - absl::UnixEpoch()); }),
  };
}

}  // namespace

std::span<const MachineMetric> MachineMetrics() {
  static const auto& metrics = *new std::vector<MachineMetric>(MakeMachineMetrics());
  return metrics;
}

}  // namespace alloclab::server
