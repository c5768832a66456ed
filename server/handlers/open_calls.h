// A bounded number of calls of one kind: streams, uploads, watchers. Those that can are told when the server drains.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_HANDLERS_OPEN_CALLS_H_
#define ALLOCLAB_SERVER_HANDLERS_OPEN_CALLS_H_

#include <cstddef>
#include <functional>
#include <map>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

class OpenCalls {
 public:
  explicit OpenCalls(std::size_t max) : max_(max) {}

  // UNAVAILABLE while draining, `when_full` when there are `max` of them. `drain` is called at most once, before Leave returns; it
  // must not block or call back.
  absl::Status Admit(
      const void* call, const absl::Status& when_full, std::function<void()> drain = [] {}) ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave(const void* call) ABSL_LOCKS_EXCLUDED(mutex_);

  // Tells all, and refuses from here on.
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);
  std::size_t size() const ABSL_LOCKS_EXCLUDED(mutex_);
  std::size_t max() const { return max_; }

 private:
  const std::size_t max_;
  mutable Mutex mutex_;
  std::map<const void*, std::function<void()>> calls_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_OPEN_CALLS_H_
