#include "server/handlers/fair_share.h"

namespace alloclab::server {

void FairShare::BeginSpan(MonotonicTime now) {
  const bool paused = now - began_ >= 2 * kSpan;  // then nothing was asked in the span before
  began_ = now;
  total_ = 0;
  std::erase_if(calls_, [now](const auto& of) { return now - of.second.last >= kPresence; });
  for (auto& [owner, calls] : calls_) {
    calls.before = paused ? 0 : calls.now;
    calls.now = 0;
    total_ += calls.before;
  }
}

bool FairShare::Count(std::string_view owner) {
  const MonotonicTime now = clock_();
  const MutexLock lock(mutex_);
  if (now - began_ >= kSpan) BeginSpan(now);
  Calls& calls = calls_[std::string(owner)];
  ++calls.now;
  calls.last = now;
  ++total_;
  const std::uint64_t his = calls.now + calls.before;
  return his > kFewCalls && 2 * his * calls_.size() > 3 * total_;
}

}  // namespace alloclab::server
