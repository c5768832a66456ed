// A lock whose holders take turns: whoever came first has it next. So a holder that works for long lets others in by giving the
// lock up for a moment, where a plain mutex would most likely come back to it at once.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_ENTITIES_TURN_LOCK_H_
#define ALLOCLAB_SERVER_ENTITIES_TURN_LOCK_H_

#include <atomic>
#include <cstdint>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "allocators/common/check.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

class ABSL_LOCKABLE TurnLock {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    const MutexLock lock(mutex_);
    const std::uint64_t turn = next_++;
    while (turn != serving_) turned_.Wait(mutex_);
    holder_ = std::this_thread::get_id();
  }
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    const MutexLock lock(mutex_);
    if (next_ != serving_) return false;
    ++next_;
    holder_ = std::this_thread::get_id();
    return true;
  }
  // REQUIRES: the caller holds it.
  void Unlock() ABSL_UNLOCK_FUNCTION() {
    const MutexLock lock(mutex_);
    ALLOCLAB_CHECK(holder_ == std::this_thread::get_id());
    holder_ = {};
    ++serving_;
    if (next_ != serving_) turned_.NotifyAll();
  }
  // For code that the analysis of locks cannot follow. REQUIRES: the caller holds it.
  void AssertHeld() const ABSL_ASSERT_EXCLUSIVE_LOCK() {
    const MutexLock lock(mutex_);
    ALLOCLAB_CHECK(holder_ == std::this_thread::get_id());
  }
  // Whether others wait for it. REQUIRES: the caller holds it.
  bool IsWanted() const {
    const MutexLock lock(mutex_);
    ALLOCLAB_CHECK(holder_ == std::this_thread::get_id());
    return next_ != serving_ + 1;
  }

 private:
  mutable Mutex mutex_;
  Condition turned_;
  std::uint64_t next_ ABSL_GUARDED_BY(mutex_) = 0;     // turn of who comes next
  std::uint64_t serving_ ABSL_GUARDED_BY(mutex_) = 0;  // turn of who holds it, if next_ is larger
  std::thread::id holder_ ABSL_GUARDED_BY(mutex_);     // none: nobody
};

class ABSL_SCOPED_LOCKABLE TurnLockHolder {
 public:
  explicit TurnLockHolder(TurnLock& lock) ABSL_EXCLUSIVE_LOCK_FUNCTION(lock) : lock_(lock) { lock.Lock(); }
  ~TurnLockHolder() ABSL_UNLOCK_FUNCTION() { lock_.Unlock(); }
  TurnLockHolder(const TurnLockHolder&) = delete;
  TurnLockHolder& operator=(const TurnLockHolder&) = delete;

 private:
  TurnLock& lock_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_TURN_LOCK_H_
