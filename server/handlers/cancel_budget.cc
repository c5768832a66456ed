#include "server/handlers/cancel_budget.h"

#include <algorithm>

#include "absl/time/time.h"

namespace alloclab::server {

double CancelBudget::Left(const Account& account, MonotonicTime now) const {
  return std::min(rules_.at_once, account.left + rules_.per_second * absl::ToDoubleSeconds(now - account.as_of));
}

bool CancelBudget::Spend(const std::string& client) {
  const MutexLock lock(mutex_);
  const MonotonicTime now = clock_();
  if (accounts_.size() >= rules_.clients_max && !accounts_.contains(client)) {
    std::erase_if(accounts_, [&](const auto& entry) { return Left(entry.second, now) >= rules_.at_once; });
  }
  Account& account = accounts_.try_emplace(client, Account{rules_.at_once, now}).first->second;
  account = {Left(account, now), now};
  if (account.left < 1) return false;
  --account.left;
  return true;
}

}  // namespace alloclab::server
