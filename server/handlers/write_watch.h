// Streams whose client takes no data: a write that is in flight for longer than a limit ends its call, which otherwise would
// keep its message, and its place among the calls, for as long as the client likes.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_HANDLERS_WRITE_WATCH_H_
#define ALLOCLAB_SERVER_HANDLERS_WRITE_WATCH_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "allocators/common/mutex.h"
#include "server/handlers/ticker.h"

namespace alloclab::server {

class WriteWatch {
 public:
  explicit WriteWatch(absl::Duration limit) : limit_(limit), ticker_(limit / 16, [this] { Look(MonotonicTime::Now()); }) {}

  ~WriteWatch();

  // One call, watched as long as this lives. REQUIRES: the watch outlives it.
  class Call {
   public:
    // `give_up` is called once at most, before the destructor returns. It may end this call, and with it this.
    Call(WriteWatch& watch, std::function<void()> give_up) : watch_(watch), give_up_(std::move(give_up)) { watch_.Enter(this); }
    ~Call() { watch_.Leave(this); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    // Of a write. Cheap: streams of small batches call them all the time.
    void Began(MonotonicTime now = MonotonicTime::Now()) { began_ns_.store(Nanoseconds(now), std::memory_order_relaxed); }
    void Ended() { began_ns_.store(kNone, std::memory_order_relaxed); }

   private:
    friend class WriteWatch;
    static constexpr std::int64_t kNone = INT64_MAX;

    WriteWatch& watch_;
    const std::function<void()> give_up_;
    std::atomic<std::int64_t> began_ns_{kNone};
    bool gave_up_ = false;  // the watch's
  };

  // Ends the calls whose write began longer ago than the limit. Returns how many.
  std::size_t Look(MonotonicTime now) ABSL_LOCKS_EXCLUDED(mutex_, look_mutex_);

 private:
  static std::int64_t Nanoseconds(MonotonicTime time) { return time.ToChrono().time_since_epoch().count(); }
  void Enter(Call* call) ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave(Call* call) ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends one call whose write began before that. False: there is none.
  bool EndOne(std::int64_t oldest_ns) ABSL_LOCKS_EXCLUDED(mutex_);

  const absl::Duration limit_;
  Mutex look_mutex_;  // one look at a time
  Mutex mutex_;
  Condition ended_;
  std::set<Call*> calls_ ABSL_GUARDED_BY(mutex_);
  const Call* ending_ ABSL_GUARDED_BY(mutex_) = nullptr;  // its give_up is being called
  std::thread::id ender_ ABSL_GUARDED_BY(mutex_);         // by this thread
  Ticker ticker_;                                         // last: it uses the others
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_WRITE_WATCH_H_
