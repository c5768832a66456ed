#include "clients/load/schedule.h"

#include <cmath>

namespace alloclab::load {

Nanos PoissonArrivals::Next() {
  const double uniform = static_cast<double>(random_() >> 11) * 0x1p-53;  // in [0, 1)
  at_ns_ -= mean_gap_ns_ * std::log1p(-uniform);
  return Nanos(static_cast<Nanos::rep>(at_ns_));
}

void OpenLoop::Advance() {
  next_ = after_;
  after_ = arrivals_->Next();
}

// The next arrival gets no batch.
void OpenLoop::Miss(Missed& missed) {
  ++(period_.PartAt(start_ + next_) == Part::kWarmUp ? missed.warm_up : missed.measured);
  Advance();
}

Missed OpenLoop::Sent(Nanos now) {
  Advance();
  Missed missed;
  // An arrival that is only just due is sent next; it is missed when the one after it is due as well.
  while (!catch_up_ && start_ + after_ <= now) Miss(missed);
  return missed;
}

Missed OpenLoop::End(Nanos now) {
  Missed unsent;
  while (start_ + next_ < now) Miss(unsent);
  return unsent;
}

}  // namespace alloclab::load
