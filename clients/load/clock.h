// Time as an argument: everything that waits or measures is given a Clock, so that tests can run it on simulated time.
#ifndef ALLOCLAB_CLIENTS_LOAD_CLOCK_H_
#define ALLOCLAB_CLIENTS_LOAD_CLOCK_H_

#include <chrono>

namespace alloclab::load {

using Nanos = std::chrono::nanoseconds;

// A point in time is the Nanos since an arbitrary beginning. Thread safety: Now() may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Nanos Now() const = 0;  // never goes back
};

class SteadyClock final : public Clock {
 public:
  Nanos Now() const override { return std::chrono::steady_clock::now().time_since_epoch(); }
};

inline double Seconds(Nanos time) { return std::chrono::duration<double>(time).count(); }
inline Nanos FromSeconds(double seconds) { return Nanos(static_cast<Nanos::rep>(seconds * 1e9)); }

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_CLOCK_H_
