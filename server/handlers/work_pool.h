// Threads for work that is too long for gRPC's own callback threads: the batches of streams and the pages of walks.
//
// Thread safety: Post from any thread. The destructor runs what was posted.
#ifndef ALLOCLAB_SERVER_HANDLERS_WORK_POOL_H_
#define ALLOCLAB_SERVER_HANDLERS_WORK_POOL_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

class WorkPool {
 public:
  explicit WorkPool(unsigned threads);
  ~WorkPool();

  // Bounded by its callers: each open stream has at most one piece of work here. Work that posts more work does so at its end:
  // its own thread goes on with that, and no other is woken.
  void Post(std::function<void()> work) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);

  Mutex mutex_;
  Condition to_do_;  // there is work, or the pool stops
  std::deque<std::function<void()>> work_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_WORK_POOL_H_
