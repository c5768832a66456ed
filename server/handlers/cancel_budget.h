// How many calls each connection may cancel: some at once, and so many a second. A stream that is opened and reset costs its
// client nothing and frees its place at once, so the bound of streams that are open does not hold it back (CVE-2023-44487).
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_HANDLERS_CANCEL_BUDGET_H_
#define ALLOCLAB_SERVER_HANDLERS_CANCEL_BUDGET_H_

#include <cstddef>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

class CancelBudget {
 public:
  struct Rules {
    double at_once = 0, per_second = 0;
    std::size_t clients_max = 0;  // remembered; beyond, those whose budget is whole are forgotten
  };
  using Clock = std::function<MonotonicTime()>;
  explicit CancelBudget(const Rules& rules, Clock clock = MonotonicTime::Now) : rules_(rules), clock_(std::move(clock)) {}

  // Takes one. False: there is none left.
  [[nodiscard]] bool Spend(const std::string& client) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Account {
    double left = 0;
    MonotonicTime as_of;
  };
  double Left(const Account& account, MonotonicTime now) const;

  const Rules rules_;
  const Clock clock_;
  Mutex mutex_;
  std::unordered_map<std::string, Account> accounts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_CANCEL_BUDGET_H_
