// Time in the load generator: nanoseconds on a clock that never goes back, since an arbitrary beginning.
#ifndef ALLOCLAB_CLIENTS_LOAD_CLOCK_H_
#define ALLOCLAB_CLIENTS_LOAD_CLOCK_H_

#include <chrono>
#include <cmath>

namespace alloclab::load {

using Nanos = std::chrono::nanoseconds;

inline Nanos Now() { return std::chrono::steady_clock::now().time_since_epoch(); }

inline double Seconds(Nanos time) { return std::chrono::duration<double>(time).count(); }
inline Nanos FromSeconds(double seconds) { return Nanos(std::llround(seconds * 1e9)); }

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_CLOCK_H_
