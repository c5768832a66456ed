// How long work is told that nobody waits for its answer any more: the caller gave up, its deadline passed, the server stops.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_INTERRUPT_H_
#define ALLOCLAB_ALLOCATORS_COMMON_INTERRUPT_H_

#include <cstdint>
#include <functional>

namespace alloclab {

// True: leave the work. May be empty: nobody interrupts. Cheap, but not free: asked about every millisecond.
using Interrupt = std::function<bool()>;

inline bool Interrupted(const Interrupt& interrupt) { return interrupt && interrupt(); }

// Asks at every 4,096th step of a loop, and remembers the answer.
class InterruptPoll {
 public:
  explicit InterruptPoll(const Interrupt& interrupt) : interrupt_(interrupt) {}

  // Whether to leave the loop.
  bool Step() {
    if ((++steps_ & kMask) == 0 && !interrupted_) interrupted_ = Interrupted(interrupt_);
    return interrupted_;
  }
  bool interrupted() const { return interrupted_; }

 private:
  static constexpr std::uint64_t kMask = 4095;

  const Interrupt& interrupt_;
  std::uint64_t steps_ = 0;
  bool interrupted_ = false;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_INTERRUPT_H_
