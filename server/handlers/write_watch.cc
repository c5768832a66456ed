#include "server/handlers/write_watch.h"

#include <algorithm>

#include "allocators/common/check.h"
#include "server/log.h"

namespace alloclab::server {

WriteWatch::~WriteWatch() {
  const MutexLock lock(mutex_);
  ALLOCLAB_CHECK_EQ(calls_.size(), 0u);
}

void WriteWatch::Enter(Call* call) {
  const MutexLock lock(mutex_);
  calls_.insert(call);
}

void WriteWatch::Leave(Call* call) {
  const MutexLock lock(mutex_);
  calls_.erase(call);
  while (ending_ == call && ender_ != std::this_thread::get_id()) ended_.Wait(mutex_);
}

bool WriteWatch::EndOne(std::int64_t oldest_ns) {
  std::function<void()> give_up;
  {
    const MutexLock lock(mutex_);
    const auto found = std::find_if(calls_.begin(), calls_.end(), [oldest_ns](const Call* call) {
      return !call->gave_up_ && call->began_ns_.load(std::memory_order_relaxed) < oldest_ns;
    });
    if (found == calls_.end()) return false;
    (*found)->gave_up_ = true;
    give_up = (*found)->give_up_;  // a copy: gRPC may end the call, on this thread, before it returns
    ending_ = *found;
    ender_ = std::this_thread::get_id();
  }
  give_up();
  const MutexLock lock(mutex_);
  ending_ = nullptr;
  ended_.NotifyAll();
  return true;
}

std::size_t WriteWatch::Look(MonotonicTime now) {
  const MutexLock lock(look_mutex_);
  std::size_t ended = 0;
  while (EndOne(Nanoseconds(now - limit_))) ++ended;
  if (ended != 0) Log(LogLevel::kWarning, "streams.stalled", {{"ended", ended}, {"limit", absl::FormatDuration(limit_)}});
  return ended;
}

}  // namespace alloclab::server
