// Runs: a bounded queue, worker threads that replay workloads on fresh instances, and the record of every run in the store.
//
// Whoever has the fewest runs under way is next, and among those whoever waits longest for his turn: a hundred runs of one
// owner do not keep the first one of another waiting.
//
// A run is in the store before Submit returns, and its result before anyone sees it ended. A result that cannot be written
// (disk full) fails the run with the reason, and that is stored as soon as the database takes it.
//
// Runs are deterministic. One that may share a result is not replayed if an earlier run of the same succeeded; one that was
// replayed and came to something else than an earlier one is told of in the log, in the metrics and in its record.
//
// With a store that several servers share (RunStore::queue) the queue is the store's: a worker takes the run whose turn it is
// there, whoever took it in, and a thread renews the leases. Then a run whose result cannot be written goes on until it can,
// and whoever asks about a run that another server replays gets what its record says. Limits on queued and running runs are
// those of all servers together; one of them may be exceeded by what other servers take in at the same moment.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_COLLECTIONS_RUN_EXECUTOR_H_
#define ALLOCLAB_SERVER_COLLECTIONS_RUN_EXECUTOR_H_

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "allocators/common/mutex.h"
#include "server/collections/heap_directory.h"
#include "server/collections/trace_library.h"
#include "server/entities/host_budget.h"
#include "server/entities/live_run.h"
#include "server/entities/native_allocator.h"
#include "server/entities/run.h"
#include "server/entities/run_filter.h"
#include "server/store/run_queue.h"
#include "server/store/run_store.h"

namespace alloclab::server {

class RunExecutor {
 public:
  struct Limits {
    std::uint32_t threads = 1;
    // Beside them: when as many runs are under way, an owner who has none begins one all the same, whatever others replay.
    std::uint32_t spare_threads = 0;
    std::uint32_t queued_runs = 0;
    std::uint32_t queued_of_one = UINT32_MAX, running_of_one = UINT32_MAX;  // of an owner
    std::uint64_t stored_runs = 0, stored_of_one = UINT64_MAX;
    bool retire_runs = false;    // makes room by deleting runs that have ended (Retention), instead of refusing
    bool retire_traces = false;  // likewise of traces that no queued or running run replays
    absl::Duration runs_age = absl::InfiniteDuration();   // ended longer ago, a run is deleted when the next is submitted
    std::map<std::string, absl::Duration> runs_age_of{};  // of these owners, instead; looked at every kRunsAgeInterval
  };
  // All outlive the executor.
  RunExecutor(RunStore& store, TraceLibrary& traces, HeapDirectory& heaps, std::shared_ptr<HostBudget> budget,
              const Limits& limits, NativeAllocators natives = NativeAllocators());
  ~RunExecutor();  // as Stop(now)

  // Validates, stores, queues. INVALID_ARGUMENT; NOT_FOUND: the built-in or uploaded trace; ALREADY_EXISTS: request_id with
  // another request; RESOURCE_EXHAUSTED: queue, store or disk full; UNAVAILABLE while stopping.
  // What takes long of that is left when `left` says so (CANCELLED).
  absl::StatusOr<Run> Submit(RunSubmission submission, const Interrupt& left = {}) ABSL_LOCKS_EXCLUDED(submit_mutex_, mutex_);

  absl::StatusOr<Run> Get(std::uint64_t id) const ABSL_LOCKS_EXCLUDED(mutex_);  // with its result
  // Those below `before_id` (0: from the newest) that pass the filter, at most `limit`, and the damaged ones between them.
  // CANCELLED: left before all were looked at, of which a filter may pass none.
  absl::StatusOr<RunList> List(std::uint64_t before_id, std::size_t limit, const RunFilter& filter = {},
                               const Interrupt& left = {}) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Returns once the run has ended; one that had ended before stays as it is. NOT_FOUND.
  absl::StatusOr<Run> Cancel(std::uint64_t id) ABSL_LOCKS_EXCLUDED(mutex_);
  // NOT_FOUND; FAILED_PRECONDITION while it is queued or running.
  absl::Status Delete(std::uint64_t id) ABSL_LOCKS_EXCLUDED(mutex_);
  // The run as it is then. Errors likewise.
  absl::StatusOr<Run> Update(std::uint64_t id, const RunChange& change) ABSL_LOCKS_EXCLUDED(mutex_);

  // As TraceLibrary::Add, after making room if Limits says so.
  absl::StatusOr<TraceEntry> AddTrace(std::string bytes, const std::string& name, const Interrupt& interrupt = {},
                                      const std::string& owner = "") ABSL_LOCKS_EXCLUDED(submit_mutex_, mutex_);
  // NOT_FOUND; FAILED_PRECONDITION while a queued or running run of its owner replays it. While one of another does it is not
  // deleted, but is that one's from then on. `may` is asked first, with its owner, and its error the answer.
  absl::Status DeleteTrace(
      const std::string& sha256, absl::FunctionRef<absl::Status(const std::string& owner)> may = [](const std::string&) {
        return absl::OkStatus();
      }) ABSL_LOCKS_EXCLUDED(submit_mutex_, mutex_);

