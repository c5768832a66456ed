#include "server/store/run_codec.h"

#include "proto/converters/deterministic.h"
#include "server/converters/run_converter.h"
#include "server/errors.h"

namespace alloclab::server {

std::string EncodeRequest(const RunRequest& request) { return SerializeDeterministic(ToProto(request)); }

absl::StatusOr<RunRequest> DecodeRequest(const std::string& bytes) {
  v1::SubmitRunRequest proto;
  if (!proto.ParseFromString(bytes)) return errors::StoreBroken("a request does not decode");
  absl::StatusOr<RunSubmission> submission = FromProto(proto);
  if (!submission.ok()) return errors::StoreBroken(std::string(submission.status().message()));
  return std::move(submission->request);
}

std::string EncodeResult(const std::shared_ptr<const v1::RunResult>& result) {
  return result == nullptr ? "" : SerializeDeterministic(*result);
}

absl::StatusOr<std::shared_ptr<const v1::RunResult>> DecodeResult(const std::string& bytes) {
  if (bytes.empty()) return nullptr;
  auto result = std::make_shared<v1::RunResult>();
  if (!result->ParseFromString(bytes)) return errors::StoreBroken("a result does not decode");
  return result;
}

}  // namespace alloclab::server
