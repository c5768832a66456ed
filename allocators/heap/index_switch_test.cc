#include "allocators/heap/index_switch.h"

#include "gtest/gtest.h"

namespace alloclab {
namespace {

TEST(IndexSwitchTest, ShortWalksMakeNoIndex) {
  IndexSwitch it;
  for (std::uint64_t i = 1; i < 10'000; ++i) ASSERT_FALSE(it.MakesIndex(i * IndexSwitch::kShortWalk)) << i;
}

TEST(IndexSwitchTest, LongWalksAddUp) {
  IndexSwitch it;
  std::uint64_t steps = 0, operations = 0;
  do {
    steps += IndexSwitch::kShortWalk + 8;
    ++operations;
  } while (!it.MakesIndex(steps));
  EXPECT_EQ(operations, IndexSwitch::kWalkedMax / 8 + 1);
  EXPECT_FALSE(it.MakesIndex(steps + IndexSwitch::kWalkedMax)) << "what was walked before counts no more";
}

TEST(IndexSwitchTest, OneVeryLongWalkIsEnough) {
  IndexSwitch it;
  EXPECT_TRUE(it.MakesIndex(1'000'000));
}

TEST(IndexSwitchTest, AnIndexStaysForAsManyShortOperationsAsItHasBlocks) {
  IndexSwitch it;
  for (std::uint32_t i = 0; i < IndexSwitch::kShortOperations + 1000; ++i) ASSERT_FALSE(it.DropsIndex(i, 1000)) << i;
  EXPECT_TRUE(it.DropsIndex(IndexSwitch::kShortOperations + 1000, 1000));
}

TEST(IndexSwitchTest, ALongWalkNowAndThenKeepsIt) {
  IndexSwitch it;
  std::uint64_t steps = 0;
  for (int i = 0; i < 100'000; ++i) {
    steps += i % 10 == 0 ? 10 * IndexSwitch::kShortWalk : 1;
    ASSERT_FALSE(it.DropsIndex(steps, 10)) << i;
  }
}

TEST(IndexSwitchTest, ACountThatWasSetBackIsNoWalk) {
  IndexSwitch it;
  EXPECT_TRUE(it.MakesIndex(1000));
  EXPECT_FALSE(it.MakesIndex(0));
  EXPECT_FALSE(it.MakesIndex(10));
}

TEST(SwitchedIndexTest, ALiteralEngineNeverHasOne) {
  SwitchedIndex index(Engine::kLiteral);
  index.Follow(1'000'000, [] { return std::vector<OrderedBlocks::Entry>(); });
  EXPECT_FALSE(index);
  EXPECT_EQ(index.host_bytes(), 0u);
}

TEST(SwitchedIndexTest, ComesAndGoes) {
  SwitchedIndex index(Engine::kIndexed);
  const auto listed = [] { return std::vector<OrderedBlocks::Entry>{{8, 16, VirtAddr(8)}, {32, 24, VirtAddr(32)}}; };
  index.Follow(1'000'000, listed);
  ASSERT_TRUE(index);
  EXPECT_EQ(index.Difference(listed), "");
  EXPECT_EQ(index->size(), 2u);
  for (std::uint32_t i = 0; i <= IndexSwitch::kShortOperations + 2; ++i) index.Follow(1'000'000, listed);
  EXPECT_FALSE(index);
  EXPECT_EQ(index.Difference(listed), "") << "there is none that could differ";
}

}  // namespace
}  // namespace alloclab
