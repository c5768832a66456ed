#include "server/entities/machine.h"

#include <string>

#include "server/errors.h"

namespace alloclab::server {

absl::StatusOr<std::unique_ptr<Instance>> BuildMachine(const InstanceConfig& config) {
  absl::StatusOr<std::unique_ptr<Instance>> machine = Instance::Create(config);
  if (absl::IsResourceExhausted(machine.status())) {
    return errors::BadField("config.ram_bytes", std::string(machine.status().message()));
  }
  return machine;
}

}  // namespace alloclab::server
