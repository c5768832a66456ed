// One instance that lives in this server: a simulated machine, its driver, and the lock that lets one caller at a time use it.
//
// Thread safety: all methods may be called from any thread. Sample() never waits for a long batch.
#ifndef ALLOCLAB_SERVER_ENTITIES_LIVE_INSTANCE_H_
#define ALLOCLAB_SERVER_ENTITIES_LIVE_INSTANCE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "allocators/catalog/instance.h"
#include "allocators/common/mutex.h"
#include "allocators/workload/driver.h"
#include "server/entities/host_budget.h"
#include "server/entities/look_queue.h"
#include "server/entities/snapshot.h"

namespace alloclab::server {

// How many handles of each kind are used: one more than the largest.
struct HandleNeed {
  std::uint32_t heap = 0, pages = 0;
};

class LiveInstance {
 public:
  LiveInstance(std::uint64_t id, std::string name, std::unique_ptr<Instance> machine, std::shared_ptr<HostBudget> budget);
  ~LiveInstance();

  std::uint64_t id() const { return id_; }
  const std::string& name() const { return name_; }
  const InstanceConfig& config() const { return config_; }
  absl::Time create_time() const { return create_time_; }
  // As of the last batch.
  std::uint64_t operations() const { return operations_.load(std::memory_order_relaxed); }

  // The one way to run operations: calls `work` again and again, with the instance to itself, as long as it returns true; looks
  // are served and a snapshot is published between two calls, so each should take a few milliseconds at most. Refused before the
  // first call with RESOURCE_EXHAUSTED when the handles or the host's memory do not suffice, with NOT_FOUND after the instance
  // was deleted. `work` uses no handles but those of `need`, and those of calls before.
  absl::Status Operate(HandleNeed need, absl::FunctionRef<bool(Driver&)> work) ABSL_LOCKS_EXCLUDED(mutex_);

  // The one way to look at it: calls `look` with the instance to itself, between two operations of whoever is at work. NOT_FOUND
  // after it was deleted; DEADLINE_EXCEEDED: nobody came to it.
  absl::Status LookAt(const Look& look, absl::Time deadline = absl::InfiniteFuture()) ABSL_LOCKS_EXCLUDED(mutex_);

  // A copy of its state that is there without waiting: of now if nobody is at it, otherwise at most a few kSnapshotInterval old.
  Snapshot Sample() ABSL_LOCKS_EXCLUDED(mutex_, published_mutex_);

  // Violations found by a check; they show in the snapshots.
  void CountViolations(std::uint64_t count) { violations_.fetch_add(count, std::memory_order_relaxed); }

  // From here on every use is refused; waits for the one under way.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  Snapshot WithViolations(Snapshot snapshot) const;
  absl::Status CheckOpen() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReserveHandles(HandleNeed need) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Pause() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Publish(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) ABSL_LOCKS_EXCLUDED(published_mutex_);
  void EndUse() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::uint64_t id_;
  const std::string name_;
  const InstanceConfig config_;  // complete
  const absl::Time create_time_;
  const std::shared_ptr<HostBudget> budget_;
  std::atomic<std::uint64_t> operations_{0};
  std::atomic<std::uint64_t> violations_{0};

  Mutex mutex_;
  const std::unique_ptr<Instance> machine_;
  Driver driver_ ABSL_GUARDED_BY(mutex_);
  HandleNeed reserved_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t charged_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  SnapshotPace pace_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;

  LookQueue looks_;

  Mutex published_mutex_;
  std::unique_ptr<const Snapshot> published_ ABSL_GUARDED_BY(published_mutex_);  // null until the first long use
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_LIVE_INSTANCE_H_
