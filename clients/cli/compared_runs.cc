#include "clients/cli/compared_runs.h"

#include <algorithm>
#include <string>
#include <utility>

#include "allocators/common/sha256.h"
#include "alloclab/v1/run.grpc.pb.h"
#include "clients/cli/run_view.h"
#include "clients/cli/workload_request.h"
#include "proto/converters/deterministic.h"

namespace alloclab::client {
namespace {

constexpr std::size_t kUnderWay = 8;  // runs that the server has at a time
constexpr std::size_t kAttemptsMax = 100;
constexpr std::size_t kIdDigits = 40;

std::string RequestId(const std::string& study, const v1::SubmitRunRequest& request, std::size_t attempt) {
  Sha256 digest;
  digest.Update(study + '\0' + SerializeDeterministic(request) + std::to_string(attempt));
  return "study-" + digest.HexDigest().substr(0, kIdDigits);
}

bool Unfinished(const v1::Run& run) { return run.state() == v1::Run::CANCELLED || run.state() == v1::Run::INTERRUPTED; }

}  // namespace

absl::StatusOr<v1::Run> ComparedRuns::Submit(v1::SubmitRunRequest request, std::size_t replay) {
  if (study_.empty()) return connection_.Call(&v1::Runs::Stub::SubmitRun, request);
  const v1::SubmitRunRequest plain = request;
  absl::StatusOr<v1::Run> run = absl::AbortedError(study_ + ": a run was cancelled too often");
  for (std::size_t attempt = 0; attempt < kAttemptsMax; ++attempt) {
    request.set_request_id(RequestId(study_, plain, replay * kAttemptsMax + attempt));
    run = connection_.Call(&v1::Runs::Stub::SubmitRun, request);
    if (!run.ok() || !Unfinished(*run)) break;
  }
  if (run.ok() && HasEnded(*run)) ++found_;
  return run;
}

absl::Status ComparedRuns::Add(const v1::SubmitRunRequest& request, ComparedRun run, const WorkloadArgument& argument,
                               std::size_t replay) {
  for (;;) {
    if (under_way_.size() >= kUnderWay) {
      if (absl::Status status = WaitForOldest(); !status.ok()) return status;
    }
    absl::StatusOr<v1::Run> submitted = Submit(request, replay);
    if (submitted.ok()) {
      run.run = *std::move(submitted);
      under_way_.push_back(runs_.size());
      runs_.push_back(std::move(run));
      return absl::OkStatus();
    }
    const absl::StatusCode code = submitted.status().code();
    if (code == absl::StatusCode::kResourceExhausted && !under_way_.empty()) {  // the queue may be full
      if (absl::Status status = WaitForOldest(); !status.ok()) return status;
      continue;
    }
    const absl::Status why = ExplainRefusal(submitted.status(), argument, connection_);
    if (why.code() != absl::StatusCode::kResourceExhausted && why.code() != absl::StatusCode::kInvalidArgument) return why;
    if (refused_.ok()) refused_ = why;
    run.not_run = std::string(why.message());
    runs_.push_back(std::move(run));
    return absl::OkStatus();
  }
}

absl::StatusOr<std::vector<ComparedRun>> ComparedRuns::Finish() {
  while (!under_way_.empty()) {
    if (absl::Status status = WaitForOldest(); !status.ok()) return status;
  }
  const bool none = std::all_of(runs_.begin(), runs_.end(), [](const ComparedRun& run) { return !run.not_run.empty(); });
  if (none && !refused_.ok()) return refused_;
  return std::move(runs_);
}

void ComparedRuns::Cancel() {
  for (const std::size_t i : under_way_) (void)CancelRun(connection_, runs_[i].run.id());
  under_way_.clear();
}

absl::Status ComparedRuns::WaitForOldest() {
  ComparedRun& oldest = runs_[under_way_.front()];
  absl::StatusOr<v1::Run> ended = WatchToEnd(connection_, oldest.run.id(), OnInterrupt::kCancelRun, interruption_, progress_);
  if (!ended.ok()) return ended.status();
  if (interruption_.interrupted()) return absl::CancelledError("interrupted; what was under way is cancelled");
  oldest.run = *std::move(ended);
  under_way_.pop_front();
  return absl::OkStatus();
}

}  // namespace alloclab::client
