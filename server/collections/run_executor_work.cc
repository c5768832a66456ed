// RunExecutor: the workers, and how runs end.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "server/collections/native_run.h"
#include "server/collections/replay_run.h"
#include "server/collections/run_executor.h"
#include "server/log.h"

namespace alloclab::server {

void RunExecutor::Work(bool is_spare) {
  while (const LiveRunPtr live = NextRun(is_spare)) Execute(live);
}

RunExecutor::LiveRunPtr RunExecutor::NextRun(bool is_spare) {
  if (shared_ != nullptr) return NextShared(is_spare);
  const MutexLock lock(mutex_);
  auto next = FindNext();
  while (!stopping_ && next == queue_.end()) {
    to_do_.Wait(mutex_);
    next = FindNext();
  }
  if (stopping_) return nullptr;
  LiveRunPtr live = std::move(*next);
  queue_.erase(next);
  running_.emplace(live->id(), live->owner());
  turns_[live->owner()] = ++turn_;
  native_runs_ = native_runs_ || live->is_native();
  return live;
}

std::uint32_t RunExecutor::RunningOf(const std::string& owner) const {
  const auto is_his = [&](const auto& entry) { return entry.second == owner; };
  return static_cast<std::uint32_t>(std::count_if(running_.begin(), running_.end(), is_his));
}

std::deque<RunExecutor::LiveRunPtr>::iterator RunExecutor::FindNext() {
  auto next = queue_.end();
  std::pair<std::uint32_t, std::uint64_t> least;
  std::set<std::string_view> seen;  // of each owner the first that may begin
  for (auto it = queue_.begin(); it != queue_.end(); ++it) {
    const LiveRun& live = **it;
    if (native_runs_ && live.is_native()) continue;
    if (next != queue_.end() && live.owner() == (*next)->owner()) continue;
    if (!seen.insert(live.owner()).second) continue;
    const std::uint32_t running = RunningOf(live.owner());
    if (!live.owner().empty() && running >= limits_.running_of_one) continue;
    if (IsFull() && (live.owner().empty() || running > 0)) continue;
    const auto turn = turns_.find(live.owner());
    const std::pair rank(running, turn == turns_.end() ? 0 : turn->second);
    if (next != queue_.end() && rank >= least) continue;
    next = it;
    least = rank;
  }
  return next;
}

void RunExecutor::Execute(const LiveRunPtr& live) {
  live->Start();
  if (live->is_native()) return ExecuteNative(live);
  if (FinishAsKnown(*live)) return;
  const std::string heap = fmt::format("run-{}", live->id());
  const auto read = [live, heap, config = live->Get().request.config] {
    return MakeHeapReading(heap, config, live->Sample().value_or(Snapshot{}));
  };
  const std::uint64_t key = heaps_.Enter(HeapDirectory::Kind::kRun, heap, read, live->owner());
  ReplayRun(*live, traces_, budget_->Of(live->owner()), [&](Run run) { Finish(*live, std::move(run)); });
  heaps_.Leave(key, read());
}

void RunExecutor::ExecuteNative(const LiveRunPtr& live) {
  MeasureRun(*live, traces_, budget_->Of(live->owner()), natives_, [&](Run run) { Finish(*live, std::move(run)); });
  const MutexLock lock(mutex_);
  native_runs_ = false;
  to_do_.NotifyAll();
}

void RunExecutor::Finish(LiveRun& live, Run ended) {
  if (!live.ClaimEnd()) return;
  if (shared_ != nullptr) return FinishShared(live, ended);
  const absl::Status saved = store_.FinishRun(ended);
  if (!saved.ok()) {
    Log(LogLevel::kError, "run.not_stored", {{"run", ended.id}, {"error", std::string(saved.message())}});
    ended = WithLostResult(std::move(ended), saved);
    const MutexLock lock(mutex_);
    unsaved_.emplace(ended.id, ended);
  }
  Conclude(live, ended);
}

void RunExecutor::Conclude(LiveRun& live, Run ended) {
  ended.differs_from = FindDifferent(ended);
  if (ended.differs_from != 0) Log(LogLevel::kError, "run.differs", {{"run", ended.id}, {"from", ended.differs_from}});
  Log(LogLevel::kInfo, "run.ended",
      {{"run", ended.id}, {"state", RunStateName(ended.state)}, {"operations", ended.operations_done}, {"error", ended.error}});
  {
    const MutexLock lock(mutex_);
    ++ended_[static_cast<std::size_t>(ended.state)];
    if (ended.differs_from != 0) ++different_;
    LeaveLive(ended.id);
  }
  live.End(ended);
}

void RunExecutor::LeaveLive(std::uint64_t id) {
  live_.erase(id);
  running_.erase(id);
  leases_.erase(id);
  to_do_.NotifyOne();
  if (live_.empty()) idle_.NotifyAll();
}

void RunExecutor::FinishWithoutResult(LiveRun& live, RunState state, std::string error) {
  Run run = live.Get();
  run.state = state;
  run.error = std::move(error);
  run.end_time = live.EndTime();
  Finish(live, std::move(run));
}

void RunExecutor::SaveUnsaved() {
  std::map<std::uint64_t, Run> runs;
  {
    const MutexLock lock(mutex_);
    runs = unsaved_;
  }
  for (const auto& [id, run] : runs) {
    if (shared_ != nullptr) {
      if (const LiveRunPtr live = FindHere(id)) FinishShared(*live, run);
      continue;
    }
    const absl::Status saved = store_.FinishRun(run);
    if (absl::IsResourceExhausted(saved)) return;
    if (!saved.ok()) continue;
    const MutexLock lock(mutex_);
    unsaved_.erase(id);
  }
}

}  // namespace alloclab::server
