// A simulated machine made from a caller's configuration.
#ifndef ALLOCLAB_SERVER_ENTITIES_MACHINE_H_
#define ALLOCLAB_SERVER_ENTITIES_MACHINE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "allocators/catalog/instance.h"

namespace alloclab::server {

// As Instance::Create, but RAM too small for the heap is the caller's mistake: INVALID_ARGUMENT.
absl::StatusOr<std::unique_ptr<Instance>> BuildMachine(const InstanceConfig& config);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_MACHINE_H_
