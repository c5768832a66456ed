// From the argument WORKLOAD to what the server is asked to replay.
#ifndef ALLOCLAB_CLIENTS_CLI_WORKLOAD_REQUEST_H_
#define ALLOCLAB_CLIENTS_CLI_WORKLOAD_REQUEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "alloclab/v1/workload.pb.h"
#include "clients/cli/run_watch.h"
#include "clients/cli/trace_file.h"
#include "clients/common/workload_argument.h"

namespace alloclab::client {

// --seed and --operations, 0: not given; and how to read a file of another tool.
struct WorkloadOptions {
  std::uint64_t seed = 0, operations = 0;
  TraceSourceOptions log;
};

// Fills `workload`, uploading a trace file first; of an uploaded file, `notes` get what was odd in it. With options of its own
// a file is read here and uploaded as an .alloctrace. INVALID_ARGUMENT: an option that does not go with the workload;
// DATA_LOSS: the file is malformed.
absl::Status ResolveWorkload(const WorkloadArgument& argument, const WorkloadOptions& options, const Connection& connection,
                             Interruption& interruption, Progress& progress, v1::Workload& workload,
                             std::vector<std::string>& notes);

// Says of what the server refused where in the user's input it stands.
absl::Status ExplainRefusal(const absl::Status& status, const WorkloadArgument& argument, const Connection& connection);

// A file's name, whatever is in it; of standard input and of what has a name of its own nothing.
std::string DefaultLabel(const std::string& given, const WorkloadArgument& argument);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_WORKLOAD_REQUEST_H_
