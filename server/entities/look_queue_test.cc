#include "server/entities/look_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/clock.h"

namespace alloclab::server {
namespace {

// A machine and whoever works on it.
struct Machine {
  Machine() : driver(*instance) {}

  static InstanceConfig Config() {
    InstanceConfig config;
    config.ram_bytes = 1 << 20;
    config.heap_allocator = "none";
    return config;
  }

  const std::unique_ptr<Instance> instance = *Instance::Create(Config());
  Driver driver;
};

TEST(LookQueue, WithoutServiceALookIsNeverCalled) {
  LookQueue queue;
  bool called = false;
  EXPECT_FALSE(queue.Wait([&](const Driver&) { called = true; }, MonotonicTime::Now() + absl::Milliseconds(5)));
  const Machine machine;
  queue.Serve(machine.driver);
  EXPECT_FALSE(called);
}

TEST(LookQueue, CloseReleasesWhoeverWaits) {
  LookQueue queue;
  std::thread closer([&] {
    absl::SleepFor(absl::Milliseconds(20));
    queue.Close();
  });
  EXPECT_FALSE(queue.Wait([](const Driver&) {}, MonotonicTime::InfiniteFuture()));
  closer.join();
  EXPECT_FALSE(queue.Wait([](const Driver&) {}, MonotonicTime::InfiniteFuture()));
}

// A look that has begun is seen through whatever its deadline says, and meanwhile others may give up.
TEST(LookQueue, ALongLookKeepsNobodyElse) {
  LookQueue queue;
  const Machine machine;
  std::latch long_began(1), other_gave_up(1);
  std::thread long_looker([&] {
    bool finished = false;
    EXPECT_TRUE(queue.Wait(
        [&](const Driver&) {
          long_began.count_down();
          other_gave_up.wait();
          finished = true;
        },
        MonotonicTime::Now() + absl::Minutes(1)));
    EXPECT_TRUE(finished);
  });
  std::thread driver([&] {
    while (!long_began.try_wait()) queue.Serve(machine.driver);
  });
  long_began.wait();
  EXPECT_FALSE(queue.Wait([](const Driver&) { FAIL() << "beside another look"; }, MonotonicTime::Now()));
  other_gave_up.count_down();
  long_looker.join();
  driver.join();
}

// Whoever is served comes back at once with another look: the work goes on all the same, for as long as the look took.
TEST(LookQueue, LooksTakeNoMoreThanHalfOfTheTime) {
  MonotonicTime now = MonotonicTime::Now();
  LookQueue queue([&] { return now; });
  const Machine machine;
  std::atomic<int> served{0};
  std::atomic<bool> stop{false};
  const Look look = [&](const Driver&) {
    now = now + absl::Milliseconds(100);
    ++served;
  };
  std::vector<std::thread> lookers;
  for (int t = 0; t < 3; ++t) {
    lookers.emplace_back([&] {
      while (!stop) (void)queue.Wait(look, MonotonicTime::InfiniteFuture());
    });
  }
  while (served == 0) queue.Serve(machine.driver);
  EXPECT_EQ(served, 1) << "one is longer than they may take together";
  const auto pass = [&](absl::Duration time, int wanted) {
    now = now + time;
    absl::SleepFor(absl::Milliseconds(20));  // for lookers to come
    queue.Serve(machine.driver);
    EXPECT_EQ(served, wanted);
  };
  pass(absl::Milliseconds(99), 1);
  pass(absl::Milliseconds(1), 2);
  pass(absl::Milliseconds(0), 2);
  stop = true;
  queue.Close();
  for (std::thread& looker : lookers) looker.join();
}

// Every look is called once or, when it gave up, not at all; never beside the driver's own work.
TEST(LookQueue, ManyLookersOneDriver) {
  LookQueue queue;
  const Machine machine;
  std::uint64_t work = 0;  // the driver's, unprotected: a look beside it is a data race
  std::atomic<bool> stop{false};
  std::thread driver([&] {
    while (!stop) {
      ++work;
      queue.Serve(machine.driver);
    }
  });
  std::vector<std::thread> lookers;
  std::atomic<int> served{0};
  for (int t = 0; t < 4; ++t) {
    lookers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        int calls = 0;
        const bool seen = queue.Wait(
            [&](const Driver& looked_at) {
              EXPECT_EQ(&looked_at, &machine.driver);
              ++calls;
              ++work;
            },
            MonotonicTime::Now() + absl::Milliseconds(i % 3 == 0 ? 0 : 1000));
        EXPECT_EQ(calls, seen ? 1 : 0);
        served += seen;
      }
    });
  }
  for (std::thread& looker : lookers) looker.join();
  stop = true;
  driver.join();
  EXPECT_GT(served, 0);
}

}  // namespace
}  // namespace alloclab::server
