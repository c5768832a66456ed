// The runs that are opened to be looked at after any of their operations, each as an instance of its own, "run-7". They are
// few, as each keeps images of its machine: when there are more, those that are just being opened too, whoever has the most of
// them, the new one too, loses the one that was not used for longest; and one that is not used for a while is closed.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_COLLECTIONS_OPENED_RUNS_H_
#define ALLOCLAB_SERVER_COLLECTIONS_OPENED_RUNS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "allocators/common/interrupt.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"
#include "server/collections/instance_registry.h"
#include "server/collections/run_executor.h"
#include "server/collections/trace_library.h"

namespace alloclab::server {

class OpenedRuns {
 public:
  using Clock = std::function<MonotonicTime()>;
  // All outlive this.
  OpenedRuns(RunExecutor& runs, TraceLibrary& traces, InstanceRegistry& instances, Clock clock = MonotonicTime::Now)
      : runs_(runs), traces_(traces), instances_(instances), clock_(std::move(clock)) {}

  // A new instance of `owner`'s, after so many operations of the run. NOT_FOUND: no such run; FAILED_PRECONDITION: of a real
  // allocator; RESOURCE_EXHAUSTED; OUT_OF_RANGE; CANCELLED.
  absl::StatusOr<std::shared_ptr<LiveInstance>> Open(std::uint64_t run, std::uint64_t operation, const Interrupt& left = {},
                                                     const std::string& owner = "") ABSL_LOCKS_EXCLUDED(mutex_);
  // One that was opened; it is used now. NOT_FOUND; FAILED_PRECONDITION: an instance that is opened on no run.
  absl::StatusOr<std::shared_ptr<LiveInstance>> Find(std::string_view name) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Close(std::string_view name) ABSL_LOCKS_EXCLUDED(mutex_);
  // Closes those that were not used for kOpenedRunIdleMax.
  void CloseUnused() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  absl::StatusOr<std::shared_ptr<LiveInstance>> Create(const Run& run, std::shared_ptr<const Trace> trace,
                                                       const std::string& owner);
  struct Use {
    std::string owner;
    MonotonicTime last;
  };
  // Counts one more as being opened by `owner`, closes one if that takes it, and forgets those that are gone.
  // RESOURCE_EXHAUSTED: half of all there may be are being opened by him, or nobody with as many as he has one to close.
  absl::Status MakeRoomFor(const std::string& owner) ABSL_LOCKS_EXCLUDED(mutex_);
  void EndOpening(const std::string& owner) ABSL_LOCKS_EXCLUDED(mutex_);
  // 0: none.
  std::uint64_t NextToClose(const std::string& owner) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Note(const LiveInstance& instance) ABSL_LOCKS_EXCLUDED(mutex_);
  void Delete(std::uint64_t id);  // it may be gone

  RunExecutor& runs_;
  TraceLibrary& traces_;
  InstanceRegistry& instances_;
  const Clock clock_;
  Mutex mutex_;
  std::map<std::uint64_t, Use> used_ ABSL_GUARDED_BY(mutex_);   // by id: the name may be another's by now
  std::multiset<std::string> opening_ ABSL_GUARDED_BY(mutex_);  // their owners
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_COLLECTIONS_OPENED_RUNS_H_
