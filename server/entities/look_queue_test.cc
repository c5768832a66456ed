#include "server/entities/look_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/clock.h"

namespace alloclab::server {
namespace {

std::unique_ptr<Instance> MakeMachine() {
  InstanceConfig config;
  config.ram_bytes = 1 << 20;
  config.heap_allocator = "none";
  return *Instance::Create(config);
}

TEST(LookQueue, WithoutServiceALookIsNeverCalled) {
  LookQueue queue;
  bool called = false;
  EXPECT_FALSE(queue.Wait([&](Instance&) { called = true; }, absl::Now() + absl::Milliseconds(5)));
  const auto machine = MakeMachine();
  queue.Serve(*machine);
  EXPECT_FALSE(called);
}

TEST(LookQueue, CloseReleasesWhoeverWaits) {
  LookQueue queue;
  std::thread closer([&] {
    absl::SleepFor(absl::Milliseconds(20));
    queue.Close();
  });
  EXPECT_FALSE(queue.Wait([](Instance&) {}, absl::InfiniteFuture()));
  closer.join();
  EXPECT_FALSE(queue.Wait([](Instance&) {}, absl::InfiniteFuture()));
}

// Every look is called once or, when it gave up, not at all; never beside the driver's own work.
TEST(LookQueue, ManyLookersOneDriver) {
  LookQueue queue;
  const auto machine = MakeMachine();
  std::uint64_t work = 0;  // the driver's, unprotected: a look beside it is a data race
  std::atomic<bool> stop{false};
  std::thread driver([&] {
    while (!stop) {
      ++work;
      queue.Serve(*machine);
    }
  });
  std::vector<std::thread> lookers;
  std::atomic<int> served{0};
  for (int t = 0; t < 4; ++t) {
    lookers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        int calls = 0;
        const bool seen = queue.Wait(
            [&](Instance& looked_at) {
              EXPECT_EQ(&looked_at, machine.get());
              ++calls;
              ++work;
            },
            absl::Now() + absl::Milliseconds(i % 3 == 0 ? 0 : 1000));
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
