// A moment of the host's monotonic clock: whatever waits, paces or measures goes by it. The clock of the day (absl::Time) may
// be set at any time, back or forth; it is for timestamps alone.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_MONOTONIC_TIME_H_
#define ALLOCLAB_ALLOCATORS_COMMON_MONOTONIC_TIME_H_

#include <chrono>

#include "absl/time/time.h"

namespace alloclab {

class MonotonicTime {
 public:
  static MonotonicTime Now() { return MonotonicTime(absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch())); }
  static MonotonicTime InfinitePast() { return MonotonicTime(-absl::InfiniteDuration()); }
  static MonotonicTime InfiniteFuture() { return MonotonicTime(absl::InfiniteDuration()); }

  // For waits; the infinite ones are the first and the last moment that the clock can tell.
  std::chrono::steady_clock::time_point ToChrono() const {
    return std::chrono::steady_clock::time_point(absl::ToChronoNanoseconds(since_start_));
  }

  friend MonotonicTime operator+(MonotonicTime time, absl::Duration more) { return MonotonicTime(time.since_start_ + more); }
  friend MonotonicTime operator-(MonotonicTime time, absl::Duration less) { return MonotonicTime(time.since_start_ - less); }
  friend absl::Duration operator-(MonotonicTime a, MonotonicTime b) { return a.since_start_ - b.since_start_; }
  friend bool operator==(MonotonicTime a, MonotonicTime b) { return a.since_start_ == b.since_start_; }
  friend bool operator<(MonotonicTime a, MonotonicTime b) { return a.since_start_ < b.since_start_; }
  friend bool operator>(MonotonicTime a, MonotonicTime b) { return b < a; }
  friend bool operator<=(MonotonicTime a, MonotonicTime b) { return !(b < a); }
  friend bool operator>=(MonotonicTime a, MonotonicTime b) { return !(a < b); }

 private:
  explicit MonotonicTime(absl::Duration since_start) : since_start_(since_start) {}

  absl::Duration since_start_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_MONOTONIC_TIME_H_
