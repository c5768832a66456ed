#include "allocators/common/check.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace alloclab {
namespace {

struct Address {
  std::uint32_t raw() const { return 0xC0400008; }
  friend bool operator==(Address, Address) { return false; }
};
struct Frame {
  std::uint32_t number = 7;
  bool operator==(const Frame&) const = default;
};
enum class Color : std::uint8_t { kRed, kBlue };

constexpr int Half(int even) {
  ALLOCLAB_CHECK_EQ(even % 2, 0);
  return even / 2;
}
static_assert(Half(8) == 4);

TEST(Check, WhatHoldsDoesNothing) {
  int evaluated = 0;
  ALLOCLAB_CHECK(++evaluated == 1);
  ALLOCLAB_CHECK_LT(++evaluated, 3u);
  ALLOCLAB_CHECK_NE(Color::kRed, Color::kBlue);
  EXPECT_EQ(evaluated, 2);
}

TEST(CheckDeathTest, SaysWhereAndWhatWithBothOperands) {
  const std::uint32_t slot = 16;
  EXPECT_DEATH(ALLOCLAB_CHECK(slot == 3), "check_test.cc:[0-9]+: check failed: slot == 3\n");
  EXPECT_DEATH(ALLOCLAB_CHECK_LT(slot, 16u), "check failed: slot < 16u \\(16 against 16\\)\n");
  EXPECT_DEATH(ALLOCLAB_CHECK_LE(slot, 15), "check failed: slot <= 15 \\(16 against 15\\)\n");
  EXPECT_DEATH(ALLOCLAB_CHECK_GT(slot, 16), "check failed: slot > 16 \\(16 against 16\\)\n");
  EXPECT_DEATH(ALLOCLAB_CHECK_GE(slot, 17), "check failed: slot >= 17 \\(16 against 17\\)\n");
  EXPECT_DEATH(ALLOCLAB_CHECK_EQ(slot, 17), "check failed: slot == 17 \\(16 against 17\\)\n");
  EXPECT_DEATH(ALLOCLAB_CHECK_NE(slot, 16), "check failed: slot != 16 \\(16 against 16\\)\n");
}

TEST(CheckDeathTest, PrintsOperandsAsWhatTheyAre) {
  EXPECT_DEATH(ALLOCLAB_CHECK_EQ(Address(), Address()), "\\(0xC0400008 against 0xC0400008\\)");
  EXPECT_DEATH(ALLOCLAB_CHECK_NE(Frame(), Frame()), "\\(7 against 7\\)");
  EXPECT_DEATH(ALLOCLAB_CHECK_EQ(Color::kRed, Color::kBlue), "\\(0 against 1\\)");
  EXPECT_DEATH(ALLOCLAB_CHECK_EQ(true, false), "\\(true against false\\)");
  EXPECT_DEATH(ALLOCLAB_CHECK_EQ(std::string("heap"), "pages"), "\\(\"heap\" against \"pages\"\\)");
  const int* const null = nullptr;
  EXPECT_DEATH(ALLOCLAB_CHECK_NE(null, nullptr), "\\(null against null\\)");
}

TEST(CheckDeathTest, IntegersCompareByValue) {
  const int minus_one = -1;
  ALLOCLAB_CHECK_LT(minus_one, 1u);
  ALLOCLAB_CHECK_NE(minus_one, 0xFFFFFFFFu);
  ALLOCLAB_CHECK_GT(~std::uint64_t{0}, minus_one);
  EXPECT_DEATH(ALLOCLAB_CHECK_GE(minus_one, 0u), "\\(-1 against 0\\)");
}

}  // namespace
}  // namespace alloclab
