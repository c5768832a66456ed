#include "server/store/run_codec.h"

#include <utility>

#include "proto/converters/deterministic.h"
#include "server/converters/instance_converter.h"
#include "server/converters/run_converter.h"
#include "server/errors.h"

namespace alloclab::server {
namespace {

SplitRequest Split(v1::SubmitRunRequest proto) {
  SplitRequest split;
  if (proto.workload().has_spec()) {
    split.phases = SerializeDeterministic(proto.workload().spec());
    proto.mutable_workload()->mutable_spec()->clear_phases();
  }
  split.request = SerializeDeterministic(proto);
  return split;
}

template <class Message>
absl::StatusOr<std::shared_ptr<const Message>> Decode(const std::string& bytes, std::string_view what) {
  if (bytes.empty()) return nullptr;
  auto message = std::make_shared<Message>();
  if (!message->ParseFromString(bytes)) return errors::StoreBroken(std::string(what) + " does not decode");
  return message;
}

absl::StatusOr<v1::SubmitRunRequest> ParseRequest(const std::string& bytes) {
  v1::SubmitRunRequest proto;
  if (proto.ParseFromString(bytes)) return proto;
  return errors::StoreBroken("a request does not decode");
}

}  // namespace

SplitRequest EncodeRequest(const RunRequest& request) { return Split(ToProto(request)); }

absl::StatusOr<SplitRequest> SplitEncodedRequest(const std::string& bytes) {
  absl::StatusOr<v1::SubmitRunRequest> proto = ParseRequest(bytes);
  if (!proto.ok()) return proto.status();
  return Split(*std::move(proto));
}

absl::StatusOr<RunRequest> DecodeRequest(const SplitRequest& bytes) {
  absl::StatusOr<v1::SubmitRunRequest> proto = ParseRequest(bytes.request);
  if (!proto.ok()) return proto.status();
  if (proto->workload().has_spec() && !proto->mutable_workload()->mutable_spec()->ParseFromString(bytes.phases))
    return errors::StoreBroken("a specification does not decode");
  absl::StatusOr<RunSubmission> submission = FromProto(*proto);
  if (!submission.ok()) return errors::StoreBroken(std::string(submission.status().message()));
  return std::move(submission->request);
}

absl::StatusOr<std::string> WithLabel(const std::string& request, const std::string& label) {
  absl::StatusOr<v1::SubmitRunRequest> proto = ParseRequest(request);
  if (!proto.ok()) return proto.status();
  proto->set_label(label);
  return SerializeDeterministic(*proto);
}

std::string OwnerOf(const std::string& request) {
  const absl::StatusOr<v1::SubmitRunRequest> proto = ParseRequest(request);
  return proto.ok() ? proto->owner() : "";
}

absl::StatusOr<RunRequest> DecodeListedRequest(const std::string& bytes) {
  absl::StatusOr<v1::SubmitRunRequest> proto = ParseRequest(bytes);
  if (!proto.ok()) return proto.status();
  if (!proto->workload().has_spec()) return DecodeRequest({bytes, ""});
  const v1::WorkloadSpec& spec = proto->workload().spec();
  WorkloadSpec listed;
  listed.name = spec.name();
  listed.seed = spec.seed();
  return RunRequest{std::move(listed), FromProto(proto->config()), proto->digest_at(), proto->label(),
                    proto->owner(),    proto->share_result()};
}

std::string EncodeResult(const std::shared_ptr<const v1::RunResult>& result) {
  return result == nullptr ? "" : SerializeDeterministic(*result);
}

absl::StatusOr<std::shared_ptr<const v1::RunResult>> DecodeResult(const std::string& bytes) {
  return Decode<v1::RunResult>(bytes, "a result");
}

std::string EncodeSummary(const std::shared_ptr<const v1::RunResult>& result) {
  return result == nullptr ? "" : SerializeDeterministic(Summarize(*result));
}

absl::StatusOr<std::shared_ptr<const v1::RunSummary>> DecodeSummary(const std::string& bytes) {
  return Decode<v1::RunSummary>(bytes, "a summary");
}

absl::StatusOr<Run> DecodeRun(const RunRow& row, bool whole) {
  const auto time = [](std::uint64_t nanos) { return absl::FromUnixNanos(static_cast<std::int64_t>(nanos)); };
  Run run;
  run.id = row.id;
  run.state = static_cast<RunState>(row.state);
  absl::StatusOr<RunRequest> request = whole ? DecodeRequest(row.request) : DecodeListedRequest(row.request.request);
  if (!request.ok()) return request.status();
  run.request = *std::move(request);
  run.submit_time = time(row.submit_ns);
  if (Ended(run.state)) run.end_time = time(row.end_ns);
  run.operations_done = row.operations_done;
  run.operations_total = row.operations_total;
  run.error = row.error;
  run.pinned = row.pinned;
  auto summary = DecodeSummary(row.summary);
  if (!summary.ok()) return summary.status();
  run.summary = *std::move(summary);
  if (!whole) return run;
  auto result = DecodeResult(row.result);
  if (!result.ok()) return result.status();
  run.result = *std::move(result);
  return run;
}

}  // namespace alloclab::server
