#include "server/http/client_budget.h"

#include <algorithm>

namespace alloclab::server {

double ClientBudget::Left(const Account& account, MonotonicTime now) const {
  return std::min(rules_.at_once, account.left + rules_.per_second * absl::ToDoubleSeconds(now - account.as_of));
}

std::optional<absl::Duration> ClientBudget::Take(const std::string& client) {
  const MutexLock lock(mutex_);
  const MonotonicTime now = clock_();
  if (accounts_.size() >= rules_.clients_max && !accounts_.contains(client)) {
    std::erase_if(accounts_, [&](const auto& entry) { return Left(entry.second, now) >= rules_.at_once; });
  }
  Account& account = accounts_.try_emplace(client, Account{rules_.at_once, now}).first->second;
  account = {Left(account, now), now};
  const absl::Duration wait = absl::Seconds(std::max(0.0, 1 - account.left) / rules_.per_second);
  if (wait > rules_.wait_max) return std::nullopt;
  --account.left;
  return wait;
}

}  // namespace alloclab::server
