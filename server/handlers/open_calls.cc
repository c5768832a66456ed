#include "server/handlers/open_calls.h"

#include <utility>

#include "server/errors.h"

namespace alloclab::server {

absl::Status OpenCalls::Admit(const void* call, const absl::Status& when_full, std::function<void()> drain) {
  const MutexLock lock(mutex_);
  if (draining_) return errors::Draining();
  if (calls_.size() >= max_) return when_full;
  calls_.emplace(call, std::move(drain));
  return absl::OkStatus();
}

void OpenCalls::Leave(const void* call) {
  const MutexLock lock(mutex_);
  calls_.erase(call);
}

void OpenCalls::Drain() {
  const MutexLock lock(mutex_);
  if (draining_) return;
  draining_ = true;
  for (const auto& [call, drain] : calls_) drain();
}

std::size_t OpenCalls::size() const {
  const MutexLock lock(mutex_);
  return calls_.size();
}

}  // namespace alloclab::server
