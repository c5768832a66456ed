// RunExecutor: room in its queue and in the store, and what is deleted to make some.
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "server/collections/run_executor.h"
#include "server/errors.h"
#include "server/limits.h"
#include "server/log.h"

namespace alloclab::server {

absl::Status RunExecutor::CheckQueue(const std::string& owner) const {
  {
    const MutexLock lock(mutex_);
    if (stopping_) return errors::Draining();
    if (queue_.size() >= limits_.queued_runs) return errors::RunQueueFull(limits_.queued_runs);
    const auto is_his = [&](const LiveRunPtr& live) { return live->owner() == owner; };
    if (!owner.empty() && std::count_if(queue_.begin(), queue_.end(), is_his) >= limits_.queued_of_one)
      return errors::RunQueueFullOf(owner, limits_.queued_of_one);
  }
  return shared_ == nullptr ? absl::OkStatus() : CheckSharedRoom(owner);
}

absl::Status RunExecutor::CheckStore(const std::string& owner) const {
  if (absl::Status status = store_.CheckRunsOf(owner, limits_.stored_of_one); !status.ok()) return status;
  const absl::StatusOr<std::uint64_t> stored = store_.CountRuns();
  if (!stored.ok()) return stored.status();
  return *stored < limits_.stored_runs ? absl::OkStatus() : errors::TooManyStoredRuns(limits_.stored_runs);
}

absl::StatusOr<std::uint64_t> RunExecutor::Insert(const Run& run, const RunSubmission& submission) {
  const std::string& owner = run.request.owner;
  while (true) {
    RetireRuns(owner);
    if (absl::Status status = CheckStore(owner); !status.ok()) return status;
    absl::StatusOr<std::uint64_t> id =
        store_.InsertRunWithin(run, submission.request_id, submission.fingerprint, limits_.stored_of_one);
    // Another server may have taken the room that was made; one whose disk is full has its room still.
    const bool taken = absl::IsResourceExhausted(id.status()) && !store_.CheckRunsOf(owner, limits_.stored_of_one).ok();
    if (!taken || !limits_.retire_runs) return id;
  }
}

// One that cannot retire anything says so in the log; what asked for room is then refused.
void RunExecutor::RetireRuns(const std::string& submitter) {
  if (!limits_.retire_runs && limits_.runs_age_of.empty() && limits_.runs_age == absl::InfiniteDuration()) return;
  Retention retention;
  retention.submitter = submitter;
  if (limits_.retire_runs) {
    retention.runs_max = std::max<std::uint64_t>(limits_.stored_runs, 1) - 1;
    if (limits_.stored_of_one != UINT64_MAX)
      retention.submitter_runs_max = std::max<std::uint64_t>(limits_.stored_of_one, 1) - 1;
  }
  if (limits_.runs_age_of.empty() || MonotonicTime::Now() >= next_ages_) {  // reads all that may be old enough: not each time
    retention.before = absl::Now() - limits_.runs_age;
    for (const auto& [owner, age] : limits_.runs_age_of) retention.before_of[owner] = absl::Now() - age;
    next_ages_ = MonotonicTime::Now() + kRunsAgeInterval;
  }
  const absl::StatusOr<std::uint64_t> retired = store_.RetireRuns(retention);
  if (!retired.ok()) {
    return Log(LogLevel::kWarning, "runs.not_retired", {{"error", std::string(retired.status().message())}});
  }
  if (*retired > 0) Log(LogLevel::kInfo, "runs.retired", {{"runs", *retired}});
}

void RunExecutor::RetireTraces(std::uint64_t bytes, const std::string& owner) {
  if (!limits_.retire_traces) return;
  const absl::StatusOr<std::uint64_t> stored = traces_.StoredBytes();
  if (!stored.ok()) return;
  std::uint64_t left = *stored;
  std::vector<StoredTrace> newest;
  for (std::uint64_t before = 0; left + bytes > traces_.bytes_max() && before != 1;) {
    const absl::StatusOr<TraceList> page = traces_.List(before, kListTracesMax);
    if (!page.ok() || page->traces.empty()) break;
    before = page->traces.back().id;
    newest.insert(newest.end(), page->traces.begin(), page->traces.end());
    if (page->traces.size() <= kListTracesMax) break;
  }
  struct Held {
    std::uint64_t bytes = 0;
    std::vector<StoredTrace> traces{};  // newest first
  };
  std::map<std::string, Held> held;
  for (StoredTrace& trace : newest) {
    held[trace.owner].bytes += trace.bytes;
    held[trace.owner].traces.push_back(std::move(trace));
  }
  held[owner].bytes += bytes;
  while (left + bytes > traces_.bytes_max()) {
    const auto most = std::max_element(held.begin(), held.end(), [&](const auto& one, const auto& other) {
      return std::tuple(!one.second.traces.empty(), one.second.bytes, one.first == owner) <
             std::tuple(!other.second.traces.empty(), other.second.bytes, other.first == owner);
    });
    if (most->second.traces.empty() || (most->first != owner && most->second.bytes <= held[owner].bytes)) return;
    const StoredTrace trace = std::move(most->second.traces.back());
    most->second.traces.pop_back();
    const auto user = FindUser(trace.sha256, trace.owner);
    if (!user.ok() || user->has_value() || !traces_.Delete(trace.sha256).ok()) continue;
    most->second.bytes -= trace.bytes;
    left -= std::min(left, trace.bytes);
    Log(LogLevel::kInfo, "trace.retired", {{"name", trace.name}, {"sha256", trace.sha256}, {"bytes", trace.bytes}});
  }
}

absl::StatusOr<TraceEntry> RunExecutor::AddTrace(std::string bytes, const std::string& name, const Interrupt& interrupt,
                                                 const std::string& owner) {
  const auto make_room = [&](std::uint64_t needed) {
    const MutexLock submitting(submit_mutex_);
    RetireTraces(needed, owner);
  };
  return traces_.Add(std::move(bytes), name, interrupt, make_room, owner);
}

}  // namespace alloclab::server
