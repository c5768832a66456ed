// What a load may be asked for.
#ifndef ALLOCLAB_CLIENTS_LOAD_LOAD_CONFIG_H_
#define ALLOCLAB_CLIENTS_LOAD_LOAD_CONFIG_H_

#include <cstdint>

#include "absl/status/status.h"
#include "alloclab/v1/load.pb.h"
#include "clients/load/script.h"

namespace alloclab::load {

inline constexpr std::uint32_t kConnectionsMax = 256;  // of a generator
inline constexpr std::uint32_t kBatchMax = 65'536;     // the server takes no more
inline constexpr std::uint32_t kWindowMax = 1'024;
inline constexpr double kRateMax = 1e9;
inline constexpr char kNoHeap[] = "none";  // the heap allocator of a machine with pages only
inline constexpr double kSecondsMax = 366 * 86'400.0;

// The operations per message when nothing is said: 4096; at a fixed rate so many that each connection sends a batch every
// `interval_seconds`, at most 4096, and no more than a connection has to do until the end of the load. Uses rate, connections,
// duration and operations of `config`.
std::uint32_t DefaultBatch(const v1::LoadConfig& config, double interval_seconds = 0.01);

// INVALID_ARGUMENT naming the flag and what is expected: a number out of range, flags that do not go together, a batch that at
// the rate would take longer than the load.
absl::Status CheckConfig(const v1::LoadConfig& config);
// Whether the workload can be replayed so. DATA_LOSS: it has no operations; INVALID_ARGUMENT: too many connections share an
// instance for the handles that each needs.
absl::Status CheckScript(const v1::LoadConfig& config, const Script& script);
// Whether the machine can do any of it. INVALID_ARGUMENT: it has no heap, and every operation needs one.
absl::Status CheckMachine(const v1::LoadConfig& config, const v1::InstanceConfig& machine, const Script& script);

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_LOAD_CONFIG_H_
