// The locks of this project: std::mutex and std::condition_variable under the annotations of clang's -Wthread-safety. Unlike
// those of a library that was built without it, ThreadSanitizer sees them.
//
//   const MutexLock lock(mutex_);
//   while (queue_.empty()) filled_.Wait(mutex_);
#ifndef ALLOCLAB_ALLOCATORS_COMMON_MUTEX_H_
#define ALLOCLAB_ALLOCATORS_COMMON_MUTEX_H_

#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"
#include "allocators/common/monotonic_time.h"

namespace alloclab {

// Not recursive. It may be destroyed as soon as its last holder has begun to unlock it and nobody else will lock it.
class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) { return mutex_.try_lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

// Holds a mutex as long as it lives.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) { mutex.Lock(); }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// What a thread waits for. Whoever changes what it depends on notifies, best while holding the mutex: then the waiting thread
// may destroy the condition. A wait may end without cause: it stands in a loop that looks at what it waits for.
class Condition {
 public:
  // Lets go of `mutex` while it waits; holds it again on return.
  void Wait(Mutex& mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // False: it is `deadline`.
  bool WaitUntil(Mutex& mutex, MonotonicTime deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool in_time = condition_.wait_until(lock, deadline.ToChrono()) == std::cv_status::no_timeout;
    lock.release();
    return in_time;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_MUTEX_H_
