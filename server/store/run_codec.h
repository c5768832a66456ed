// What the store keeps of a run besides numbers and texts: its request and its result, as protocol buffers of run.proto.
#ifndef ALLOCLAB_SERVER_STORE_RUN_CODEC_H_
#define ALLOCLAB_SERVER_STORE_RUN_CODEC_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "alloclab/v1/run.pb.h"
#include "server/entities/run.h"

namespace alloclab::server {

std::string EncodeRequest(const RunRequest& request);
// INTERNAL when the bytes are not what EncodeRequest wrote.
absl::StatusOr<RunRequest> DecodeRequest(const std::string& bytes);

// Without a result (null) no bytes, and the other way round.
std::string EncodeResult(const std::shared_ptr<const v1::RunResult>& result);
// INTERNAL when the bytes are not what EncodeResult wrote.
absl::StatusOr<std::shared_ptr<const v1::RunResult>> DecodeResult(const std::string& bytes);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_RUN_CODEC_H_
