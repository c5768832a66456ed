// Workloads for commands that need no server: the same names and files as everywhere, read here.
#ifndef ALLOCLAB_CLIENTS_CLI_LOCAL_WORKLOAD_H_
#define ALLOCLAB_CLIENTS_CLI_LOCAL_WORKLOAD_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "allocators/workload/trace.h"

namespace alloclab::client {

struct LocalWorkload {
  std::string name;  // a built-in's, or the file's without folders
  Trace trace;
  std::string file;  // the bytes of a trace file; of all else nothing
};

// `seed` and `operations` are for built-ins; 0: their own. DATA_LOSS: missing, malformed, or one that only a server has.
absl::StatusOr<LocalWorkload> LoadLocalWorkload(const std::string& argument, std::uint64_t seed, std::uint64_t operations);

// The line of an operation in a CMU .rep file; 0: there are no lines.
std::uint64_t LineOfOperation(const LocalWorkload& workload, std::uint64_t operation);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_LOCAL_WORKLOAD_H_
