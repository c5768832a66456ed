#include "clients/load/share.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

namespace alloclab::load {

std::string GeneratorName() {
  std::array<char, 48> host{"host"};
  if (::gethostname(host.data(), host.size() - 1) != 0 || host.front() == '\0') host = {"host"};
  return fmt::format("{}/{}", host.data(), ::getpid());
}

std::uint32_t ConnectionsOf(const v1::LoadConfig& config, const Share& share) {
  std::uint32_t connections = 0;
  for (std::uint32_t c = 0; c < config.connections(); ++c) connections += share.HasConnection(config, c) ? 1 : 0;
  return connections;
}

std::vector<std::string> InstanceNames(const std::string& run_id, const v1::LoadConfig& config) {
  return InstanceNames(run_id, config, Share());
}

std::vector<std::string> InstanceNames(const std::string& run_id, const v1::LoadConfig& config, const Share& share) {
  std::vector<std::string> names;
  for (std::uint32_t i = 0; config.instance().empty() && i < config.instances(); ++i) {
    if (share.HasInstance(i)) names.push_back(config.instances() == 1 ? run_id : fmt::format("{}-{}", run_id, i));
  }
  return names;
}

}  // namespace alloclab::load
