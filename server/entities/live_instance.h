// One instance that lives in this server: a simulated machine, its driver, and the lock that lets one caller at a time use it.
//
// Two calls change it: Apply, for batches of any length by handle, and ApplyOne, for an operation by address whose caller wants
// to know what it did and cost. Two look at it: LookAt, at anything, when the machine comes to it, and Sample, at counters and
// shapes, at once.
//
// One that is opened on a run cannot be changed: it shows the run's machine after any of its operations, and Seek goes to
// another one.
//
// Thread safety: all methods may be called from any thread. Sample() never waits for a long batch.
#ifndef ALLOCLAB_SERVER_ENTITIES_LIVE_INSTANCE_H_
#define ALLOCLAB_SERVER_ENTITIES_LIVE_INSTANCE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "allocators/catalog/instance.h"
#include "allocators/common/interrupt.h"
#include "allocators/common/mutex.h"
#include "allocators/workload/driver.h"
#include "allocators/workload/explain.h"
#include "allocators/workload/holes.h"
#include "allocators/workload/pacer.h"
#include "allocators/workload/tenants.h"
#include "allocators/workload/timeline.h"
#include "allocators/workload/trace.h"
#include "server/entities/host_budget.h"
#include "server/entities/instance_history.h"
#include "server/entities/look_queue.h"
#include "server/entities/memory_lease.h"
#include "server/entities/snapshot.h"
#include "server/entities/turn_lock.h"
#include "server/limits.h"

namespace alloclab::server {

// How many handles of each kind are used: one more than the largest.
struct HandleNeed {
  std::uint32_t heap = 0, pages = 0;
};

// A run that an instance is opened on.
struct OpenedRun {
  std::uint64_t run = 0;
  std::shared_ptr<const Trace> trace;
};

class LiveInstance {
 public:
  LiveInstance(std::uint64_t id, std::string name, std::unique_ptr<Instance> machine, std::shared_ptr<HostBudget> budget,
               std::optional<OpenedRun> opened = std::nullopt, std::string owner = "");
  ~LiveInstance();

  std::uint64_t id() const { return id_; }
  const std::string& name() const { return name_; }
  const std::string& owner() const { return owner_; }  // the name of a token; empty: nobody
  const InstanceConfig& config() const { return config_; }
  absl::Time create_time() const { return create_time_; }
  const std::optional<OpenedRun>& opened_run() const { return opened_; }
  // As of the last batch.
  std::uint64_t operations() const { return operations_.load(std::memory_order_relaxed); }

  // How far a batch got.
  struct Applied {
    std::size_t operations = 0;
    absl::Status stopped;  // why the others were not applied; OK: there are none
  };
  // Applies operations in order, in pieces: between two of them looks are served, a snapshot is published, and other callers
  // have their turn. No operation begins for which the host's memory might not suffice (RESOURCE_EXHAUSTED), after its searches
  // have looked at kBatchSearchStepsMax blocks (likewise), or when `left` says that nobody waits any more (CANCELLED). An error
  // if none was applied; NOT_FOUND after the instance was deleted. The operations use no handles but those of `need`, and those
  // of calls before. `results` has one element per operation.
  absl::StatusOr<Applied> Apply(HandleNeed need, std::span<const Operation> operations, std::span<OpResult> results,
                                const Interrupt& left = {}) ABSL_LOCKS_EXCLUDED(mutex_);
  // One operation by address, which `work` does; `operation` says what it is. Errors as above, and then it was not called.
  absl::Status ApplyOne(const Operation& operation, absl::FunctionRef<void(Driver&)> work, const Interrupt& left = {})
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Of one that is opened on a run: goes to the moment after so many operations. OUT_OF_RANGE: the run is shorter;
  // RESOURCE_EXHAUSTED: host memory; FAILED_PRECONDITION: it is opened on none. After an error it is at some moment on the way.
  absl::Status Seek(std::uint64_t operations, const Interrupt& left = {}) ABSL_LOCKS_EXCLUDED(mutex_);
  // Goes to an operation, counted from 1, does it, and says why it ended as it did. Errors as above.
  absl::StatusOr<Explanation> ExplainOperation(std::uint64_t operation, const Interrupt& left = {}) ABSL_LOCKS_EXCLUDED(mutex_);

  // Likewise of what fragmentation cost: replays to the looks up to an operation that are not made yet, and makes them. What an
  // interrupted call has seen is kept. FAILED_PRECONDITION: no heap, or one that does not show its blocks; others as above.
  absl::Status SurveyHoles(std::uint64_t until, const Interrupt& left = {}) ABSL_LOCKS_EXCLUDED(mutex_);
  // What all looks so far have seen. Errors as of Seek.
  absl::StatusOr<HoleReport> ReportHoles() ABSL_LOCKS_EXCLUDED(mutex_);

