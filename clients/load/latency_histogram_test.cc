#include "clients/load/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace alloclab::load {
namespace {

constexpr double kErrorMax = 1.0 / 128;

// Times over many orders of magnitude, as latencies are.
std::vector<Nanos> RandomTimes(std::uint64_t seed, int count) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> exponent(0, 40);
  std::vector<Nanos> times;
  for (int i = 0; i < count; ++i) times.emplace_back(static_cast<Nanos::rep>(std::exp2(exponent(random))));
  return times;
}

LatencyHistogram Of(const std::vector<Nanos>& times) {
  LatencyHistogram histogram;
  for (const Nanos time : times) histogram.Record(time);
  return histogram;
}

TEST(LatencyHistogram, BucketsTileTheRange) {
  EXPECT_EQ(LatencyHistogram::BucketOf(1), 0);
  for (int bucket = 0; bucket + 1 < LatencyHistogram::kBuckets; ++bucket) {
    const std::uint64_t upper = LatencyHistogram::UpperBound(bucket);
    ASSERT_EQ(LatencyHistogram::BucketOf(upper), bucket);
    ASSERT_EQ(LatencyHistogram::BucketOf(upper + 1), bucket + 1);
    const std::uint64_t lowest_of_next = upper + 1;
    const double excess = static_cast<double>(LatencyHistogram::UpperBound(bucket + 1) - lowest_of_next);
    ASSERT_LT(excess / static_cast<double>(lowest_of_next), kErrorMax) << "bucket " << bucket + 1;
  }
  EXPECT_EQ(LatencyHistogram::UpperBound(LatencyHistogram::kBuckets - 1), std::uint64_t{1} << LatencyHistogram::kLongestBits);
}

TEST(LatencyHistogram, TakesEveryTime) {
  LatencyHistogram histogram;
  histogram.Record(Nanos(-5));
  histogram.Record(Nanos(0));
  histogram.Record(Nanos::max());
  EXPECT_EQ(histogram.count(), 3u);
  EXPECT_EQ(histogram.Quantile(0.5), Nanos(1));
  EXPECT_EQ(histogram.Quantile(1), Nanos(std::int64_t{1} << LatencyHistogram::kLongestBits));
}

TEST(LatencyHistogram, EmptyHasNoQuantile) {
  EXPECT_EQ(LatencyHistogram().Min(), Nanos(0));
  EXPECT_EQ(LatencyHistogram().Max(), Nanos(0));
  EXPECT_EQ(LatencyHistogram().Quantile(0.99), Nanos(0));
  EXPECT_EQ(LatencyHistogram().Mean(), Nanos(0));
}

TEST(LatencyHistogram, QuantilesAreNeverTooLowAndLessThanOnePercentTooHigh) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::vector<Nanos> times = RandomTimes(seed, 1'000 + static_cast<int>(seed));
    const LatencyHistogram histogram = Of(times);
    std::sort(times.begin(), times.end());
    for (const double quantile : {0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto rank = static_cast<std::size_t>(std::ceil(quantile * static_cast<double>(times.size())));
      const Nanos exact = times[std::max<std::size_t>(rank, 1) - 1];
      const Nanos told = histogram.Quantile(quantile);
      ASSERT_GE(told, exact) << quantile;
      ASSERT_LE(Seconds(told - exact), kErrorMax * Seconds(exact)) << quantile;
    }
  }
}

// Of one value, every figure is that value.
TEST(LatencyHistogram, FiguresOfOneValueAgree) {
  LatencyHistogram histogram;
  histogram.Record(Nanos(1'000'001));
  EXPECT_EQ(histogram.Min(), Nanos(1'000'001));
  EXPECT_EQ(histogram.Mean(), Nanos(1'000'001));
  for (const double quantile : {0.0, 0.5, 0.99, 1.0}) EXPECT_EQ(histogram.Quantile(quantile), Nanos(1'000'001));
  EXPECT_EQ(histogram.Max(), Nanos(1'000'001));
}

