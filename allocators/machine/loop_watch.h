// Noticing that a walk over unchanging links would never end: it comes to some place for the second time. Both watches keep one
// place of the walk as a mark and set it anew at distances that double (Brent, An improved Monte Carlo factorization algorithm,
// BIT 20, 1980), so they notice within three times the length of the walk up to there, and need no memory. They differ in where
// the mark stands, hence in how many steps a walk counts before it is stopped; each allocator's figures are kept by its own.
#ifndef ALLOCLAB_ALLOCATORS_MACHINE_LOOP_WATCH_H_
#define ALLOCLAB_ALLOCATORS_MACHINE_LOOP_WATCH_H_

#include <cstdint>

#include "allocators/machine/machine_stop.h"

namespace alloclab {

// Asked at every stop of a walk, before the stop is looked at.
template <class Address>
class LoopWatch {
 public:
  bool Revisits(Address stop) {
    if (limit_ > 1 && stop == mark_) return true;  // limit_ 1: there is no mark yet
    if (++steps_ == limit_) {
      mark_ = stop;
      steps_ = 0;
      limit_ *= 2;
    }
    return false;
  }
  // Throws MachineStop{kMachineHang, stop} at a stop that the walk revisits.
  void Check(Address stop) {
    if (Revisits(stop)) throw MachineStop{.outcome = Outcome::kMachineHang, .address = stop.raw()};
  }

 private:
  Address mark_;
  std::uint64_t steps_ = 0, limit_ = 1;
};

// Asked at every stop, after it was looked at, with the stop that comes next. The first stop is the first mark.
template <class Address>
class LandmarkWatch {
 public:
  explicit LandmarkWatch(Address start) : stop_(start), mark_(start) {}

  bool Revisits(Address next) {
    if (steps_++ == limit_) {
      mark_ = stop_;
      limit_ *= 2;
    }
    if (next == mark_) return true;
    stop_ = next;
    return false;
  }
  // Throws MachineStop{kMachineHang} with the stop whose successor is the mark: the walk ends there.
  void Check(Address next) {
    if (Revisits(next)) throw MachineStop{.outcome = Outcome::kMachineHang, .address = stop_.raw()};
  }

 private:
  Address stop_, mark_;
  std::uint64_t steps_ = 0, limit_ = 1;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_MACHINE_LOOP_WATCH_H_
