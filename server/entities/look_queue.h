// Short looks at a machine while somebody else drives it: whoever looks waits, and the driver serves the looks between two pieces
// of its work. So a look never delays the work by more than itself, and never waits for all of it.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_ENTITIES_LOOK_QUEUE_H_
#define ALLOCLAB_SERVER_ENTITIES_LOOK_QUEUE_H_

#include <atomic>
#include <functional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "allocators/catalog/instance.h"

namespace alloclab::server {

// Reads the machine and changes nothing; takes a few milliseconds at most.
using Look = std::function<void(Instance&)>;

class LookQueue {
 public:
  // True when `look` was served; false when it was not and never will be, as `deadline` passed or the queue was closed.
  bool Wait(const Look& look, absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_);

  // Calls every look that waits. REQUIRES: the caller has the machine to itself.
  void Serve(Instance& machine) ABSL_LOCKS_EXCLUDED(mutex_) {
    if (waiting_.load(std::memory_order_relaxed)) ServeWaiting(machine);
  }

  // There will be no more service.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    const Look* look = nullptr;
    bool served = false;
    const bool* closed = nullptr;
    bool Settled() const { return served || *closed; }
  };

  void ServeWaiting(Instance& machine) ABSL_LOCKS_EXCLUDED(mutex_);

  std::atomic<bool> waiting_{false};
  absl::Mutex mutex_;
  std::vector<Entry*> entries_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_LOOK_QUEUE_H_
