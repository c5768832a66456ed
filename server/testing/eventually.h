// Waiting for what another thread or process does.
#ifndef ALLOCLAB_SERVER_TESTING_EVENTUALLY_H_
#define ALLOCLAB_SERVER_TESTING_EVENTUALLY_H_

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace alloclab {

// Waits until `condition` holds. False after a minute, which no machine is too busy for.
template <class Condition>
[[nodiscard]] bool Eventually(Condition condition) {
  for (const absl::Time deadline = absl::Now() + absl::Minutes(1); absl::Now() < deadline;
       absl::SleepFor(absl::Milliseconds(10))) {
    if (condition()) return true;
  }
  return false;
}

}  // namespace alloclab

#endif  // ALLOCLAB_SERVER_TESTING_EVENTUALLY_H_
