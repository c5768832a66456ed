#include "allocators/workload/size_sampler.h"

#include <cmath>
#include <cstdint>
#include <set>

#include "allocators/workload/pacer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::ElementsAre;

std::uint32_t Draw(const SizeDistribution& size, Xoshiro256& random) { return SizeSampler(size).Draw(random); }

TEST(SizeTest, NegativeLogIsTheLogarithm) {
  Xoshiro256 random(3);
  for (int i = 0; i < 100'000; ++i) {
    const std::uint32_t x = i < 1000 ? static_cast<std::uint32_t>(i + 1) : random.Below(~0u) + 1;
    const double expected = -std::log(x / 4294967296.0) * 65536;
    ASSERT_NEAR(NegativeLog(x), expected, 3) << x;
  }
}

TEST(SizeTest, DrawsFollowTheirDistribution) {
  Xoshiro256 random(5);
  const auto mean = [&random](const SizeDistribution& size) {
    double sum = 0;
    for (int i = 0; i < 100'000; ++i) sum += SizeSampler(size).Draw(random);
    return sum / 100'000;
  };
  EXPECT_EQ(mean(FixedSize{77}), 77);
  EXPECT_NEAR(mean(UniformSize{10, 20}), 15, 0.1);
  EXPECT_NEAR(mean(ExponentialSize{1000, 1'000'000}), 1000, 15);
  EXPECT_NEAR(mean(WeightedSizes{{{10, 3}, {50, 1}}}), 20, 0.3);
  // e^(sigma^2 / 2) times the median; shape / (shape - 1) times the smallest, less what lies beyond the cut.
  EXPECT_NEAR(mean(LognormalSize{1000, 50, 1'000'000}), 1000 * std::exp(0.125), 15);
  EXPECT_NEAR(mean(ParetoSize{100, 300, 1'000'000}), 150, 2);
  EXPECT_NEAR(mean(ZipfSizes{{10, 20, 40}, 100}), (10 + 20 / 2.0 + 40 / 3.0) / (1 + 1 / 2.0 + 1 / 3.0), 0.3);
  EXPECT_NEAR(mean(HistogramSizes{{{0, 10, 1}, {100, 200, 3}}}), (5 + 3 * 150) / 4.0, 1);
  std::set<std::uint32_t> drawn;
  for (int i = 0; i < 1000; ++i) drawn.insert(Draw(UniformSize{0, 4}, random));
  EXPECT_THAT(drawn, ElementsAre(0, 1, 2, 3, 4));
  for (int i = 0; i < 1000; ++i) {
    const std::uint32_t size = Draw(ExponentialSize{10, 20}, random);
    EXPECT_TRUE(size >= 1 && size <= 20) << size;
  }
  EXPECT_GT(Draw(UniformSize{1, ~0u}, random), 0u);
}

TEST(SizeTest, MediansAndTailsAreWhereTheyShouldBe) {
  Xoshiro256 random(6);
  int below = 0, beyond = 0, least = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint32_t size = Draw(LognormalSize{500, 100, 100'000}, random);
    below += size <= 500;
    beyond += size > 500 * std::exp(2);  // two sigma
    least += Draw(ParetoSize{16, 116, 65'536}, random) < 32;
  }
  EXPECT_NEAR(below, 50'000, 700);
  EXPECT_NEAR(beyond, 2'275, 250);  // 2.1 % in a sum of twelve
  EXPECT_NEAR(least, 100'000 * (1 - std::pow(0.5, 1.16)), 700);
  EXPECT_EQ(LargestSize(ZipfSizes{{3, 9, 4}, 100}), 9u);
  EXPECT_EQ(LargestSize(HistogramSizes{{{0, 10, 1}, {100, 200, 0}}}), 200u);
}

TEST(SizeTest, TimesExpIsExact) {
  Xoshiro256 random(7);
  for (int i = 0; i < 100'000; ++i) {
    const std::uint32_t value = random.Below(1 << 16) + 1;
    const std::int64_t x = std::int64_t{random.Below(20 << 16)} - (10 << 16);
    const double expected = value * std::exp(static_cast<double>(x) / 65536);
    EXPECT_NEAR(TimesExp(value, x, ~0u), expected, 1 + expected / 10'000) << value << " e^" << x;
  }
  EXPECT_EQ(TimesExp(7, std::int64_t{100} << 16, 1000), 1000u);
  EXPECT_EQ(TimesExp(7, -(std::int64_t{100} << 16), 1000), 0u);
  EXPECT_EQ(TimesExp(0, std::int64_t{100} << 16, 1000), 0u);
  EXPECT_EQ(TimesExp(~0u, 65536, ~0u), ~0u);
}

TEST(SizeDeathTest, WhatIsRequiredIsChecked) {
  Xoshiro256 random(1);
  EXPECT_DEATH(random.Below(0), "check failed: n >= 1u \\(0 against 1\\)");
  EXPECT_DEATH(NegativeLog(0), "check failed: x >= 1u \\(0 against 1\\)");
  EXPECT_DEATH(Draw(UniformSize{9, 4}, random), "check failed: min <= max \\(9 against 4\\)");
  EXPECT_DEATH(Draw(ExponentialSize{9, 0}, random), "check failed: size.max >= 1u \\(0 against 1\\)");
  EXPECT_DEATH(Draw(WeightedSizes{{}}, random), "check failed: n >= 1u \\(0 against 1\\)");
  EXPECT_DEATH(Draw(WeightedSizes{{{1, ~0u}, {2, 1}}}, random), "\\(4294967296 against 4294967295\\)");
  EXPECT_DEATH(Pacer(0), "check failed: max >= 1u \\(0 against 1\\)");
}

}  // namespace
}  // namespace alloclab
