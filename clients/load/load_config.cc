#include "clients/load/load_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "allocators/workload/handle_table.h"

namespace alloclab::load {
namespace {

template <typename Value>
absl::Status InRange(std::string_view flag, Value value, Value min, Value max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{} {}: expected {} to {}", flag, value, min, max));
}

absl::Status CheckCounts(const v1::LoadConfig& config) {
  if (absl::Status status = InRange("--connections", config.connections(), 1u, kConnectionsMax); !status.ok()) return status;
  if (absl::Status status = InRange("--batch", config.batch(), 1u, kBatchMax); !status.ok()) return status;
  if (absl::Status status = InRange("--window", config.window(), 1u, kWindowMax); !status.ok()) return status;
  if (!config.instance().empty()) return absl::OkStatus();
  if (config.instances() >= 1 && config.instances() <= config.connections()) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("--instances {}: expected 1 to {}, one connection for each at least",
                                                config.instances(), config.connections()));
}

absl::Status CheckTimes(const v1::LoadConfig& config) {
  if (absl::Status status = InRange("--rate", config.rate(), 0.0, kRateMax); !status.ok()) return status;
  if (absl::Status status = InRange("--duration", config.duration_seconds(), 0.0, kSecondsMax); !status.ok()) return status;
  if (absl::Status status = InRange("--warmup", config.warmup_seconds(), 0.0, kSecondsMax); !status.ok()) return status;
  return InRange("--timeout", config.timeout_seconds(), 0.001, kSecondsMax);
}

}  // namespace

std::uint32_t DefaultBatch(double rate, std::uint32_t connections) {
  constexpr double kLargest = 4096;
  if (rate == 0) return static_cast<std::uint32_t>(kLargest);
  return static_cast<std::uint32_t>(std::clamp(rate / 100 / connections, 1.0, kLargest));
}

absl::Status CheckConfig(const v1::LoadConfig& config) {
  if (absl::Status status = CheckCounts(config); !status.ok()) return status;
  if (absl::Status status = CheckTimes(config); !status.ok()) return status;
  if (config.rate() > 0) return absl::OkStatus();
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

}  // namespace alloclab::load