  const NativeAllocators& natives() const { return natives_; }

  // To watch a run that is queued or running; null for any other. One that another server replays proceeds as its record does.
  std::shared_ptr<LiveRun> FindLive(std::uint64_t id) ABSL_LOCKS_EXCLUDED(mutex_);

  struct Census {
    std::uint32_t queued = 0, running = 0;
    std::uint64_t queued_operations = 0;
    std::array<std::uint64_t, kRunStates> ended{};  // since the server started, by RunState
    std::uint64_t different = 0;                    // of these, that came to something else than an earlier run of the same
  };
  Census Count() const ABSL_LOCKS_EXCLUDED(mutex_);

  // From its return on, no run is taken in and none begins.
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);
  // Drains; interrupts what is queued, and at `deadline` whatever still runs.
  void Stop(MonotonicTime deadline) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using LiveRunPtr = std::shared_ptr<LiveRun>;

  absl::Status CompleteConfig(RunRequest& request) const;
  // The part of Validate that may take long, for which no other submission need wait: a program's initialisation, and all
  // operations of what is replayed without a heap.
  absl::Status Prepare(RunRequest& request, const Interrupt& left) const;
  // Complete and checked, with the number of its operations. REQUIRES: it is prepared.
  absl::StatusOr<std::uint64_t> Validate(RunRequest& request) const;
  // A machine without a heap can do something of what is asked for.
  absl::Status CheckWithoutHeap(const RunRequest& request, const Interrupt& left) const;
  // The run that the same submission made before, if there is one. ALREADY_EXISTS: another submission has its request_id.
  absl::StatusOr<std::optional<Run>> FindEarlier(const RunSubmission& submission) const ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status CheckQueue(const std::string& owner) const ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status CheckStore(const std::string& owner) const;
  // Stores the run, after making room if Limits says so. The same errors as Submit.
  absl::StatusOr<std::uint64_t> Insert(const Run& run, const RunSubmission& submission)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(submit_mutex_);

  LiveRunPtr FindHere(std::uint64_t id) const ABSL_LOCKS_EXCLUDED(mutex_);  // among those that wait or run here
  // A queued or running run that replays the trace; one of `owner` if there is one, else the oldest.
  absl::StatusOr<std::optional<RunQueue::User>> FindUser(const std::string& sha256, const std::string& owner) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  void RetireRuns(const std::string& submitter) ABSL_EXCLUSIVE_LOCKS_REQUIRED(submit_mutex_);
  // Deletes traces until `bytes` more of `owner` have room, of whoever has the most bytes the oldest; but another's only if he
  // has more than `owner` will have.
  void RetireTraces(std::uint64_t bytes, const std::string& owner) ABSL_EXCLUSIVE_LOCKS_REQUIRED(submit_mutex_);
  void Enqueue(const LiveRunPtr& live) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<Run> CancelHere(const LiveRunPtr& live) ABSL_LOCKS_EXCLUDED(mutex_);

  void Work(bool is_spare) ABSL_LOCKS_EXCLUDED(mutex_);
  LiveRunPtr NextRun(bool is_spare) ABSL_LOCKS_EXCLUDED(mutex_);  // null: stop
  std::uint32_t RunningOf(const std::string& owner) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whose turn it is; the end of the queue: nobody's.
  std::deque<LiveRunPtr>::iterator FindNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Execute(const LiveRunPtr& live) ABSL_LOCKS_EXCLUDED(mutex_);
  void ExecuteNative(const LiveRunPtr& live) ABSL_LOCKS_EXCLUDED(mutex_);

