#include "server/handlers/fair_share.h"

namespace alloclab::server {

// After a pause of two spans or more nobody has called lately.
void FairShare::BeginSpan(MonotonicTime now) {
  const bool paused = now - began_ >= 2 * kSpan;
  began_ = now;
  total_ = 0;
  std::erase_if(calls_, [paused](const auto& of) { return paused || of.second.now == 0; });
  for (auto& [owner, calls] : calls_) {
    calls = {.now = 0, .before = calls.now};
    total_ += calls.before;
  }
}

bool FairShare::Count(std::string_view owner) {
  const MonotonicTime now = clock_();
  const MutexLock lock(mutex_);
  if (now - began_ >= kSpan) BeginSpan(now);
  Calls& calls = calls_[std::string(owner)];
  ++calls.now;
  ++total_;
  return 2 * (calls.now + calls.before) * calls_.size() > 3 * total_;
}

}  // namespace alloclab::server
