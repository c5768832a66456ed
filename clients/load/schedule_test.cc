#include "clients/load/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace alloclab::load {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

std::vector<Nanos> Take(Arrivals& arrivals, int count) {
  std::vector<Nanos> times;
  for (int i = 0; i < count; ++i) times.push_back(arrivals.Next());
  return times;
}

// From second 5 on.
std::unique_ptr<OpenLoop> EveryTenMs(bool catch_up, const Period& period = {}) {
  return std::make_unique<OpenLoop>(std::make_unique<ConstantArrivals>(100, Nanos(0)), seconds(5), period, catch_up);
}

constexpr Missed Measured(std::uint64_t arrivals) { return {.warm_up = 0, .measured = arrivals}; }

TEST(ConstantArrivals, StandAtEqualGapsFromTheOffset) {
  ConstantArrivals arrivals(100, milliseconds(3));
  EXPECT_THAT(Take(arrivals, 3), ElementsAre(milliseconds(3), milliseconds(13), milliseconds(23)));
}

TEST(ConstantArrivals, DoNotDrift) {
  ConstantArrivals arrivals(3, Nanos(0));  // a gap that is no whole number of nanoseconds
  const std::vector<Nanos> times = Take(arrivals, 3'000'001);
  EXPECT_EQ(times.back(), seconds(1'000'000));
}

TEST(PoissonArrivals, HaveTheMeanAndTheSpreadOfExponentialGaps) {
  constexpr std::uint64_t kSeed = 20240711;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  PoissonArrivals arrivals(1'000, kSeed);
  constexpr int kCount = 200'000;
  double sum = 0, squares = 0;
  Nanos last(0);
  for (int i = 0; i < kCount; ++i) {
    const Nanos next = arrivals.Next();
    ASSERT_GE(next, last);
    const double gap_ms = Seconds(next - last) * 1e3;
    sum += gap_ms;
    squares += gap_ms * gap_ms;
    last = next;
  }
  const double mean = sum / kCount;
  EXPECT_NEAR(mean, 1.0, 0.02);                                        // ms, at 1000 a second
  EXPECT_NEAR(std::sqrt(squares / kCount - mean * mean), mean, 0.03);  // of an exponential: its mean
}

TEST(PoissonArrivals, FollowFromTheSeed) {
  PoissonArrivals a(50, 7), b(50, 7), c(50, 8);
  const std::vector<Nanos> times = Take(a, 100);
  EXPECT_EQ(times, Take(b, 100));
  EXPECT_NE(times, Take(c, 100));
}

TEST(ClosedLoop, IsDueWheneverAsked) {
  ClosedLoop loop;
  EXPECT_EQ(loop.Intended(seconds(3)), seconds(3));
  EXPECT_EQ(loop.Sent(seconds(9)), Missed());
  EXPECT_EQ(loop.Intended(seconds(9)), seconds(9));
  EXPECT_EQ(loop.End(seconds(100)), Missed());
}

TEST(OpenLoop, KeepsTimeWhenBatchesGoOutInTime) {
  const auto loop = EveryTenMs(false);
  for (int i = 0; i < 1'000; ++i) {
    const Nanos due = seconds(5) + i * milliseconds(10);
    ASSERT_EQ(loop->Intended(due), due);
    ASSERT_EQ(loop->Sent(due + milliseconds(9)), Missed());
  }
  EXPECT_EQ(loop->End(seconds(15)), Missed());
}

TEST(OpenLoop, DropsWhatPassesWhileABatchWaits) {
  const auto loop = EveryTenMs(false);
  // The arrival of 5.000 waits until 5.035: those of 5.010 and 5.020 are missed, that of 5.030 is the next to go.
  EXPECT_EQ(loop->Intended(seconds(5) + milliseconds(35)), seconds(5));
  EXPECT_EQ(loop->Sent(seconds(5) + milliseconds(35)), Measured(2));
  EXPECT_EQ(loop->Intended(seconds(5) + milliseconds(35)), seconds(5) + milliseconds(30));
}

TEST(OpenLoop, SendsEverythingLateWhenItCatchesUp) {
  const auto loop = EveryTenMs(true);
  const Nanos now = seconds(6);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(loop->Intended(now), seconds(5) + i * milliseconds(10));
    ASSERT_EQ(loop->Sent(now), Missed());
  }
  EXPECT_EQ(loop->Intended(now), now);
}

TEST(OpenLoop, CountsWhatWasDueAndNotSentAtTheEnd) {
  const auto loop = EveryTenMs(true);
  loop->Sent(seconds(5));
  EXPECT_EQ(loop->End(seconds(5) + milliseconds(45)), Measured(4));
}

TEST(OpenLoop, StandsStillInAPause) {
  const auto loop = EveryTenMs(false);
  loop->Sent(seconds(5));
  loop->Pause(seconds(2));
  EXPECT_EQ(loop->Intended(seconds(7)), seconds(7) + milliseconds(10));
  EXPECT_EQ(loop->Sent(seconds(7) + milliseconds(10)), Missed());
}

// What was due before the end of the warm-up is the warm-up's, however late it is missed.
TEST(OpenLoop, TellsWhichPartOfTheLoadMissedAnArrival) {
  const Period period{.from = seconds(5) + milliseconds(40), .end = seconds(6)};
  const auto loop = EveryTenMs(false, period);
  // Sent at 5.075 for 5.000: those of 5.010, 5.020 and 5.030 were due in the warm-up, those of 5.040 to 5.060 were not.
  EXPECT_EQ(loop->Sent(seconds(5) + milliseconds(75)), (Missed{.warm_up = 3, .measured = 3}));
  const auto unsent = EveryTenMs(true, period);
  EXPECT_EQ(unsent->End(period.end), (Missed{.warm_up = 4, .measured = 96}));
}

TEST(ArrivalsDeathTest, NeedARate) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(ConstantArrivals(0, Nanos(0)), "per_second > 0");
  EXPECT_DEATH(PoissonArrivals(-1, 7), "per_second > 0 .*-1");
}

// However the sends fall: every arrival is sent, dropped, or still to come, and none twice.
TEST(OpenLoop, LosesNoArrival) {
  constexpr std::uint64_t kSeed = 97;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  for (const bool catch_up : {false, true}) {
    const auto loop = EveryTenMs(catch_up);
    Nanos now = seconds(5);
    std::uint64_t accounted = 0;
    for (int i = 0; i < 10'000; ++i) {
      now = std::max(now, loop->Intended(now)) + Nanos(random() % 50'000'000);
      accounted += 1 + loop->Sent(now).measured;
    }
    accounted += loop->End(now).measured;
    EXPECT_EQ(accounted, static_cast<std::uint64_t>((now - seconds(5)) / milliseconds(10)) + 1);
  }
}

}  // namespace
}  // namespace alloclab::load
