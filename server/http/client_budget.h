// How much of something each client may have: some at once, and so much a second.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_HTTP_CLIENT_BUDGET_H_
#define ALLOCLAB_SERVER_HTTP_CLIENT_BUDGET_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

class ClientBudget {
 public:
  struct Rules {
    double at_once = 0, per_second = 0;
    absl::Duration wait_max = absl::ZeroDuration();  // who has none left may have what is to come within so long
    std::size_t clients_max = 0;                     // remembered; beyond, those whose budget is whole are forgotten
  };
  using Clock = std::function<MonotonicTime()>;
  explicit ClientBudget(const Rules& rules, Clock clock = MonotonicTime::Now) : rules_(rules), clock_(std::move(clock)) {}

  // Takes one: how long until it is there. None: that is longer than he may wait, and nothing was taken.
  [[nodiscard]] std::optional<absl::Duration> Take(const std::string& client) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Account {
    double left = 0;  // negative: so many were taken of what is to come
    MonotonicTime as_of;
  };
  double Left(const Account& account, MonotonicTime now) const;

  const Rules rules_;
  const Clock clock_;
  Mutex mutex_;
  std::unordered_map<std::string, Account> accounts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_CLIENT_BUDGET_H_