TEST(LatencyHistogram, MinimumAndMaximumAreExactAndSurviveMerging) {
  const std::vector<Nanos> first = RandomTimes(6, 1'000), second = RandomTimes(7, 1'000);
  std::vector<Nanos> both = first;
  both.insert(both.end(), second.begin(), second.end());
  LatencyHistogram merged = Of(first);
  merged += Of(second);
  merged += LatencyHistogram();
  merged -= LatencyHistogram();
  EXPECT_EQ(merged.Min(), *std::min_element(both.begin(), both.end()));
  EXPECT_EQ(merged.Max(), *std::max_element(both.begin(), both.end()));
}

TEST(LatencyHistogram, ADifferenceKnowsItsMinimumAndMaximumToABucket) {
  LatencyHistogram histogram = Of({Nanos(10), Nanos(5'000'000'000)});
  const LatencyHistogram earlier = histogram;
  for (const Nanos time : {Nanos(1'000'001), Nanos(2'000'001)}) histogram.Record(time);
  histogram -= earlier;
  EXPECT_LE(histogram.Min(), Nanos(1'000'001));
  EXPECT_NEAR(Seconds(histogram.Min()), 0.001, 0.001 * kErrorMax);
  EXPECT_GE(histogram.Max(), Nanos(2'000'001));
  EXPECT_NEAR(Seconds(histogram.Max()), 0.002, 0.002 * kErrorMax);
  const LatencyHistogram all = histogram;
  histogram -= all;
  EXPECT_EQ(histogram.Min(), Nanos(0));
  EXPECT_EQ(histogram.Max(), Nanos(0));
}

TEST(LatencyHistogramDeathTest, KnowsNoBoundBelowItsFinestBuckets) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(LatencyHistogram().CountUpTo(6), "power_of_two >= kSubBits .*6 against 7");
  EXPECT_DEATH(LatencyHistogram().CountUpTo(45), "power_of_two <= kLongestBits .*45 against 44");
}

TEST(LatencyHistogramDeathTest, OnlyAnEarlierStateIsSubtracted) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  LatencyHistogram empty;
  EXPECT_DEATH(empty -= Of({Nanos(1)}), "1 against 0");
}

TEST(LatencyHistogram, MergesAndSubtractsWithoutLoss) {
  const std::vector<Nanos> first = RandomTimes(3, 5'000), second = RandomTimes(4, 7'000);
  std::vector<Nanos> both = first;
  both.insert(both.end(), second.begin(), second.end());
  LatencyHistogram merged = Of(first);
  merged += Of(second);
  EXPECT_EQ(merged, Of(both));
  merged -= Of(first);
  EXPECT_EQ(merged.counts(), Of(second).counts());
  EXPECT_EQ(merged.sum_ns(), Of(second).sum_ns());
}

TEST(LatencyHistogram, CountsUpToAPowerOfTwoExactly) {
  const std::vector<Nanos> times = RandomTimes(5, 20'000);
  LatencyHistogram histogram = Of(times);
  histogram.Record(Nanos(1 << 20));
  histogram.Record(Nanos((1 << 20) + 1));
  for (int bits = 7; bits <= 44; ++bits) {
    const Nanos bound(std::int64_t{1} << bits);
    auto exact =
        static_cast<std::uint64_t>(std::count_if(times.begin(), times.end(), [&](Nanos time) { return time <= bound; }));
    exact += bits >= 20;
    exact += bits > 20;
    EXPECT_EQ(histogram.CountUpTo(bits), exact) << bits;
  }
}

TEST(LatencyHistogram, SumAndMeanAreExact) {
  LatencyHistogram histogram;
  histogram.Record(Nanos(1'000'003));
  histogram.Record(Nanos(2'000'001));
  EXPECT_EQ(histogram.sum_ns(), 3'000'004u);
  EXPECT_EQ(histogram.Mean(), Nanos(1'500'002));
}

}  // namespace
}  // namespace alloclab::load
