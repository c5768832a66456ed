// What a load may be asked for.
#ifndef ALLOCLAB_CLIENTS_LOAD_LOAD_CONFIG_H_
#define ALLOCLAB_CLIENTS_LOAD_LOAD_CONFIG_H_

#include <cstdint>

#include "absl/status/status.h"
#include "alloclab/v1/load.pb.h"
#include "clients/load/script.h"

namespace alloclab::load {

inline constexpr std::uint32_t kConnectionsMax = 256;
inline constexpr std::uint32_t kBatchMax = 65'536;  // the server takes no more
inline constexpr std::uint32_t kWindowMax = 1'024;
inline constexpr double kRateMax = 1e9;
inline constexpr double kSecondsMax = 366 * 86'400.0;

// The operations per message when nothing is said: 4096; at a fixed rate so many that each connection sends a batch every 10
// ms, at most 4096.
std::uint32_t DefaultBatch(double rate, std::uint32_t connections);

// INVALID_ARGUMENT naming the flag and what is expected.
absl::Status CheckConfig(const v1::LoadConfig& config);
// Whether the workload can be replayed so. DATA_LOSS: it has no operations; INVALID_ARGUMENT: too many connections share an
// instance for the handles that each needs.
absl::Status CheckScript(const v1::LoadConfig& config, const Script& script);

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_LOAD_CONFIG_H_
