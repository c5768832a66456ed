// Everything at once, without a network: creations, batches, looks, deletions, runs, cancels and scrapes from many threads.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "server/limits.h"
#include "server/testing/test_lab.h"

namespace alloclab::server {
namespace {

TEST(Concurrency, InstancesAreCreatedDrivenReadAndDeleted) {
  TestLab lab;
  Crew crew;
  std::atomic<std::uint64_t> applied{0};
  crew.Spawn(3, 40, [&](int thread, int) {
    const std::string name = "i" + std::to_string(thread % 2);
    InstanceRequest request{name, SmallMachine(), "", ""};
    const auto created = lab.instances.Create(request);
    EXPECT_TRUE(created.ok() || absl::IsAlreadyExists(created.status())) << created.status();
    const auto found = lab.instances.Find(name);
    if (!found.ok()) return;
    std::vector<Operation> operations(std::size_t{3} * kPieceOperationsMax, Operation{OpKind::kMalloc, 0, 16, 0});
    std::vector<OpResult> results(operations.size());
    const auto done = (*found)->Apply({.heap = 1}, operations, results);
    EXPECT_TRUE(done.ok() || absl::IsNotFound(done.status())) << done.status() << ": deleted before or between two pieces";
    if (done.ok()) {
      EXPECT_TRUE(done->operations == operations.size() || absl::IsResourceExhausted(done->stopped))
          << done->operations << " operations, then: " << done->stopped;
      applied += done->operations;
    }
    if (thread == 2) static_cast<void>(lab.instances.Delete(name));
  });
  crew.Spawn(2, 100, [&](int, int) {
    for (const HeapReading& reading : lab.heaps.Read()) EXPECT_FALSE(reading.heap_allocator.empty());
    for (const auto& instance : lab.instances.List(0, 10)) EXPECT_LE(instance->operations(), 1'000'000u);
  });
  crew.Join();
  EXPECT_GT(applied, 0u);
  for (const auto& instance : lab.instances.List(0, 10)) EXPECT_TRUE(lab.instances.Delete(instance->name()).ok());
  EXPECT_EQ(lab.budget->promised_ram_bytes(), 0u) << "a promise was not taken back";
}

TEST(Concurrency, RunsAreSubmittedWatchedCancelledAndDeleted) {
  TestLab lab;
  Crew crew;
  std::atomic<int> told{0};
  crew.Spawn(3, 15, [&](int thread, int call) {
    const auto run = lab.runs.Submit({SmallRequest(thread == 0 ? 200'000 : 2'000)});
    ASSERT_TRUE(run.ok()) << run.status();
    if (const auto live = lab.runs.FindLive(run->id)) {
      const std::uint64_t watcher = live->Watch([&] { ++told; });
      if (call % 2 == 0) {
        EXPECT_TRUE(lab.runs.Cancel(run->id).ok());
      }
      EXPECT_TRUE(live->AwaitEnd(MonotonicTime::Now() + absl::Seconds(60)));
      live->Unwatch(watcher);
    }
    const auto ended = lab.runs.Get(run->id);
    ASSERT_TRUE(ended.ok()) << ended.status();
    EXPECT_TRUE(Ended(ended->state)) << RunStateName(ended->state);
    if (call % 3 == 0) {
      EXPECT_TRUE(lab.runs.Delete(run->id).ok());
    }
  });
  crew.Spawn(2, 50, [&](int, int) {
    EXPECT_TRUE(lab.runs.List(0, 50).ok());
    EXPECT_LE(lab.runs.Count().running, 3u + 2u);
    EXPECT_LE(lab.heaps.Read().size(), 3u);
  });
  crew.Join();
  EXPECT_GT(told, 0);
  lab.runs.Stop(MonotonicTime::Now() + absl::Seconds(10));
  EXPECT_TRUE(absl::IsUnavailable(lab.runs.Submit({SmallRequest(1000)}).status()));
  EXPECT_EQ(lab.budget->promised_ram_bytes(), 0u);
  EXPECT_EQ(lab.budget->held_bytes(), 0u);
}

}  // namespace
}  // namespace alloclab::server
