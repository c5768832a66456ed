// Which part of a load one of several generators has. Instances take turns, and connections follow their instance (on an
// existing instance connections take turns), so that together the generators offer what one alone would: the same arrivals, the
// same seeds, the same operations for each connection.
#ifndef ALLOCLAB_CLIENTS_LOAD_SHARE_H_
#define ALLOCLAB_CLIENTS_LOAD_SHARE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "alloclab/v1/load.pb.h"

namespace alloclab::load {

inline constexpr std::uint32_t kGeneratorsMax = 64;

struct Share {
  std::uint32_t number = 0, generators = 1;  // number < generators

  bool HasInstance(std::uint32_t instance) const { return instance % generators == number; }
  bool HasConnection(const v1::LoadConfig& config, std::uint32_t connection) const {
    return HasInstance(config.instance().empty() ? connection % config.instances() : connection);
  }
};

// HOST/PROCESS, of this process.
std::string GeneratorName();

std::uint32_t ConnectionsOf(const v1::LoadConfig& config, const Share& share);

// Of all fresh instances of the load, by their number; empty on an existing one.
std::vector<std::string> InstanceNames(const std::string& run_id, const v1::LoadConfig& config);
// Those that the share has.
std::vector<std::string> InstanceNames(const std::string& run_id, const v1::LoadConfig& config, const Share& share);

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_SHARE_H_
