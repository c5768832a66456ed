#include "server/entities/look_queue.h"

namespace alloclab::server {

bool LookQueue::Wait(const Look& look, absl::Time deadline) {
  const absl::MutexLock lock(&mutex_);
  Entry entry{.look = &look, .served = false, .closed = &closed_};
  entries_.push_back(&entry);
  waiting_.store(true, std::memory_order_relaxed);
  mutex_.AwaitWithDeadline(absl::Condition(&entry, &Entry::Settled), deadline);
  std::erase(entries_, &entry);
  waiting_.store(!entries_.empty(), std::memory_order_relaxed);
  return entry.served;
}

void LookQueue::ServeWaiting(Instance& machine) {
  const absl::MutexLock lock(&mutex_);
  for (Entry* entry : entries_) {
    if (!entry->served) (*entry->look)(machine);
    entry->served = true;
  }
  waiting_.store(false, std::memory_order_relaxed);
}

void LookQueue::Close() {
  const absl::MutexLock lock(&mutex_);
  closed_ = true;
}

}  // namespace alloclab::server
