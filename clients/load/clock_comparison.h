// How the clock of another host stands to ours, from questions that it answered with its time: neither need show the time of
// day.
#ifndef ALLOCLAB_CLIENTS_LOAD_CLOCK_COMPARISON_H_
#define ALLOCLAB_CLIENTS_LOAD_CLOCK_COMPARISON_H_

#include "clients/load/clock.h"

namespace alloclab::load {

// Thread safety: none.
class ClockComparison {
 public:
  // A question asked at `asked` and answered at `heard`, by our clock, with `theirs`. The quickest answer counts: the less time
  // it took, the less is unknown of it.
  void Add(Nanos asked, Nanos theirs, Nanos heard) {
    const Nanos error = (heard - asked) / 2;
    if (any_ && error >= error_) return;
    any_ = true;
    error_ = error;
    offset_ = theirs - (asked + error);
  }

  Nanos ToTheirs(Nanos ours) const { return ours + offset_; }
  Nanos ToOurs(Nanos theirs) const { return theirs - offset_; }
  Nanos error() const { return error_; }  // a time may be wrong by so much, either way

 private:
  bool any_ = false;
  Nanos offset_{0}, error_{0};
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_CLOCK_COMPARISON_H_
