#include "allocators/common/mutex.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "absl/time/time.h"

namespace alloclab {
namespace {

class Counter {
 public:
  void Add() {
    const MutexLock lock(mutex_);
    ++count_;
    changed_.NotifyAll();
  }
  int AwaitAtLeast(int count) {
    const MutexLock lock(mutex_);
    while (count_ < count) changed_.Wait(mutex_);
    return count_;
  }
  bool AwaitAtLeast(int count, MonotonicTime deadline) {
    const MutexLock lock(mutex_);
    while (count_ < count) {
      if (!changed_.WaitUntil(mutex_, deadline)) return count_ >= count;
    }
    return true;
  }

 private:
  Mutex mutex_;
  Condition changed_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST(Mutex, NoAdditionIsLost) {
  constexpr int kThreads = 4, kAdditions = 20'000;
  Counter counter;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kAdditions; ++j) counter.Add();
    });
  }
  EXPECT_EQ(counter.AwaitAtLeast(kThreads * kAdditions), kThreads * kAdditions);
  for (std::thread& thread : threads) thread.join();
}

TEST(Condition, WaitingEndsAtTheDeadlineOrWhenItHolds) {
  Counter counter;
  EXPECT_FALSE(counter.AwaitAtLeast(1, MonotonicTime::InfinitePast()));
  EXPECT_FALSE(counter.AwaitAtLeast(1, MonotonicTime::Now() + absl::Milliseconds(1)));
  std::thread thread([&] { counter.Add(); });
  EXPECT_TRUE(counter.AwaitAtLeast(1, MonotonicTime::InfiniteFuture()));
  thread.join();
}

// The waiting thread destroys what it waited for as soon as it is woken, while the other may still be in Unlock.
TEST(Mutex, MayBeDestroyedByWhoeverWasWoken) {
  for (int i = 0; i < 200; ++i) {
    auto counter = std::make_unique<Counter>();
    std::thread thread([shared = counter.get()] { shared->Add(); });
    counter->AwaitAtLeast(1);
    counter.reset();
    thread.join();
  }
}

}  // namespace
}  // namespace alloclab
