// RunExecutor: runs of a queue that several servers share (server/store/run_queue.h).
#include <algorithm>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "server/collections/run_executor.h"
#include "server/errors.h"
#include "server/limits.h"
#include "server/log.h"

namespace alloclab::server {
namespace {

// By the clocks of two hosts.
absl::Duration AgeOf(const Run& run) { return std::max(absl::Now() - run.submit_time, absl::ZeroDuration()); }

// The store may take the same later.
bool MayBeSavedLater(const absl::Status& status) { return absl::IsUnavailable(status) || absl::IsResourceExhausted(status); }

}  // namespace

absl::Status RunExecutor::CheckSharedRoom(const std::string& owner) const {
  const absl::StatusOr<RunQueue::Waiting> waiting = shared_->CountWaiting(owner);
  if (!waiting.ok()) return waiting.status();
  if (waiting->runs >= limits_.queued_runs) return errors::RunQueueFull(limits_.queued_runs);
  if (!owner.empty() && waiting->of_owner >= limits_.queued_of_one) {
    return errors::RunQueueFullOf(owner, limits_.queued_of_one);
  }
  return absl::OkStatus();
}

RunExecutor::LiveRunPtr RunExecutor::NextShared(bool is_spare) {
  while (true) {
    if (LiveRunPtr live = TakeShared(is_spare)) return live;
    const MutexLock lock(mutex_);
    if (!stopping_) (is_spare ? spares_stop_ : to_do_).WaitUntil(mutex_, MonotonicTime::Now() + kTakeInterval);
    if (stopping_) return nullptr;
  }
}

RunExecutor::LiveRunPtr RunExecutor::TakeShared(bool is_spare) {
  const MutexLock taking(take_mutex_);
  RunQueue::Bounds bounds{.running_of_one = limits_.running_of_one};
  {
    const MutexLock lock(mutex_);
    if (stopping_) return nullptr;
    if (is_spare) {
      const MonotonicTime now = MonotonicTime::Now();
      if (!IsFull() || now < next_spare_look_) return nullptr;
      next_spare_look_ = now + kTakeInterval;
    }
    bounds.natives = !native_runs_;
    bounds.first_ones = IsFull();
  }
  const absl::StatusOr<std::optional<RunQueue::Taken>> taken = shared_->Take(bounds);
  if (!taken.ok() || !taken->has_value()) return nullptr;  // the store has logged why, and is asked again
  const Run& run = (*taken)->run;
  const MutexLock lock(mutex_);
  // Who watches it already sees it run.
  const auto found = std::find_if(followed_.begin(), followed_.end(),
                                  [&](const LiveRunPtr& live) { return live->id() == run.id && !live->end_claimed(); });
  const LiveRunPtr live = found != followed_.end() ? *found : std::make_shared<LiveRun>(run, AgeOf(run));
  if (found != followed_.end()) followed_.erase(found);
  live_.emplace(run.id, live);
  leases_[run.id] = {.token = (*taken)->token};
  running_.emplace(run.id, live->owner());
  native_runs_ = native_runs_ || live->is_native();
  Log(LogLevel::kInfo, "run.taken", {{"run", run.id}, {"attempt", (*taken)->attempt}, {"token", (*taken)->token}});
  return live;
}

RunExecutor::LiveRunPtr RunExecutor::Follow(std::uint64_t id) {
  const auto find = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> LiveRunPtr {
    if (const auto here = live_.find(id); here != live_.end()) return here->second;
    const auto found = std::find_if(followed_.begin(), followed_.end(), [&](const auto& live) { return live->id() == id; });
    return found == followed_.end() ? nullptr : *found;
  };
  {
    const MutexLock lock(mutex_);
    if (LiveRunPtr live = find()) return live;
  }
  const absl::StatusOr<Run> run = FindStored(id);
  if (!run.ok() || Ended(run->state)) return nullptr;
  Run queued = *run;
  queued.state = RunState::kQueued;
  const auto made = std::make_shared<LiveRun>(queued, AgeOf(queued));
  made->Follow(*run);
  const MutexLock lock(mutex_);
  if (LiveRunPtr live = find()) return live;  // it came meanwhile
  followed_.push_back(made);
  return made;
}

absl::StatusOr<Run> RunExecutor::CancelShared(std::uint64_t id) {
  const MonotonicTime patience = MonotonicTime::Now() + shared_->lease() + kSumUpPatience;
  for (int round = 0;; ++round) {
    if (const LiveRunPtr live = FindHere(id)) HearCancel(live);
    if (round % 10 == 0) {  // its server may have gone meanwhile
      if (absl::Status asked = shared_->AskToCancel(id); !asked.ok()) return asked;
    }
    absl::StatusOr<Run> run = FindStored(id);
    if (!run.ok() || Ended(run->state)) return run;
    if (MonotonicTime::Now() >= patience) return errors::CancelNotHeard(id);
    absl::SleepFor(2 * kCancelPatience);
  }
}

// One that was asked to stop before and goes on ends without a result.
void RunExecutor::HearCancel(const LiveRunPtr& live) {
  live->RequestCancel();
  const absl::Duration patience = live->Sample() ? kSumUpPatience : kCancelPatience;
  {
    const MonotonicTime now = MonotonicTime::Now();
    const MutexLock lock(mutex_);
    const auto lease = leases_.find(live->id());
    if (lease == leases_.end()) return;
    lease->second.cancel_asked = std::min(lease->second.cancel_asked, now);
    if (now - lease->second.cancel_asked < patience) return;
  }
  FinishWithoutResult(*live, RunState::kCancelled, "");
}

void RunExecutor::FinishShared(LiveRun& live, const Run& ended) {
  std::uint64_t token = 0;
  {
    const MutexLock lock(mutex_);
    const auto lease = leases_.find(ended.id);
    if (lease == leases_.end()) return;  // it was lost
    token = lease->second.token;
  }
  absl::Status saved = shared_->FinishTaken(ended, token);
  if (absl::IsAborted(saved)) return Lose(live);
  const bool later = MayBeSavedLater(saved);
  bool first = false;
  {
    const MutexLock lock(mutex_);
    if (later) first = unsaved_.emplace(ended.id, ended).second;
    if (!later) unsaved_.erase(ended.id);
  }
  if (!saved.ok() && (first || !later)) {
    Log(LogLevel::kError, "run.not_stored",
        {{"run", ended.id}, {"error", std::string(saved.message())}, {"kept", later ? "yes" : "no"}});
  }
  if (later) return;  // until then it has not ended
  if (saved.ok()) return Conclude(live, ended);
  // The store will never take it: say so in its record, if that can be.
  const Run lost = WithLostResult(ended, saved);
  saved = shared_->FinishTaken(lost, token);
  if (!saved.ok()) Log(LogLevel::kError, "run.not_stored", {{"run", lost.id}, {"error", std::string(saved.message())}});
  Conclude(live, lost);
}

void RunExecutor::Lose(LiveRun& live) {
  Log(LogLevel::kWarning, "run.lost", {{"run", live.id()}, {"why", "its lease ran out, or it was given back"}});
  live.RequestCancel();
  live.Leave();
  const MutexLock lock(mutex_);
  const auto found = live_.find(live.id());
  if (found == live_.end() || found->second.get() != &live) return;
  followed_.push_back(found->second);  // its watchers see how it goes on
  unsaved_.erase(live.id());
  LeaveLive(live.id());
}

void RunExecutor::GiveBack() {
  std::vector<LiveRunPtr> lives;
  std::vector<RunQueue::Held> held = HeldRuns(lives);
  std::vector<RunQueue::Held> given;
  for (std::size_t i = 0; i < lives.size(); ++i) {
    if (!lives[i]->ClaimEnd()) continue;  // from here on what it finds is thrown away
    given.push_back(held[i]);
    Lose(*lives[i]);
  }
  if (given.empty()) return;
  const absl::Status back = shared_->GiveBack(given);
  if (!back.ok()) Log(LogLevel::kWarning, "run.not_given_back", {{"error", std::string(back.message())}});
}

void RunExecutor::Beat() {
  const absl::Duration interval = shared_->lease() / 10;
  while (true) {
    {
      const MutexLock lock(mutex_);
      const MonotonicTime next = MonotonicTime::Now() + interval;
      while (beats_ && beat_ends_.WaitUntil(mutex_, next)) {
      }
      if (!beats_) return;
    }
    SaveUnsaved();
    RenewLeases();
    LookAtFollowed();
  }
}

std::vector<RunQueue::Held> RunExecutor::HeldRuns(std::vector<LiveRunPtr>& lives) const {
  std::vector<RunQueue::Held> held;
  const MutexLock lock(mutex_);
  for (const auto& [id, live] : live_) {
    lives.push_back(live);
    held.push_back({id, leases_.at(id).token, live->Get().operations_done});
  }
  return held;
}

void RunExecutor::RenewLeases() {
  std::vector<LiveRunPtr> lives;
  const std::vector<RunQueue::Held> held = HeldRuns(lives);
  const absl::StatusOr<RunQueue::Waiting> waiting = shared_->CountWaiting("");
  if (waiting.ok()) {
    const MutexLock lock(mutex_);
    waiting_ = *waiting;
  }
  if (held.empty()) return;
  const absl::StatusOr<std::vector<RunQueue::Order>> orders = shared_->Renew(held);
  if (!orders.ok()) return;
  for (std::size_t i = 0; i < lives.size(); ++i) {
    if ((*orders)[i] == RunQueue::Order::kCancel) HearCancel(lives[i]);
    if ((*orders)[i] != RunQueue::Order::kLost) continue;
    const bool mine = FindHere(held[i].run) == lives[i];  // one that ended meanwhile is not lost
    if (mine && lives[i]->ClaimEnd()) Lose(*lives[i]);
  }
}

void RunExecutor::LookAtFollowed() {
  std::vector<LiveRunPtr> watched;
  {
    const MutexLock lock(mutex_);
    std::erase_if(followed_, [](const LiveRunPtr& live) { return live.use_count() == 1; });
    watched = followed_;
  }
  for (const LiveRunPtr& live : watched) {
    absl::StatusOr<Run> run = FindStored(live->id());
    if (absl::IsNotFound(run.status())) {  // it ended, and was deleted at once
      run = live->Get();
      run->state = RunState::kInterrupted;
      run->error = "it ended elsewhere, and its record was deleted";
      run->end_time = absl::Now();
    }
    if (!run.ok()) continue;
    {
      const MutexLock lock(mutex_);
      if (std::find(followed_.begin(), followed_.end(), live) == followed_.end()) continue;  // it was taken up here
      if (Ended(run->state)) std::erase(followed_, live);
    }
    if (!Ended(run->state)) {
      live->Follow(*run);
    } else {
      live->ClaimEnd();
      live->End(*run);
    }
  }
}

}  // namespace alloclab::server
