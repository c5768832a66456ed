// Sending a recorded trace to the server.
#ifndef ALLOCLAB_CLIENTS_CLI_TRACE_UPLOAD_H_
#define ALLOCLAB_CLIENTS_CLI_TRACE_UPLOAD_H_

#include <string>

#include "absl/status/statusor.h"
#include "alloclab/v1/workload.pb.h"
#include "clients/cli/run_watch.h"
#include "clients/common/workload_argument.h"

namespace alloclab::client {

// Without its folders.
std::string FileName(const std::string& path);

// Streams the file as it is in chunks of 1 MiB; the server reads and checks it. DATA_LOSS: the server says that it is
// malformed, and where. CANCELLED: interrupted.
absl::StatusOr<v1::TraceInfo> UploadTrace(const Connection& connection, const TraceFile& file, Interruption& interruption,
                                          Progress& progress);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_TRACE_UPLOAD_H_
