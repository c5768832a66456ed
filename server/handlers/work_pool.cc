#include "server/handlers/work_pool.h"

#include <utility>

namespace alloclab::server {

namespace {

thread_local const WorkPool* pool_of_this_thread = nullptr;

}  // namespace

WorkPool::WorkPool(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

WorkPool::~WorkPool() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    to_do_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

void WorkPool::Post(std::function<void()> work) {
  const MutexLock lock(mutex_);
  work_.push_back(std::move(work));
  if (pool_of_this_thread != this) to_do_.NotifyOne();
}

void WorkPool::Run() {
  pool_of_this_thread = this;
  while (true) {
    std::function<void()> work;
    {
      const MutexLock lock(mutex_);
      while (work_.empty() && !stopping_) to_do_.Wait(mutex_);
      if (work_.empty()) return;
      work = std::move(work_.front());
      work_.pop_front();
    }
    work();
  }
}

}  // namespace alloclab::server
