#include "server/entities/live_run.h"

#include <algorithm>
#include <utility>

#include "allocators/common/check.h"
#include "server/errors.h"
#include "server/limits.h"

namespace alloclab::server {

Run LiveRun::Get() const {
  const MutexLock lock(mutex_);
  return run_;
}

std::optional<Snapshot> LiveRun::Sample() const {
  const MutexLock lock(mutex_);
  return snapshot_;
}

bool LiveRun::AwaitEnd(MonotonicTime deadline) const {
  const MutexLock lock(mutex_);
  while (!Ended(run_.state) && ended_.WaitUntil(mutex_, deadline)) {
  }
  return Ended(run_.state);
}

void LiveRun::Start() {
  {
    const MutexLock lock(mutex_);
    if (!Ended(run_.state)) run_.state = RunState::kRunning;
    here_ = true;
  }
  Notify();
}

void LiveRun::Leave() {
  const MutexLock lock(mutex_);
  here_ = false;
}

void LiveRun::Follow(const Run& now) {
  {
    const MutexLock lock(mutex_);
    if (here_ || Ended(run_.state) || (run_.state == now.state && run_.operations_done == now.operations_done)) return;
    run_.state = now.state;
    run_.operations_done = now.operations_done;
  }
  Notify();
}

absl::Status LiveRun::LookAt(const Look& look, MonotonicTime deadline) {
  {
    const MutexLock lock(mutex_);
    if (run_.state == RunState::kRunning && !here_) return errors::RunElsewhere(id_);
  }
  const RunState before = Get().state;
  if (before == RunState::kRunning && !Sample()) return errors::RunNotRunning(id_, "being prepared");
  if (before == RunState::kRunning && looks_.Wait(look, deadline)) return absl::OkStatus();
  const RunState state = Get().state;
  if (state != RunState::kRunning) return errors::RunNotRunning(id_, RunStateName(state));
  return absl::DeadlineExceededError("the run is too busy to be looked at; try again");
}

bool LiveRun::Advance(const RunProgress& progress, const Driver& driver, MonotonicTime now) {
  looks_.Serve(driver);
  if (!pace_.Due(now)) return false;
  Snapshot snapshot = TakeSnapshot(driver);
  pace_.Taken(now, std::max(now, MonotonicTime::Now()));
  {
    const MutexLock lock(mutex_);
    if (Ended(run_.state)) return true;
    run_.operations_done = progress.operations_done;
    run_.operations_total = progress.operations_total;
    snapshot_ = std::move(snapshot);
  }
  Notify();
  return true;
}

void LiveRun::Proceed(std::uint64_t replays_done, std::uint64_t replays, MonotonicTime now) {
  {
    const MutexLock lock(mutex_);
    if (!Ended(run_.state)) run_.operations_done = run_.operations_total * replays_done / replays;
  }
  if (!pace_.Due(now)) return;
  pace_.Taken(now, now);
  Notify();
}

void LiveRun::End(const Run& ended) {
  ALLOCLAB_CHECK(end_claimed_);
  ALLOCLAB_CHECK(Ended(ended.state));
  {
    const MutexLock lock(mutex_);
    run_ = ended;
    ended_.NotifyAll();
  }
  looks_.Close();
  Notify();
}

void LiveRun::SetFinalSnapshot(Snapshot snapshot) {
  const MutexLock lock(mutex_);
  snapshot_ = std::move(snapshot);
}

std::uint64_t LiveRun::Watch(std::function<void()> changed) {
  const MutexLock lock(watchers_mutex_);
  watchers_.emplace(next_watcher_, std::move(changed));
  return next_watcher_++;
}

void LiveRun::Unwatch(std::uint64_t watcher) {
  const MutexLock lock(watchers_mutex_);
  watchers_.erase(watcher);
}

void LiveRun::Notify() {
  const MutexLock lock(watchers_mutex_);
  for (const auto& [id, changed] : watchers_) changed();
}

}  // namespace alloclab::server