  // Of one that is opened on a run: who lived at an address (tenants.h), up to an operation. What an interrupted call has seen
  // is given, and kept for the next one that asks for the same address. Errors as of Seek.
  absl::StatusOr<TenantReport> FindTenants(std::uint32_t address, bool pages, std::uint64_t until, const Interrupt& left = {})
      ABSL_LOCKS_EXCLUDED(mutex_);

  // The one way to look at it: calls `look` with the instance to itself, between two operations of whoever is at work.
  // NOT_FOUND after it was deleted; DEADLINE_EXCEEDED: nobody came to it; CANCELLED: nobody waits for it any more.
  absl::Status LookAt(const Look& look, MonotonicTime deadline = MonotonicTime::InfiniteFuture(), const Interrupt& left = {})
      ABSL_LOCKS_EXCLUDED(mutex_);

  // A copy of its state that is there without waiting: of now if nobody is at it, otherwise at most a few kSnapshotInterval
  // old.
  Snapshot Sample() ABSL_LOCKS_EXCLUDED(mutex_, published_mutex_);

  // How it came to be so: at moments of its use until now. Of one that is opened on a run: nothing.
  std::vector<HistoryPoint> History() ABSL_LOCKS_EXCLUDED(published_mutex_);

  // Violations found by a check; they show in the snapshots.
  void CountViolations(std::uint64_t count) { violations_.fetch_add(count, std::memory_order_relaxed); }

  // From here on every use is refused, and the machine is gone with all that it held; Sample gives its last state. Waits for
  // the piece of work under way, not for what else waits.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_, published_mutex_);

 private:
  Snapshot WithViolations(Snapshot snapshot) const;
  // What Apply and ApplyOne are made of: calls `work` again and again, with the instance to itself, as long as it returns true.
  absl::Status Operate(HandleNeed need, absl::FunctionRef<bool(Driver&)> work, const Interrupt& left)
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status CheckChangeable() const;
  // Makes the timeline, unless it is there.
  absl::Status MakeTimeline() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status MakeSurvey() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Seek; `to_search`: what is applied is taken in by the search, as long as that is at the same moment.
  absl::Status Replay(std::uint64_t operations, bool to_search, const Interrupt& left) ABSL_LOCKS_EXCLUDED(mutex_);
  // Replays the next piece, at most up to `operations`. Whether there is more.
  absl::StatusOr<bool> ReplayPiece(Driver& driver, std::uint64_t operations, bool to_search)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The survey's next look, which it makes if the machine is there; nothing: there is none up to this operation.
  absl::StatusOr<std::optional<std::uint64_t>> NextLook(std::uint64_t until, const Interrupt& left) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status CheckOpen() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReserveHandles(HandleNeed need) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Applies the next piece of a batch, to whose `steps` it adds those of its searches. Whether there is more.
  bool ApplyPiece(Driver& driver, std::span<const Operation> operations, std::span<OpResult> results, std::uint64_t& steps,
                  Applied& applied) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Pause() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Lets others in, if they wait. NOT_FOUND: one of them deleted the instance.
  absl::Status GiveTurn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Publish(MonotonicTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) ABSL_LOCKS_EXCLUDED(published_mutex_);
  void EndUse() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::uint64_t id_;
  const std::string name_, owner_;
  const InstanceConfig config_;  // complete
  const absl::Time create_time_;
  const std::shared_ptr<HostBudget> budget_;
  const std::optional<OpenedRun> opened_;
  std::atomic<bool> closing_{false};
  std::atomic<std::uint64_t> operations_{0};
  std::atomic<std::uint64_t> violations_{0};

  TurnLock mutex_;
  std::unique_ptr<Instance> machine_ ABSL_GUARDED_BY(mutex_);  // null once it is closed
  std::optional<Driver> driver_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Timeline> timeline_ ABSL_GUARDED_BY(mutex_);  // null until the first Seek
  std::optional<HoleSurvey> survey_ ABSL_GUARDED_BY(mutex_);    // null until the first one
  std::optional<TenantSearch> search_ ABSL_GUARDED_BY(mutex_);  // likewise
  MachineLease lease_ ABSL_GUARDED_BY(mutex_);
  MemoryLease images_ ABSL_GUARDED_BY(mutex_);  // of the timeline
  MemoryLease surveyed_ ABSL_GUARDED_BY(mutex_);
  HandleNeed reserved_ ABSL_GUARDED_BY(mutex_);
  Pacer pacer_ ABSL_GUARDED_BY(mutex_){kPieceOperationsMax};
  SnapshotPace pace_ ABSL_GUARDED_BY(mutex_);

  LookQueue looks_;

  Mutex published_mutex_;
  std::unique_ptr<const Snapshot> published_ ABSL_GUARDED_BY(published_mutex_);  // null until the first use
  InstanceHistory history_ ABSL_GUARDED_BY(published_mutex_);
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_LIVE_INSTANCE_H_
