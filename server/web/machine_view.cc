#include "server/web/machine_view.h"

#include <algorithm>

#include "absl/time/clock.h"

namespace alloclab::server {
namespace {

constexpr int kRestPerLook = 4;

}  // namespace

absl::Status MachineView::PacedLook(const LookAt& look_at, MonotonicTime deadline, const Look& look) {
  absl::Duration rest;
  {
    const MutexLock lock(mutex_);
    if (rest_until_ > deadline) return absl::DeadlineExceededError("the web page is too busy; try again");
    rest = rest_until_ - clock_();
  }
  if (rest > absl::ZeroDuration()) sleep_(rest);
  absl::Duration spent;
  absl::Status status = look_at(
      [&](const Driver& driver) {
        const MonotonicTime began = clock_();
        look(driver);
        spent = clock_() - began;
      },
      deadline);
  const MutexLock lock(mutex_);
  rest_until_ = std::max(rest_until_, clock_()) + kRestPerLook * spent;
  return status;
}

absl::StatusOr<v1::MemoryMap> MachineView::Map(const LookAt& look_at, const MapRequest& request) {
  const MonotonicTime deadline = clock_() + kViewDeadline;
  MemoryMapper mapper(request);
  bool begun = false, done = false;
  while (!done) {
    const absl::Status status =
        PacedLook(look_at, deadline, [&](const Driver& driver) { done = mapper.Look(driver.instance()); });
    if (!status.ok() && !begun) return status;
    if (!status.ok()) {
      mapper.MarkPartial();
      break;
    }
    begun = true;
  }
  return mapper.Take();
}

}  // namespace alloclab::server
