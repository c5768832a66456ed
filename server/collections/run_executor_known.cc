// RunExecutor: what earlier runs of the same came to (server/store/known_result.h).
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "server/collections/run_executor.h"
#include "server/store/known_result.h"

namespace alloclab::server {

absl::StatusOr<Run> RunExecutor::Get(std::uint64_t id) const {
  if (const LiveRunPtr live = FindHere(id)) return live->Get();
  absl::StatusOr<Run> run = FindStored(id);
  if (run.ok()) run->differs_from = FindDifferent(*run);
  return run;
}

// A result has the notes of the file's reader: those of another's file, which he has deleted since, say nothing of this one.
bool RunExecutor::IsOfTheSameFile(const RunRequest& request, const Run& replayed) const {
  const auto* trace = std::get_if<UploadedTrace>(&request.workload);
  if (trace == nullptr || request.owner == replayed.request.owner) return true;
  const absl::StatusOr<StoredTrace> file = traces_.Find(trace->sha256);
  return file.ok() && file->upload_time <= replayed.submit_time;
}

bool RunExecutor::FinishAsKnown(LiveRun& live) {
  Run run = live.Get();
  const std::optional<std::string> key = run.request.share_result ? KeyOf(run.request) : std::nullopt;
  if (!key) return false;
  const absl::StatusOr<std::optional<KnownResult>> known = store_.FindKnownResult(*key);
  if (!known.ok() || !known->has_value()) return false;
  const absl::StatusOr<std::optional<Run>> replayed = store_.FindRun((*known)->run);
  if (!replayed.ok() || !replayed->has_value()) return false;
  const std::optional<KnownResult> still = KnownResultOf(**replayed);
  if (!still || still->key != *key || still->digest != (*known)->digest) return false;
  if (!IsOfTheSameFile(run.request, **replayed)) return false;
  v1::RunResult result = *(*replayed)->result;
  result.mutable_measured()->set_of_run((*known)->run);
  run.result = std::make_shared<const v1::RunResult>(std::move(result));
  run.state = RunState::kSucceeded;
  run.operations_done = (*replayed)->operations_done;
  run.operations_total = (*replayed)->operations_total;
  run.end_time = live.EndTime();
  Finish(live, std::move(run));
  return true;
}

std::uint64_t RunExecutor::FindDifferent(const Run& run) const {
  const std::optional<KnownResult> result = KnownResultOf(run);
  if (!result) return 0;
  const absl::StatusOr<std::optional<KnownResult>> known = store_.FindKnownResult(result->key);
  return known.ok() && known->has_value() && (*known)->digest != result->digest ? (*known)->run : 0;
}

}  // namespace alloclab::server
