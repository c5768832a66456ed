#include "server/entities/live_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;

class LiveRunTest : public testing::Test {
 protected:
  static server::Run Queued() {
    server::Run run;
    run.id = 17;
    run.operations_total = 100;
    return run;
  }
  static InstanceConfig Pages() {
    InstanceConfig config;
    config.ram_bytes = 1 << 20;
    config.heap_allocator = "none";
    return config;
  }
  void End(RunState state) {
    server::Run run = live_.Get();
    run.state = state;
    ASSERT_TRUE(live_.ClaimEnd());
    live_.End(run);
  }

  const std::unique_ptr<Instance> machine_ = *Instance::Create(Pages());
  Driver driver_{*machine_};
  LiveRun live_{Queued()};
};

TEST_F(LiveRunTest, GoesFromQueuedToRunningToItsEnd) {
  EXPECT_EQ(live_.Get().state, RunState::kQueued);
  live_.Start();
  EXPECT_EQ(live_.Get().state, RunState::kRunning);
  EXPECT_FALSE(live_.AwaitEnd(MonotonicTime::Now()));
  End(RunState::kSucceeded);
  EXPECT_TRUE(live_.AwaitEnd(MonotonicTime::InfinitePast()));
  live_.Start();
  EXPECT_EQ(live_.Get().state, RunState::kSucceeded) << "what has ended must not run again";
}

TEST_F(LiveRunTest, OnlyTheFirstMayEndIt) {
  EXPECT_TRUE(live_.ClaimEnd());
  EXPECT_FALSE(live_.ClaimEnd());
}

TEST_F(LiveRunTest, AnEndWithoutAClaimIsOurMistake) {
  server::Run ended = Queued();
  ended.state = RunState::kCancelled;
  EXPECT_DEATH(live_.End(ended), "end_claimed_");
}

TEST_F(LiveRunTest, AdvancePublishesProgressAndStateAtMostEveryInterval) {
  live_.Start();
  EXPECT_FALSE(live_.Sample().has_value());
  EXPECT_TRUE(live_.Advance({.operations_done = 10, .operations_total = 50}, driver_));
  EXPECT_EQ(live_.Get().operations_done, 10u);
  EXPECT_EQ(live_.Get().operations_total, 50u);
  EXPECT_TRUE(live_.Sample().has_value());
  EXPECT_FALSE(live_.Advance({.operations_done = 11, .operations_total = 50}, driver_)) << "the interval is not over";
  EXPECT_EQ(live_.Get().operations_done, 10u);
}

// What paces a run is a clock that nobody sets: here it is the test's.
TEST_F(LiveRunTest, EveryIntervalOfTheMonotonicClockTellsProgressAndTheEndIsAsLongAfterTheSubmissionAsItLasted) {
  live_.Start();
  int told = 0;
  live_.Watch([&] { ++told; });
  const MonotonicTime start = MonotonicTime::Now() + absl::Hours(1);
  for (int tick = 0; tick < 20; ++tick) {
    live_.Advance({.operations_done = 1, .operations_total = 2}, driver_, start + tick * (kSnapshotInterval / 2));
  }
  EXPECT_EQ(told, 10);
  EXPECT_EQ(live_.EndTime(start) - live_.Get().submit_time,
            live_.EndTime(start + absl::Hours(1)) - absl::Hours(1) - live_.Get().submit_time);
  EXPECT_GE(live_.EndTime(), live_.Get().submit_time);
}

TEST_F(LiveRunTest, WatchersAreToldOfStartProgressAndEndUntilTheyLeave) {
  int told = 0;
  const std::uint64_t watcher = live_.Watch([&] { ++told; });
  live_.Start();
  EXPECT_EQ(told, 1);
  live_.Advance({.operations_done = 1, .operations_total = 100}, driver_);
  EXPECT_EQ(told, 2);
  live_.Unwatch(watcher);
  End(RunState::kSucceeded);
  EXPECT_EQ(told, 2);
}

TEST_F(LiveRunTest, LooksNeedARunThatReplays) {
  const auto refusal = [&] { return std::string(live_.LookAt([](const Driver&) { FAIL(); }, MonotonicTime::Now()).message()); };
  EXPECT_THAT(refusal(), HasSubstr("queued"));
  live_.Start();
  EXPECT_THAT(refusal(), HasSubstr("being prepared"));
  live_.Advance({}, driver_);
  EXPECT_TRUE(absl::IsDeadlineExceeded(live_.LookAt([](const Driver&) { FAIL(); }, MonotonicTime::Now())));
  End(RunState::kFailed);
  EXPECT_THAT(refusal(), HasSubstr("failed"));
}

TEST_F(LiveRunTest, LooksAreServedAsTheReplayAdvances) {
  live_.Start();
  live_.Advance({}, driver_);
  std::atomic<bool> looked{false};
  std::thread looker([&] {
    EXPECT_TRUE(
        live_.LookAt([&](const Driver& driver) { looked = &driver == &driver_; }, MonotonicTime::InfiniteFuture()).ok());
  });
  while (!looked) live_.Advance({}, driver_);
  looker.join();
}

TEST(RunState, HasANameAndMayHaveEnded) {
  EXPECT_EQ(RunStateName(RunState::kQueued), "queued");
  EXPECT_EQ(RunStateName(RunState::kInterrupted), "interrupted");
  EXPECT_FALSE(Ended(RunState::kQueued));
  EXPECT_FALSE(Ended(RunState::kRunning));
  for (const RunState state : {RunState::kSucceeded, RunState::kFailed, RunState::kCancelled, RunState::kInterrupted}) {
    EXPECT_TRUE(Ended(state)) << RunStateName(state);
  }
}

TEST(SnapshotPace, SlowSnapshotsAreTakenLessOften) {
  SnapshotPace pace;
  const MonotonicTime now = MonotonicTime::Now();
  EXPECT_TRUE(pace.Due(now)) << "the first is due at once";
  pace.Taken(now, now);
  EXPECT_FALSE(pace.Due(now + kSnapshotInterval - absl::Nanoseconds(1)));
  EXPECT_TRUE(pace.Due(now + kSnapshotInterval));
  pace.Taken(now, now + absl::Seconds(1));
  EXPECT_FALSE(pace.Due(now + absl::Seconds(20)));
  EXPECT_TRUE(pace.Due(now + absl::Seconds(21)));
}

}  // namespace
}  // namespace alloclab::server