  // Stores the end and tells the watchers. Does nothing if someone else has ended the run.
  void Finish(LiveRun& live, Run ended) ABSL_LOCKS_EXCLUDED(mutex_);
  void FinishWithoutResult(LiveRun& live, RunState state, std::string error) ABSL_LOCKS_EXCLUDED(mutex_);
  // `ended` is how it ended, for everybody.
  void Conclude(LiveRun& live, Run ended) ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends it with the result of an earlier run, if it may share one and there is one.
  bool FinishAsKnown(LiveRun& live) ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether the file of operations that is stored now is the one that `replayed` read, or both are one owner's.
  bool IsOfTheSameFile(const RunRequest& request, const Run& replayed) const;
  // An earlier run of the same that came to something else; 0: none did, as far as the store can be read.
  std::uint64_t FindDifferent(const Run& run) const;
  void LeaveLive(std::uint64_t id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SaveUnsaved() ABSL_LOCKS_EXCLUDED(mutex_);
  // As a list shows a run whose row says that it has not ended.
  absl::StatusOr<Run> GetUnfinished(const Run& row) const ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<Run> FindStored(std::uint64_t id) const ABSL_LOCKS_EXCLUDED(mutex_);

  // With a queue that is shared; run_executor_shared.cc.
  struct Lease {
    std::uint64_t token = 0;
    MonotonicTime cancel_asked = MonotonicTime::InfiniteFuture();  // when it was heard of
  };
  absl::Status CheckSharedRoom(const std::string& owner) const ABSL_LOCKS_EXCLUDED(mutex_);
  LiveRunPtr NextShared(bool is_spare) ABSL_LOCKS_EXCLUDED(mutex_, take_mutex_);
  // Null: there is none to take. A spare worker asks for none that the others could take.
  LiveRunPtr TakeShared(bool is_spare) ABSL_LOCKS_EXCLUDED(mutex_, take_mutex_);
  bool IsFull() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return running_.size() >= limits_.threads; }
  LiveRunPtr Follow(std::uint64_t id) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<Run> CancelShared(std::uint64_t id) ABSL_LOCKS_EXCLUDED(mutex_);
  // Stores the end, or keeps it until the store takes it.
  void FinishShared(LiveRun& live, const Run& ended) ABSL_LOCKS_EXCLUDED(mutex_);
  // Another server has it now, or nobody.
  void Lose(LiveRun& live) ABSL_LOCKS_EXCLUDED(mutex_);
  void GiveBack() ABSL_LOCKS_EXCLUDED(mutex_);
  void Beat() ABSL_LOCKS_EXCLUDED(mutex_);
  void RenewLeases() ABSL_LOCKS_EXCLUDED(mutex_);
  void HearCancel(const LiveRunPtr& live) ABSL_LOCKS_EXCLUDED(mutex_);
  void LookAtFollowed() ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<RunQueue::Held> HeldRuns(std::vector<LiveRunPtr>& lives) const ABSL_LOCKS_EXCLUDED(mutex_);

  RunStore& store_;
  RunQueue* const shared_;  // null: the queue is this executor's own
  TraceLibrary& traces_;
  HeapDirectory& heaps_;
  const std::shared_ptr<HostBudget> budget_;
  const Limits limits_;
  const NativeAllocators natives_;

  Mutex submit_mutex_;  // one submission at a time, so that a request_id is looked up and stored in one step
  MonotonicTime next_ages_ ABSL_GUARDED_BY(submit_mutex_) = MonotonicTime::InfinitePast();  // of owners
  mutable Mutex mutex_;
  Condition to_do_;        // there may be a run to begin, or the executor stops
  Condition spares_stop_;  // of a shared queue, which one of them looks at in kTakeInterval, whatever is submitted here
  MonotonicTime next_spare_look_ ABSL_GUARDED_BY(mutex_) = MonotonicTime::InfinitePast();
  Condition idle_;  // no run is queued or running
  std::deque<LiveRunPtr> queue_ ABSL_GUARDED_BY(mutex_);
  std::map<std::uint64_t, LiveRunPtr> live_ ABSL_GUARDED_BY(mutex_);      // queued and running
  std::map<std::uint64_t, std::string> running_ ABSL_GUARDED_BY(mutex_);  // their owners
  std::map<std::string, std::uint64_t> turns_ ABSL_GUARDED_BY(mutex_);    // the last one of each owner
  std::uint64_t turn_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::uint64_t, Run> unsaved_ ABSL_GUARDED_BY(mutex_);  // ended, but the store did not take it yet
  std::array<std::uint64_t, kRunStates> ended_ ABSL_GUARDED_BY(mutex_){};
  std::uint64_t different_ ABSL_GUARDED_BY(mutex_) = 0;
  bool native_runs_ ABSL_GUARDED_BY(mutex_) = false;  // one at a time: they would disturb each other
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  Mutex take_mutex_;  // one at a time takes a run, so that native_runs_ is true in time
  std::map<std::uint64_t, Lease> leases_ ABSL_GUARDED_BY(mutex_);  // of the runs in live_
  std::vector<LiveRunPtr> followed_ ABSL_GUARDED_BY(mutex_);       // that other servers replay, as long as somebody watches
  RunQueue::Waiting waiting_ ABSL_GUARDED_BY(mutex_);              // as last heard
  bool beats_ ABSL_GUARDED_BY(mutex_) = false;
  Condition beat_ends_;

  std::vector<std::thread> workers_;
  std::thread beat_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_COLLECTIONS_RUN_EXECUTOR_H_
