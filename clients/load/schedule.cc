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

std::uint64_t OpenLoop::Sent(Nanos now) {
  Advance();
  std::uint64_t missed = 0;
  // An arrival that is only just due is sent next; it is missed when the one after it is due as well.
  for (; !catch_up_ && start_ + after_ <= now; ++missed) Advance();
  return missed;
}

std::uint64_t OpenLoop::End(Nanos now) {
  std::uint64_t unsent = 0;
  for (; start_ + next_ < now; ++unsent) Advance();
  return unsent;
}

}  // namespace alloclab::load
