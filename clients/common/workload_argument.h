// What the argument WORKLOAD of a command line means.
#ifndef ALLOCLAB_CLIENTS_COMMON_WORKLOAD_ARGUMENT_H_
#define ALLOCLAB_CLIENTS_COMMON_WORKLOAD_ARGUMENT_H_

#include <cstdint>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "alloclab/v1/workload.pb.h"
#include "clients/common/yaml_message.h"

namespace alloclab::client {

struct BuiltinName {
  std::string name;
  std::uint64_t seed = 0, operations = 0;  // 0: its own
};
struct SpecificationFile {
  std::string path;
  v1::WorkloadSpec spec;
  Places places;      // for errors that the server finds
  bool once = false;  // it came from a pipe
};
struct TraceFile {
  std::string path;
  std::string bytes;  // as on disk: not yet inflated or read
  bool once = false;  // it came from a pipe
};
struct StoredTrace {
  std::string sha256;  // of a trace that the server has already
};
using WorkloadArgument = std::variant<BuiltinName, SpecificationFile, TraceFile, StoredTrace>;

inline constexpr std::size_t kTraceFileBytesMax = std::size_t{2} << 30;

// "sha256:HEX" is a stored trace; "-" is standard input; an existing file, or a text with a '/' or a '.', is a file, which is a
// specification if it is named .yaml, .yml or .json, or is a text that is no trace of any known kind; anything else is the name
// of a built-in workload. Instead of a specification such a file may name what `alloclab runs show N --workload` names: the key
// `builtin` (name, seed, operations) or `trace_sha256`. DATA_LOSS: missing, unreadable or malformed, with the place.
absl::StatusOr<WorkloadArgument> ReadWorkloadArgument(const std::string& argument);

// Whether the same argument gives the same workload to the next command too: nothing that came from a pipe does.
bool CanBeReadAgain(const WorkloadArgument& workload);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_WORKLOAD_ARGUMENT_H_
