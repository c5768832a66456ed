#include "server/handlers/open_calls.h"

#include <algorithm>
#include <utility>

#include "server/errors.h"

namespace alloclab::server {

absl::Status OpenCalls::Admit(const void* call, const std::string& client, const absl::Status& when_full, End end) {
  const MutexLock lock(mutex_);
  if (draining_) return errors::Draining();
  const auto mine = of_client_.find(client);
  if (mine != of_client_.end() && mine->second >= rules_.of_one_client) return when_full;
  const MonotonicTime now = clock_();
  if (calls_.size() >= rules_.max && !MakeRoom(now)) return when_full;
  calls_.emplace(call, Call{client, std::move(end), now});
  ++of_client_[client];
  return absl::OkStatus();
}

bool OpenCalls::MakeRoom(MonotonicTime now) {
  const auto longest = std::min_element(calls_.begin(), calls_.end(),
                                        [](const auto& a, const auto& b) { return a.second.heard < b.second.heard; });
  if (longest == calls_.end() || now - longest->second.heard < rules_.silence) return false;
  longest->second.end(errors::SilentTooLong(now - longest->second.heard));
  Remove(longest);
  return true;
}

void OpenCalls::Heard(const void* call) {
  const MutexLock lock(mutex_);
  if (const auto found = calls_.find(call); found != calls_.end()) found->second.heard = clock_();
}

void OpenCalls::Leave(const void* call) {
  const MutexLock lock(mutex_);
  if (const auto found = calls_.find(call); found != calls_.end()) Remove(found);
}

void OpenCalls::Remove(std::map<const void*, Call>::iterator call) {
  const auto of_client = of_client_.find(call->second.client);
  if (--of_client->second == 0) of_client_.erase(of_client);
  calls_.erase(call);
}

void OpenCalls::Drain() {
  const MutexLock lock(mutex_);
  if (draining_) return;
  draining_ = true;
  for (const auto& [call, state] : calls_) state.end(errors::Draining());
}

std::size_t OpenCalls::size() const {
  const MutexLock lock(mutex_);
  return calls_.size();
}

}  // namespace alloclab::server
