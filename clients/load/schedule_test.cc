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

std::unique_ptr<OpenLoop> EveryTenMs(bool catch_up) {
  return std::make_unique<OpenLoop>(std::make_unique<ConstantArrivals>(100, Nanos(0)), seconds(5), catch_up);
}

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
  EXPECT_EQ(loop.Sent(seconds(9)), 0u);
  EXPECT_EQ(loop.Intended(seconds(9)), seconds(9));
  EXPECT_EQ(loop.End(seconds(100)), 0u);
}

TEST(OpenLoop, KeepsTimeWhenBatchesGoOutInTime) {
  const auto loop = EveryTenMs(false);
  for (int i = 0; i < 1'000; ++i) {
    const Nanos due = seconds(5) + i * milliseconds(10);
    ASSERT_EQ(loop->Intended(due), due);
    ASSERT_EQ(loop->Sent(due + milliseconds(9)), 0u);
  }
  EXPECT_EQ(loop->End(seconds(15)), 0u);
}

TEST(OpenLoop, DropsWhatPassesWhileABatchWaits) {
  const auto loop = EveryTenMs(false);
  // The arrival of 5.000 waits until 5.035: those of 5.010 and 5.020 are missed, that of 5.030 is the next to go.
  EXPECT_EQ(loop->Intended(seconds(5) + milliseconds(35)), seconds(5));
  EXPECT_EQ(loop->Sent(seconds(5) + milliseconds(35)), 2u);
  EXPECT_EQ(loop->Intended(seconds(5) + milliseconds(35)), seconds(5) + milliseconds(30));
}

TEST(OpenLoop, SendsEverythingLateWhenItCatchesUp) {
  const auto loop = EveryTenMs(true);
  const Nanos now = seconds(6);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(loop->Intended(now), seconds(5) + i * milliseconds(10));
    ASSERT_EQ(loop->Sent(now), 0u);
  }
  EXPECT_EQ(loop->Intended(now), now);
}

TEST(OpenLoop, CountsWhatWasDueAndNotSentAtTheEnd) {
  const auto loop = EveryTenMs(true);
  loop->Sent(seconds(5));
  EXPECT_EQ(loop->End(seconds(5) + milliseconds(45)), 4u);
}

TEST(OpenLoop, StandsStillInAPause) {
  const auto loop = EveryTenMs(false);
  loop->Sent(seconds(5));
  loop->Pause(seconds(2));
  EXPECT_EQ(loop->Intended(seconds(7)), seconds(7) + milliseconds(10));
  EXPECT_EQ(loop->Sent(seconds(7) + milliseconds(10)), 0u);
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
      accounted += 1 + loop->Sent(now);
    }
    accounted += loop->End(now);
    EXPECT_EQ(accounted, static_cast<std::uint64_t>((now - seconds(5)) / milliseconds(10)) + 1);
  }
}

}  // namespace
}  // namespace alloclab::load
