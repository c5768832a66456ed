#include "server/handlers/owner_connections.h"

#include "server/errors.h"

namespace alloclab::server {

void OwnerConnections::Enter(const std::string& connection) {
  if (connection.empty()) return;
  const MutexLock lock(mutex_);
  const auto [entered, is_new] = open_.try_emplace(connection, Open{.number = entered_ + 1});
  if (is_new) strangers_.emplace(++entered_, connection);
}

void OwnerConnections::Leave(const std::string& connection) {
  const MutexLock lock(mutex_);
  const auto found = open_.find(connection);
  if (found == open_.end()) return;
  if (const auto count = counts_.find(found->second.owner); count != counts_.end() && --count->second == 0) {
    counts_.erase(count);
  }
  strangers_.erase(found->second.number);
  open_.erase(found);
}

std::string OwnerConnections::LongestStranger() const {
  const MutexLock lock(mutex_);
  return !owners_call_ || strangers_.empty() ? "" : strangers_.begin()->second;
}

absl::Status OwnerConnections::Call(const std::string& connection, const std::string& owner) {
  {
    const MutexLock lock(mutex_);
    owners_call_ = true;
    const auto found = open_.find(connection);
    if (found == open_.end() || !found->second.owner.empty()) return absl::OkStatus();
    if (found->second.refused) return absl::CancelledError();
    std::size_t& count = counts_[owner];
    if (count < of_one_max_) {
      ++count;
      found->second.owner = owner;
      strangers_.erase(found->second.number);
      return absl::OkStatus();
    }
    found->second.refused = true;
  }
  hang_up_(connection);
  return errors::TooManyConnections(owner, of_one_max_);
}

}  // namespace alloclab::server
