#include "allocators/common/lanes.h"

#include <bit>
#include <random>

#include "gtest/gtest.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kSeed = 20260102;

TEST(Sixteen, DoesAsThePortableFunctionsDo) {
  std::mt19937 random(kSeed);
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  for (int round = 0; round < 20'000; ++round) {
    Sixteen sixteen;
    const std::uint32_t range = round % 2 ? 5 : 0x7FFFFFFF;
    for (std::uint32_t& value : sixteen.values) value = static_cast<std::uint32_t>(random()) % range;
    const std::uint32_t least = 1 + static_cast<std::uint32_t>(random()) % range;
    ASSERT_EQ(sixteen.AtLeast(least), sixteen.AtLeastPortable(least));
    ASSERT_EQ(sixteen.Max(), sixteen.MaxPortable());
    ASSERT_EQ(sixteen.MaxBut(least % 16), sixteen.MaxButPortable(least % 16));
    Sixteen portable = sixteen;
    sixteen.AddBehind(least % 16, 0u - least);
    portable.AddBehindPortable(least % 16, 0u - least);
    ASSERT_EQ(sixteen.values, portable.values);
    sixteen.Set(least / 16 % 16, least);
    portable.SetPortable(least / 16 % 16, least);
    ASSERT_EQ(sixteen.values, portable.values);
  }
}

TEST(Sixteen, Edges) {
  Sixteen sixteen;
  EXPECT_EQ(sixteen.FirstAtLeast(1), 16u);
  EXPECT_EQ(sixteen.MaxBut(0), 0u);
  sixteen.Set(15, 0x7FFFFFFF);
  EXPECT_EQ(sixteen.FirstAtLeast(0x7FFFFFFF), 15u);
  EXPECT_EQ(sixteen.FirstAtLeast(1), 15u);
  EXPECT_EQ(sixteen.MaxBut(14), 0x7FFFFFFFu);
  EXPECT_EQ(sixteen.MaxBut(15), 0u);
}

TEST(SixteenShort, DoesAsThePortableFunctionsDo) {
  std::mt19937 random(kSeed);
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  for (int round = 0; round < 20'000; ++round) {
    SixteenShort sixteen;
    const std::uint32_t range = round % 2 ? 5 : 0x10000;
    for (std::uint16_t& value : sixteen.values) value = static_cast<std::uint16_t>(random() % range);
    const auto value = static_cast<std::uint16_t>(random() % range);
    const auto index = static_cast<std::uint32_t>(random() % 16);
    ASSERT_EQ(sixteen.AtLeast(value), sixteen.AtLeastPortable(value));
    ASSERT_EQ(sixteen.Max(), sixteen.MaxPortable());
    SixteenShort portable = sixteen;
    sixteen.AddBehind(index, value);
    portable.AddBehindPortable(index, value);
    ASSERT_EQ(sixteen.values, portable.values);
    sixteen.Set(15 - index, value);
    portable.SetPortable(15 - index, value);
    ASSERT_EQ(sixteen.values, portable.values);
  }
}

TEST(SixteenShort, UsesAllSixteenBits) {
  SixteenShort sixteen;
  EXPECT_EQ(sixteen.AtLeast(0), 0xFFFFu);
  EXPECT_EQ(sixteen.AtLeast(1), 0u);
  sixteen.Set(0, 0xFFFF);
  EXPECT_EQ(sixteen.AtLeast(0xFFFF), 1u);
  EXPECT_EQ(sixteen.Max(), 0xFFFF);
}

TEST(PopCount, CountsAsTheLibraryDoes) {
  std::mt19937_64 random(kSeed);
  EXPECT_EQ(PopCount(0), 0u);
  EXPECT_EQ(PopCount(~std::uint64_t{0}), 64u);
  for (int round = 0; round < 1'000; ++round) {
    const std::uint64_t bits = random() & random() << round % 64;
    ASSERT_EQ(PopCount(bits), static_cast<std::uint32_t>(std::popcount(bits)));
  }
}

}  // namespace
}  // namespace alloclab
