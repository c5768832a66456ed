#include "server/entities/look_queue.h"

#include <algorithm>

namespace alloclab::server {

bool LookQueue::Wait(const Look& look, MonotonicTime deadline) {
  Entry entry{&look};
  const MutexLock lock(mutex_);
  entries_.push_back(&entry);
  waiting_.store(true, std::memory_order_relaxed);
  while (!entry.IsServed() && !closed_ && settled_.WaitUntil(mutex_, deadline)) {
  }
  // A look that has begun still uses what its caller owns.
  while (entry.state == State::kBeingServed) settled_.Wait(mutex_);
  std::erase(entries_, &entry);
  waiting_.store(!entries_.empty(), std::memory_order_relaxed);
  return entry.IsServed();
}

void LookQueue::ServeWaiting(const Driver& driver) {
  const MonotonicTime began = clock_();
  if (began < rest_until_) return;
  MonotonicTime now = began;
  while (now - began < kLookTime) {
    Entry* const entry = TakeNext();
    if (entry == nullptr) break;
    (*entry->look)(driver);  // without the lock: others may give up meanwhile
    now = clock_();
    const MutexLock lock(mutex_);
    entry->state = State::kServed;
    settled_.NotifyAll();
  }
  rest_until_ = now + (now - began);
}

LookQueue::Entry* LookQueue::TakeNext() {
  const MutexLock lock(mutex_);
  const auto next = std::find_if(entries_.begin(), entries_.end(), [](const Entry* e) { return e->state == State::kWaiting; });
  if (next == entries_.end()) {
    waiting_.store(false, std::memory_order_relaxed);
    return nullptr;
  }
  (*next)->state = State::kBeingServed;
  return *next;
}

void LookQueue::Close() {
  const MutexLock lock(mutex_);
  closed_ = true;
  settled_.NotifyAll();
}

}  // namespace alloclab::server
