#include "server/entities/turn_lock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace alloclab::server {
namespace {

TEST(TurnLock, IsHeldByOneAndTriedWithoutWaiting) {
  TurnLock lock;
  if (!lock.TryLock()) FAIL() << "nobody holds it";
  EXPECT_FALSE(lock.IsWanted());
  std::thread([&] {
    const bool taken = lock.TryLock();
    EXPECT_FALSE(taken);
    if (taken) lock.Unlock();
  }).join();
  lock.Unlock();
  lock.Lock();
  lock.Unlock();
}

TEST(TurnLock, AHolderThatGivesItUpForAMomentLetsTheNextOneIn) {
  TurnLock lock;
  lock.Lock();
  std::atomic<bool> was_in{false};
  std::thread next([&] {
    const TurnLockHolder holder(lock);
    was_in = true;
  });
  while (!lock.IsWanted()) std::this_thread::yield();
  EXPECT_FALSE(was_in);
  lock.Unlock();
  lock.Lock();
  EXPECT_TRUE(was_in) << "whoever came first has it next";
  EXPECT_FALSE(lock.IsWanted());
  lock.Unlock();
  next.join();
}

TEST(TurnLock, ManyThreadsNeverHoldItTogether) {
  TurnLock lock;
  std::uint64_t count = 0;  // unprotected but for the lock: two holders are a data race
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        const TurnLockHolder holder(lock);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 8000u);
}

}  // namespace
}  // namespace alloclab::server
