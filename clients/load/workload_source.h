// Where the operations of a load come from: a built-in, a specification or a trace file, made or read here, not by the server.
#ifndef ALLOCLAB_CLIENTS_LOAD_WORKLOAD_SOURCE_H_
#define ALLOCLAB_CLIENTS_LOAD_WORKLOAD_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "allocators/workload/workload_spec.h"
#include "alloclab/v1/workload.pb.h"
#include "clients/load/script.h"

namespace alloclab::load {

struct LoadedWorkload {
  v1::Workload source;  // empty for a file
  std::shared_ptr<const Script> script;
};

// `argument` as in clients/common/workload_argument.h; `seed` 0 keeps the workload's own. DATA_LOSS: there is no such
// workload, or it is malformed, with the place; INVALID_ARGUMENT: it cannot be used so.
absl::StatusOr<LoadedWorkload> LoadWorkload(const std::string& argument, std::uint64_t seed);

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_WORKLOAD_SOURCE_H_
