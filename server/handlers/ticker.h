// A thread that does one small thing again and again.
#ifndef ALLOCLAB_SERVER_HANDLERS_TICKER_H_
#define ALLOCLAB_SERVER_HANDLERS_TICKER_H_

#include <functional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

class Ticker {
 public:
  // Calls `tick` every `interval`, until the destructor, which waits for the call under way.
  Ticker(absl::Duration interval, std::function<void()> tick)
      : interval_(interval), tick_(std::move(tick)), thread_([this] { Run(); }) {}
  ~Ticker() {
    {
      const MutexLock lock(mutex_);
      stopping_ = true;
      stopped_.NotifyAll();
    }
    thread_.join();
  }

 private:
  bool AwaitNext() ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(mutex_);
    const MonotonicTime next = MonotonicTime::Now() + interval_;
    while (!stopping_ && stopped_.WaitUntil(mutex_, next)) {
    }
    return !stopping_;
  }
  void Run() {
    while (AwaitNext()) tick_();
  }

  const absl::Duration interval_;
  const std::function<void()> tick_;
  Mutex mutex_;
  Condition stopped_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_TICKER_H_
