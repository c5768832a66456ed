// Looks at a machine that another thread is working on. Whoever wants to look hands in a function and waits; the thread at work
// calls it between two of its operations. So nobody waits for the end of a long batch or run, and the work waits for no more
// than the look itself.
//
// Everybody may look, as often as he likes, also at what is another's. So looks are served for kLookTime and to the end of the
// one under way, and then the work has as long without any: they take at most half of its time, however many they are.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_ENTITIES_LOOK_QUEUE_H_
#define ALLOCLAB_SERVER_ENTITIES_LOOK_QUEUE_H_

#include <atomic>
#include <functional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"
#include "allocators/workload/driver.h"

namespace alloclab::server {

// Reads the driver's machine and counters, and changes nothing.
using Look = std::function<void(const Driver&)>;

inline constexpr absl::Duration kLookTime = absl::Milliseconds(1);

class LookQueue {
 public:
  using Clock = std::function<MonotonicTime()>;
  explicit LookQueue(Clock clock = MonotonicTime::Now) : clock_(std::move(clock)) {}

  // True when `look` was called; false when it was not and never will be, as `deadline` passed before or the queue was closed.
  bool Wait(const Look& look, MonotonicTime deadline) ABSL_LOCKS_EXCLUDED(mutex_);

  // Calls looks that wait, if their time has come, on this thread, which must be the one at work: between two of its
  // operations.
  void Serve(const Driver& driver) ABSL_LOCKS_EXCLUDED(mutex_) {
    if (waiting_.load(std::memory_order_relaxed)) ServeWaiting(driver);
  }

  // There will be no more service.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  enum class State { kWaiting, kBeingServed, kServed };
  struct Entry {
    const Look* look;
    State state = State::kWaiting;
    bool IsServed() const { return state == State::kServed; }
  };

  void ServeWaiting(const Driver& driver) ABSL_LOCKS_EXCLUDED(mutex_);
  // The next that nobody has begun to serve, marked as begun; null: none.
  Entry* TakeNext() ABSL_LOCKS_EXCLUDED(mutex_);

  const Clock clock_;
  MonotonicTime rest_until_ = MonotonicTime::InfinitePast();  // of whoever is at work
  std::atomic<bool> waiting_{false};
  Mutex mutex_;
  Condition settled_;  // a look was served, or none will be
  std::vector<Entry*> entries_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_LOOK_QUEUE_H_
