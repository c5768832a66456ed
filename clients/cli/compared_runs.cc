#include "clients/cli/compared_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
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
constexpr std::chrono::seconds kPatience{60};  // of a study whose server does not answer
constexpr std::chrono::milliseconds kPause{500};

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
    run = Persist([&] { return connection_.Call(&v1::Runs::Stub::SubmitRun, request); });
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
  absl::StatusOr<v1::Run> ended = AwaitEnd(oldest.run.id());
  if (!ended.ok()) return ended.status();
  if (interruption_.interrupted()) return absl::CancelledError("interrupted; what was under way is cancelled");
  oldest.run = *std::move(ended);
  under_way_.pop_front();
  return absl::OkStatus();
}

absl::StatusOr<v1::Run> ComparedRuns::AwaitEnd(std::uint64_t id) {
  v1::GetRunRequest request;
  request.set_id(id);
  for (;;) {
    absl::StatusOr<v1::Run> run = WatchToEnd(connection_, id, OnInterrupt::kCancelRun, interruption_, progress_);
    if (!GoesOnAfter(run.status())) return run;
    run = Persist([&] { return connection_.Call(&v1::Runs::Stub::GetRun, request); });
    if (!run.ok() || HasEnded(*run)) return run;
  }
}

absl::StatusOr<v1::Run> ComparedRuns::Persist(const std::function<absl::StatusOr<v1::Run>()>& call) {
  const auto patient_until = std::chrono::steady_clock::now() + kPatience;
  absl::StatusOr<v1::Run> run = call();
  for (bool said = false; GoesOnAfter(run.status()) && std::chrono::steady_clock::now() < patient_until; run = call()) {
    if (!said) {
      progress_.Finish();
      session_.Note(fmt::format("The server at {} does not answer; the study {} goes on if one does within {} s.",
                                connection_.options().server, study_, kPatience.count()));
    }
    said = true;
    std::this_thread::sleep_for(kPause);
  }
  return run;
}

bool ComparedRuns::GoesOnAfter(const absl::Status& status) const {
  return !study_.empty() && !interruption_.interrupted() && (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status));
}

}  // namespace alloclab::client
