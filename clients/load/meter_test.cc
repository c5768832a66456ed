#include "clients/load/meter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace alloclab::load {
namespace {

// How many operations are known to be under way, by the counts.
std::uint64_t UnderWay(const LoadCounts& counts) {
  std::uint64_t dropped = 0;
  for (const std::uint64_t reason : counts.dropped) dropped += reason;
  return counts.scheduled - counts.Answered() - counts.Lost() - dropped;
}

TEST(Meter, ASnapshotIsOfOneMoment) {
  constexpr int kThreads = 4;
  constexpr std::uint64_t kBatches = 500, kOperations = 3;
  const std::vector<Operation> batch(kOperations);
  Meter meter;
  std::atomic<int> working = kThreads;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, part = thread % 2 == 0 ? Part::kWarmUp : Part::kMeasured] {
      for (std::uint64_t i = 0; i < kBatches; ++i) {
        meter.Sent(part, kOperations, Nanos(i), true, 0.5);
        if (i % 5 == 0) {
          meter.Lost(part, batch, LossReason::kDeadline);
        } else {
          meter.Answered(part, batch, {.outcomes = {}, .response = Nanos(3), .service = Nanos(2), .server = Nanos(1)});
        }
        if (i % 7 == 0) meter.Dropped(DropReason::kOverrun, {.warm_up = 1, .measured = 1}, kOperations);
      }
      --working;
    });
  }
  do {
    const LoadSnapshot snapshot = meter.Read();
    EXPECT_EQ(UnderWay(snapshot.counts), snapshot.gauges.inflight_operations);
    EXPECT_LE(snapshot.gauges.inflight_operations, kThreads * kOperations);
  } while (working > 0 && !testing::Test::HasFailure());
  for (std::thread& thread : threads) thread.join();

  const LoadSnapshot end = meter.Read();
  EXPECT_EQ(end.gauges.inflight_operations, 0u);
  EXPECT_EQ(end.counts.Lost(), kThreads * kOperations * kBatches / 5);
  EXPECT_EQ(end.counts.Answered(), kThreads * kOperations * kBatches * 4 / 5);
  LoadCounts parts = meter.Read(Part::kWarmUp);
  EXPECT_EQ(parts.Answered(), end.counts.Answered() / 2);
  parts += meter.Read(Part::kMeasured);
  EXPECT_EQ(parts.scheduled, end.counts.scheduled);
}

}  // namespace
}  // namespace alloclab::load
