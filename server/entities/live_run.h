// One run that is queued, running, or ended a moment ago.
//
// Thread safety: all methods may be called from any thread; Start, Advance, Proceed and SetFinalSnapshot only by the worker
// that replays it.
#ifndef ALLOCLAB_SERVER_ENTITIES_LIVE_RUN_H_
#define ALLOCLAB_SERVER_ENTITIES_LIVE_RUN_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"
#include "allocators/workload/run.h"
#include "server/entities/look_queue.h"
#include "server/entities/native_allocator.h"
#include "server/entities/run.h"
#include "server/entities/snapshot.h"

namespace alloclab::server {

class LiveRun {
 public:
  // Submitted so long ago.
  explicit LiveRun(Run run, absl::Duration age = absl::ZeroDuration())
      : id_(run.id),
        owner_(run.request.owner),
        native_(IsNative(run.request.config)),
        submitted_(MonotonicTime::Now() - age),
        run_(std::move(run)) {}

  std::uint64_t id() const { return id_; }
  const std::string& owner() const { return owner_; }
  bool is_native() const { return native_; }
  // As it is now.
  Run Get() const ABSL_LOCKS_EXCLUDED(mutex_);
  // What the run's machine looked like at most a few kSnapshotInterval ago; nothing before it ran.
  std::optional<Snapshot> Sample() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Has the worker serve `look` between two operations. FAILED_PRECONDITION: it does not replay (any more);
  // DEADLINE_EXCEEDED: it did not come to it.
  absl::Status LookAt(const Look& look, MonotonicTime deadline) ABSL_LOCKS_EXCLUDED(mutex_);

  void RequestCancel() { cancel_requested_.store(true, std::memory_order_relaxed); }
  bool cancel_requested() const { return cancel_requested_.load(std::memory_order_relaxed); }
  // Whether the run ended before `deadline`.
  bool AwaitEnd(MonotonicTime deadline) const ABSL_LOCKS_EXCLUDED(mutex_);

  // A worker has taken it up.
  void Start() ABSL_LOCKS_EXCLUDED(mutex_);
  // Another server may take it up from now on; until Start, Follow says how far it is: state and operations of its record.
  void Leave() ABSL_LOCKS_EXCLUDED(mutex_);
  void Follow(const Run& now) ABSL_LOCKS_EXCLUDED(mutex_);
  // Between two operations of the replay: serves the looks that wait and, every kSnapshotInterval, takes over how far the run
  // is and how its machine looks. True when it did the latter.
  bool Advance(const RunProgress& progress, const Driver& driver, MonotonicTime now = MonotonicTime::Now())
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Of a run that is measured: so many of its replays are done. Tells the watchers every kSnapshotInterval.
  void Proceed(std::uint64_t replays_done, std::uint64_t replays, MonotonicTime now = MonotonicTime::Now())
      ABSL_LOCKS_EXCLUDED(mutex_);
  // The worker, a cancel and the shutdown may all want to end the run. True for the first of them; only that one calls End.
  bool ClaimEnd() { return !end_claimed_.exchange(true); }
  // Somebody did: whatever the run still finds is thrown away.
  bool end_claimed() const { return end_claimed_.load(std::memory_order_relaxed); }
  // The time of day at which it ends if it ends now: that of its submission and as long as it lasted, whatever was done to the
  // clock meanwhile.
  absl::Time EndTime(MonotonicTime now = MonotonicTime::Now()) const { return Get().submit_time + (now - submitted_); }
  // From here on this is the run. REQUIRES: the end was claimed, and `ended` has ended.
  void End(const Run& ended) ABSL_LOCKS_EXCLUDED(mutex_);
  void SetFinalSnapshot(Snapshot snapshot) ABSL_LOCKS_EXCLUDED(mutex_);

  // Calls `changed` from any thread when the run starts, as it proceeds (every kProgressInterval at most) and when it has
  // ended, until Unwatch returns. `changed` must neither block nor call back.
  std::uint64_t Watch(std::function<void()> changed) ABSL_LOCKS_EXCLUDED(watchers_mutex_);
  void Unwatch(std::uint64_t watcher) ABSL_LOCKS_EXCLUDED(watchers_mutex_);

 private:
  void Notify() ABSL_LOCKS_EXCLUDED(watchers_mutex_);

  const std::uint64_t id_;
  const std::string owner_;
  const bool native_;
  const MonotonicTime submitted_;
  std::atomic<bool> cancel_requested_{false}, end_claimed_{false};

  mutable Mutex mutex_;
  mutable Condition ended_;
  Run run_ ABSL_GUARDED_BY(mutex_);
  bool here_ ABSL_GUARDED_BY(mutex_) = false;  // from Start to Leave
  std::optional<Snapshot> snapshot_ ABSL_GUARDED_BY(mutex_);
  SnapshotPace pace_;  // the worker's
  LookQueue looks_;

  Mutex watchers_mutex_;
  std::map<std::uint64_t, std::function<void()>> watchers_ ABSL_GUARDED_BY(watchers_mutex_);
  std::uint64_t next_watcher_ ABSL_GUARDED_BY(watchers_mutex_) = 1;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_LIVE_RUN_H_
