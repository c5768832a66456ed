// What the store keeps of a run besides numbers and texts: its request, its result and the summary of it, as protocol buffers
// of run.proto.
#ifndef ALLOCLAB_SERVER_STORE_RUN_CODEC_H_
#define ALLOCLAB_SERVER_STORE_RUN_CODEC_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "alloclab/v1/run.pb.h"
#include "server/entities/run.h"

namespace alloclab::server {

// The phases of a specification are kept apart: lists do not show them.
struct SplitRequest {
  std::string request;
  std::string phases;  // empty for any other workload
};
SplitRequest EncodeRequest(const RunRequest& request);
// Of bytes that hold both, as the first schema has them. INTERNAL: they are no request.
absl::StatusOr<SplitRequest> SplitEncodedRequest(const std::string& bytes);

// INTERNAL when the bytes are not what EncodeRequest wrote. A listed one has a specification without phases.
absl::StatusOr<RunRequest> DecodeRequest(const SplitRequest& bytes);
absl::StatusOr<RunRequest> DecodeListedRequest(const std::string& bytes);
// The request of such a row, with another label. INTERNAL as above.
absl::StatusOr<std::string> WithLabel(const std::string& request, const std::string& label);

// Whose such a row's run is; nobody's, if the bytes are no request.
std::string OwnerOf(const std::string& request);

// A run as the rows of every store have it; only a whole one has phases and result.
struct RunRow {
  std::uint64_t id = 0, state = 0;
  SplitRequest request;
  std::uint64_t submit_ns = 0, end_ns = 0;
  std::uint64_t operations_done = 0, operations_total = 0;
  std::string error, summary, result;
  bool pinned = false;
};
// INTERNAL as above.
absl::StatusOr<Run> DecodeRun(const RunRow& row, bool whole);

// Without a result (null) no bytes, and the other way round.
std::string EncodeResult(const std::shared_ptr<const v1::RunResult>& result);
// INTERNAL when the bytes are not what EncodeResult wrote.
absl::StatusOr<std::shared_ptr<const v1::RunResult>> DecodeResult(const std::string& bytes);

// Likewise of the summary of a result.
std::string EncodeSummary(const std::shared_ptr<const v1::RunResult>& result);
absl::StatusOr<std::shared_ptr<const v1::RunSummary>> DecodeSummary(const std::string& bytes);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_RUN_CODEC_H_
