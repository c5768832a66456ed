// Requests and results of runs as the bytes that the store keeps (protocol buffers of run.proto), and back.
#ifndef ALLOCLAB_SERVER_CONVERTERS_RUN_CODEC_H_
#define ALLOCLAB_SERVER_CONVERTERS_RUN_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "allocators/workload/run.h"
#include "server/entities/run.h"

namespace alloclab::server {

// Equal requests have equal bytes.
std::string EncodeRequest(const RunRequest& request);
// INTERNAL when the bytes are not what EncodeRequest wrote.
absl::StatusOr<RunRequest> DecodeRequest(std::string_view bytes);

// What a finished run leaves, beside what ExecuteRun found.
struct RunReport {
  RunResult result;
  std::string trace_format;
  std::uint64_t seed = 0;        // of a synthetic workload
  std::uint64_t prepare_ns = 0;  // reading or generating the operations
};
std::string EncodeResult(const RunReport& report);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_RUN_CODEC_H_
