#include "server/handlers/owner_connections.h"

#include "server/errors.h"

namespace alloclab::server {

void OwnerConnections::Enter(const std::string& connection) {
  if (connection.empty()) return;
  const MutexLock lock(mutex_);
  open_.try_emplace(connection);
}

void OwnerConnections::Leave(const std::string& connection) {
  const MutexLock lock(mutex_);
  const auto found = open_.find(connection);
  if (found == open_.end()) return;
  if (const auto count = counts_.find(found->second.owner); count != counts_.end() && --count->second == 0) {
    counts_.erase(count);
  }
  open_.erase(found);
}

absl::Status OwnerConnections::Call(const std::string& connection, const std::string& owner) {
  {
    const MutexLock lock(mutex_);
    const auto found = open_.find(connection);
    if (found == open_.end() || !found->second.owner.empty()) return absl::OkStatus();
    if (found->second.refused) return absl::CancelledError();
    std::size_t& count = counts_[owner];
    if (count < of_one_max_) {
      ++count;
      found->second.owner = owner;
      return absl::OkStatus();
    }
    found->second.refused = true;
  }
  hang_up_(connection);
  return errors::TooManyConnections(owner, of_one_max_);
}

}  // namespace alloclab::server
