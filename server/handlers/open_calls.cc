#include "server/handlers/open_calls.h"

#include <algorithm>
#include <utility>

#include "server/errors.h"

namespace alloclab::server {

namespace {

std::size_t CountOf(const std::map<std::string, std::size_t>& counts, const std::string& name) {
  const auto found = counts.find(name);
  return found == counts.end() ? 0 : found->second;
}

void CountOneLess(std::map<std::string, std::size_t>& counts, const std::string& name) {
  const auto found = counts.find(name);
  if (--found->second == 0) counts.erase(found);
}

}  // namespace

absl::Status OpenCalls::Admit(const void* call, const Client& client, const absl::Status& when_full, End end) {
  const MutexLock lock(mutex_);
  if (draining_) return errors::Draining();
  if (CountOf(of_client_, client.connection) >= rules_.of_one_client) return when_full;  // that of none is 0
  if (CountOf(of_owner_, client.owner) >= of_one_owner()) return when_full;
  const MonotonicTime now = clock_();
  if (calls_.size() >= rules_.max && !MakeRoom(now)) return when_full;
  calls_.emplace(call, Call{client, std::move(end), now});
  if (!client.connection.empty()) ++of_client_[client.connection];
  if (!client.owner.empty()) ++of_owner_[client.owner];
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
  if (!call->second.client.connection.empty()) CountOneLess(of_client_, call->second.client.connection);
  if (!call->second.client.owner.empty()) CountOneLess(of_owner_, call->second.client.owner);
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
