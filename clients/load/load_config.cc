#include "clients/load/load_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "allocators/workload/handle_table.h"
#include "clients/load/share.h"

namespace alloclab::load {
namespace {

template <typename Value>
absl::Status InRange(std::string_view flag, Value value, Value min, Value max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{} {}: expected {} to {}", flag, value, min, max));
}

// Each generator has a connection at least, and an instance unless all are on one that exists.
absl::Status CheckShares(const v1::LoadConfig& config) {
  const std::uint32_t generators = std::max(config.generators(), 1u);
  if (absl::Status status = InRange("--generators", generators, 1u, kGeneratorsMax); !status.ok()) return status;
  const bool fresh = config.instance().empty();
  const std::uint32_t to_share = fresh ? config.instances() : config.connections();
  if (to_share < generators) {
    return absl::InvalidArgumentError(fmt::format("--generators {}: expected at most {}, one for each of the {}", generators,
                                                  to_share, fresh ? "instances" : "connections"));
  }
  const std::uint32_t most = ConnectionsOf(config, {.number = 0, .generators = generators});
  if (most <= kConnectionsMax) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("--connections {}: of {} generators one would have {}, expected at most {}",
                                                config.connections(), generators, most, kConnectionsMax));
}

absl::Status CheckCounts(const v1::LoadConfig& config) {
  const std::uint32_t connections_max = kConnectionsMax * std::clamp(config.generators(), 1u, kGeneratorsMax);
  if (absl::Status status = InRange("--connections", config.connections(), 1u, connections_max); !status.ok()) return status;
  if (absl::Status status = InRange("--batch", config.batch(), 1u, kBatchMax); !status.ok()) return status;
  if (absl::Status status = InRange("--window", config.window(), 1u, kWindowMax); !status.ok()) return status;
  if (!config.instance().empty()) return absl::OkStatus();
  if (config.instances() >= 1 && config.instances() <= config.connections()) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("--instances {}: expected 1 to {}, one connection for each at least",
                                                config.instances(), config.connections()));
}

std::string Text(double seconds) { return absl::FormatDuration(absl::Seconds(seconds)); }

absl::Status DurationInRange(std::string_view flag, double seconds, double min) {
  if (seconds >= min && seconds <= kSecondsMax) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{} {}: expected {} to {}", flag, Text(seconds), Text(min), Text(kSecondsMax)));
}

absl::Status CheckTimes(const v1::LoadConfig& config) {
  if (!(config.rate() >= 0 && config.rate() <= kRateMax)) {
    return absl::InvalidArgumentError(fmt::format("--rate {:.0f}: expected 1 to {:.0f}", config.rate(), kRateMax));
  }
  if (absl::Status status = DurationInRange("--duration", config.duration_seconds(), 0); !status.ok()) return status;
  if (absl::Status status = DurationInRange("--warmup", config.warmup_seconds(), 0); !status.ok()) return status;
  return DurationInRange("--timeout", config.timeout_seconds(), 0.001);
}

// The most operations that one connection has to do at the rate; infinite if nothing ends the load.
double OperationsOfConnection(const v1::LoadConfig& config) {
  double operations = std::numeric_limits<double>::infinity();
  if (config.duration_seconds() > 0) operations = config.rate() * config.duration_seconds();
  if (config.operations() > 0) operations = std::min(operations, static_cast<double>(config.operations()));
  return operations / config.connections();
}

// The rate must be able to show: a connection that never gets to its second batch sends what it sends at once.
absl::Status CheckBatchAtRate(const v1::LoadConfig& config) {
  const double most = OperationsOfConnection(config);
  if (config.batch() <= most) return absl::OkStatus();
  std::vector<std::string> ends;
  if (config.operations() > 0) ends.push_back(fmt::format("--operations {}", config.operations()));
  if (config.duration_seconds() > 0) ends.push_back(fmt::format("--duration {}", Text(config.duration_seconds())));
  const std::string connections = config.connections() > 1 ? fmt::format(" over {} connections", config.connections()) : "";
  const std::string expected =
      most >= 1 ? fmt::format("a --batch of at most {:.0f}", std::floor(most)) : "a longer load or fewer connections";
  return absl::InvalidArgumentError(fmt::format(
      "--batch {}: at --rate {:.0f}{} one batch is {} of load, more than {}; expected {}", config.batch(), config.rate(),
      connections, Text(config.batch() * config.connections() / config.rate()), fmt::join(ends, ", "), expected));
}

}  // namespace

std::uint32_t DefaultBatch(const v1::LoadConfig& config, double interval_seconds) {
  constexpr double kLargest = 4096;
  if (config.rate() == 0) return static_cast<std::uint32_t>(kLargest);
  const double interval = config.rate() * interval_seconds / config.connections();
  return static_cast<std::uint32_t>(std::clamp(std::min(interval, OperationsOfConnection(config)), 1.0, kLargest));
}

absl::Status CheckConfig(const v1::LoadConfig& config) {
  if (absl::Status status = CheckCounts(config); !status.ok()) return status;
  if (absl::Status status = CheckTimes(config); !status.ok()) return status;
  if (absl::Status status = CheckShares(config); !status.ok()) return status;
  if (config.rate() > 0) return CheckBatchAtRate(config);
  if (config.catch_up())
    return absl::InvalidArgumentError("--catch-up: expected together with --rate: a closed loop is never late");
  if (config.arrival() != v1::LoadConfig::CONSTANT) {
    return absl::InvalidArgumentError("--arrival poisson: expected together with --rate");
  }
  return absl::OkStatus();
}

absl::Status CheckScript(const v1::LoadConfig& config, const Script& script) {
  if (script.operations.empty()) return absl::DataLossError(script.name + ": no operations to replay");
  const std::uint64_t instances = config.instance().empty() ? config.instances() : 1;
  const std::uint64_t sharing = (config.connections() + instances - 1) / instances;
  const std::uint64_t handles = std::max(script.heap_handles, script.page_handles);
  if (sharing * handles <= HandleTable::kHandlesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{} connections share an instance and need {} handles each: expected {} in all at most; "
                  "use fewer connections or more --instances",
                  sharing, handles, HandleTable::kHandlesMax));
}

absl::Status CheckMachine(const v1::LoadConfig& config, const v1::InstanceConfig& machine, const Script& script) {
  const auto needs_heap = [](const Operation& operation) { return operation.kind <= OpKind::kFree; };
  if (machine.heap_allocator() != kNoHeap) return absl::OkStatus();
  if (!std::all_of(script.operations.begin(), script.operations.end(), needs_heap)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      config.instance().empty()
          ? "--heap-allocator: none, but every operation of this workload needs a heap; expected another one"
          : fmt::format(
                "--instance {}: it has no heap, but every operation of this workload needs one; expected another instance",
                config.instance()));
}

}  // namespace alloclab::load
