// Who waits for programs: while one of these stands, what this thread runs of users' code is left off soon after `interrupt`
// says that nobody waits any more. The operation under way then ends as one that was not back in time, and the program is dead:
// so it is for machines whose end that is, those of runs, not for machines that live on.
//
// Thread safety: each stands in the thread that made it. They may be nested; the innermost is asked.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_GUEST_PATIENCE_H_
#define ALLOCLAB_ALLOCATORS_GUEST_GUEST_PATIENCE_H_

#include "allocators/common/interrupt.h"

namespace alloclab {

class GuestPatience {
 public:
  explicit GuestPatience(const Interrupt& interrupt) : interrupt_(interrupt), outer_(innermost_) { innermost_ = this; }
  ~GuestPatience() { innermost_ = outer_; }
  GuestPatience(const GuestPatience&) = delete;
  GuestPatience& operator=(const GuestPatience&) = delete;

  // Whether to leave off. Without one of these: never.
  static bool IsOver() { return innermost_ != nullptr && Interrupted(innermost_->interrupt_); }

 private:
  const Interrupt interrupt_;
  const GuestPatience* const outer_;
  static inline thread_local const GuestPatience* innermost_ = nullptr;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_GUEST_GUEST_PATIENCE_H_
