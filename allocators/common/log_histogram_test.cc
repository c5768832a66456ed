#include "allocators/common/log_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace alloclab {
namespace {

constexpr double kErrorMax = 1.0 / 128;

// Values over many orders of magnitude, as times and costs are.
std::vector<std::uint64_t> RandomValues(std::uint64_t seed, int count) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> exponent(0, 40);
  std::vector<std::uint64_t> values;
  for (int i = 0; i < count; ++i) values.push_back(static_cast<std::uint64_t>(std::exp2(exponent(random))) - (i % 10 == 0));
  return values;
}

LogHistogram Of(const std::vector<std::uint64_t>& values) {
  LogHistogram histogram;
  for (const std::uint64_t value : values) histogram.Record(value);
  return histogram;
}

TEST(LogHistogram, BucketsTileTheRange) {
  EXPECT_EQ(LogHistogram::BucketOf(0), 0);
  EXPECT_EQ(LogHistogram::BucketOf(1), 1);
  for (int bucket = 0; bucket + 1 < LogHistogram::kBuckets; ++bucket) {
    const std::uint64_t upper = LogHistogram::UpperBound(bucket);
    ASSERT_EQ(LogHistogram::BucketOf(upper), bucket);
    ASSERT_EQ(LogHistogram::BucketOf(upper + 1), bucket + 1);
    const std::uint64_t lowest_of_next = upper + 1;
    const double excess = static_cast<double>(LogHistogram::UpperBound(bucket + 1) - lowest_of_next);
    ASSERT_LT(excess / static_cast<double>(lowest_of_next), kErrorMax) << "bucket " << bucket + 1;
  }
  EXPECT_EQ(LogHistogram::UpperBound(LogHistogram::kBuckets - 1), std::uint64_t{1} << LogHistogram::kLongestBits);
}

TEST(LogHistogram, TakesEveryValue) {
  const LogHistogram histogram = Of({0, 1, ~std::uint64_t{0}});
  EXPECT_EQ(histogram.count(), 3u);
  EXPECT_EQ(histogram.Quantile(0.3), 0u);
  EXPECT_EQ(histogram.Quantile(0.5), 1u);
  EXPECT_EQ(histogram.Quantile(1), std::uint64_t{1} << LogHistogram::kLongestBits);
}

TEST(LogHistogram, EmptyHasNoQuantile) {
  EXPECT_EQ(LogHistogram().min(), 0u);
  EXPECT_EQ(LogHistogram().max(), 0u);
  EXPECT_EQ(LogHistogram().Quantile(0.99), 0u);
  EXPECT_EQ(LogHistogram().mean(), 0u);
}

TEST(LogHistogram, QuantilesAreNeverTooLowAndLessThanOnePercentTooHigh) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::vector<std::uint64_t> values = RandomValues(seed, 1'000 + static_cast<int>(seed));
    const LogHistogram histogram = Of(values);
    std::sort(values.begin(), values.end());
    for (const double quantile : {0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto rank = static_cast<std::size_t>(std::ceil(quantile * static_cast<double>(values.size())));
      const std::uint64_t exact = values[std::max<std::size_t>(rank, 1) - 1];
      const std::uint64_t told = histogram.Quantile(quantile);
      ASSERT_GE(told, exact) << quantile;
      ASSERT_LE(static_cast<double>(told - exact), kErrorMax * static_cast<double>(exact)) << quantile;
    }
  }
}

// Of one value, every figure is that value.
TEST(LogHistogram, FiguresOfOneValueAgree) {
  const LogHistogram histogram = Of({1'000'001});
  EXPECT_EQ(histogram.min(), 1'000'001u);
  EXPECT_EQ(histogram.mean(), 1'000'001u);
  for (const double quantile : {0.0, 0.5, 0.99, 1.0}) EXPECT_EQ(histogram.Quantile(quantile), 1'000'001u);
  EXPECT_EQ(histogram.max(), 1'000'001u);
}

TEST(LogHistogram, MinimumAndMaximumAreExactAndSurviveMerging) {
  const std::vector<std::uint64_t> first = RandomValues(6, 1'000), second = RandomValues(7, 1'000);
  std::vector<std::uint64_t> both = first;
  both.insert(both.end(), second.begin(), second.end());
  LogHistogram merged = Of(first);
  merged += Of(second);
  merged += LogHistogram();
  merged -= LogHistogram();
  EXPECT_EQ(merged.min(), *std::min_element(both.begin(), both.end()));
  EXPECT_EQ(merged.max(), *std::max_element(both.begin(), both.end()));
}

TEST(LogHistogram, ADifferenceKnowsItsMinimumAndMaximumToABucket) {
  LogHistogram histogram = Of({10, 5'000'000'000});
  const LogHistogram earlier = histogram;
  for (const std::uint64_t value : {1'000'001u, 2'000'001u}) histogram.Record(value);
  histogram -= earlier;
  EXPECT_LE(histogram.min(), 1'000'001u);
  EXPECT_NEAR(static_cast<double>(histogram.min()), 1e6, 1e6 * kErrorMax);
  EXPECT_GE(histogram.max(), 2'000'001u);
  EXPECT_NEAR(static_cast<double>(histogram.max()), 2e6, 2e6 * kErrorMax);
  const LogHistogram all = histogram;
  histogram -= all;
  EXPECT_EQ(histogram.min(), 0u);
  EXPECT_EQ(histogram.max(), 0u);
}

TEST(LogHistogramDeathTest, KnowsNoBoundBelowItsFinestBuckets) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(LogHistogram().CountUpTo(6), "power_of_two >= kSubBits .*6 against 7");
  EXPECT_DEATH(LogHistogram().CountUpTo(45), "power_of_two <= kLongestBits .*45 against 44");
}

TEST(LogHistogramDeathTest, OnlyAnEarlierStateIsSubtracted) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  LogHistogram empty, other = Of({7});
  EXPECT_DEATH(empty -= Of({1}), "1 against 0");
  EXPECT_DEATH(other -= Of({1}), "1 against 0");  // as many values, but not this one
}

TEST(LogHistogram, MergesAndSubtractsWithoutLoss) {
  const std::vector<std::uint64_t> first = RandomValues(3, 5'000), second = RandomValues(4, 7'000);
  std::vector<std::uint64_t> both = first;
  both.insert(both.end(), second.begin(), second.end());
  LogHistogram merged = Of(first);
  merged += Of(second);
  EXPECT_EQ(merged, Of(both));
  merged -= Of(first);
  EXPECT_EQ(merged.counts(), Of(second).counts());
  EXPECT_EQ(merged.sum(), Of(second).sum());
}

TEST(LogHistogram, CountsUpToAPowerOfTwoExactly) {
  std::vector<std::uint64_t> values = RandomValues(5, 20'000);
  values.insert(values.end(), {0, 1 << 20, (1 << 20) + 1});
  const LogHistogram histogram = Of(values);
  for (int bits = 7; bits <= 44; ++bits) {
    const std::uint64_t bound = std::uint64_t{1} << bits;
    const auto exact = std::count_if(values.begin(), values.end(), [&](std::uint64_t value) { return value <= bound; });
    EXPECT_EQ(histogram.CountUpTo(bits), static_cast<std::uint64_t>(exact)) << bits;
  }
}

TEST(LogHistogram, SumAndMeanAreExact) {
  const LogHistogram histogram = Of({1'000'003, 2'000'001});
  EXPECT_EQ(histogram.sum(), 3'000'004u);
  EXPECT_EQ(histogram.mean(), 1'500'002u);
}

}  // namespace
}  // namespace alloclab
