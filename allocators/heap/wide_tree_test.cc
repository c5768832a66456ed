#include "allocators/heap/wide_tree.h"

#include <cstdint>
#include <iostream>
#include <numeric>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace alloclab {
namespace {

// A tree beside plain vectors that say what it should answer.
class WideTreeTest : public testing::TestWithParam<std::uint32_t> {
 protected:
  std::uint32_t FirstAtLeast(std::uint32_t least) const {
    for (std::uint32_t i = 0; i < bounds_.size(); ++i) {
      if (bounds_[i] >= least) return i;
    }
    return WideTree::kNone;
  }

  WideTree tree_;
  std::vector<std::uint32_t> bounds_;
  std::vector<std::uint64_t> counts_;
};

TEST_P(WideTreeTest, AgreesWithPlainVectors) {
  const std::uint64_t seed = testing::UnitTest::GetInstance()->random_seed() + 1ull;
  std::cout << "seed " << seed << '\n';
  std::mt19937_64 random(seed);
  const std::uint32_t entries = GetParam();
  for (std::uint32_t step = 0; step < 20'000; ++step) {
    if (bounds_.size() < entries && (bounds_.empty() || random() % 4 == 0 || entries > 5'000)) {
      tree_.Append();
      bounds_.push_back(0);
      counts_.push_back(0);
    }
    const auto entry = static_cast<std::uint32_t>(random() % bounds_.size());
    const auto value = static_cast<std::uint32_t>(random() >> 33 >> random() % 31);
    if (random() % 2 == 0) {
      tree_.Raise(entry, value);
      bounds_[entry] = std::max(bounds_[entry], value);
    } else {
      tree_.Lower(entry, std::min(bounds_[entry], value));
      bounds_[entry] = std::min(bounds_[entry], value);
    }
    const std::uint64_t change = random() % 5 - 2;
    tree_.Add(entry, change);
    counts_[entry] += change;

    ASSERT_EQ(tree_.bound(entry), bounds_[entry]);
    ASSERT_EQ(tree_.count(entry), counts_[entry]);
    ASSERT_GE(tree_.LeastBoundAbove(entry), bounds_[entry]);
    const auto least = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, random() >> 33 >> random() % 31));
    ASSERT_EQ(tree_.FirstAtLeast(least), FirstAtLeast(least)) << "least " << least << " of " << bounds_.size();
    ASSERT_EQ(tree_.SumBefore(entry), std::accumulate(counts_.begin(), counts_.begin() + entry, std::uint64_t{0}));
  }
  EXPECT_EQ(tree_.size(), bounds_.size());
}

INSTANTIATE_TEST_SUITE_P(Sizes, WideTreeTest, testing::Values(1, 15, 16, 17, 256, 257, 4'096, 10'000));

TEST(WideTreeGrowthTest, EveryLevelKeepsWhatItHad) {
  WideTree tree;
  for (std::uint32_t entry = 0; entry < WideTree::kEntriesMax; ++entry) {
    tree.Append();
    tree.Raise(entry, entry + 1);
    tree.Add(entry, 1);
    ASSERT_EQ(tree.SumBefore(entry), entry);
    ASSERT_EQ(tree.FirstAtLeast(entry + 1), entry);
    ASSERT_EQ(tree.FirstAtLeast(1), 0u);
    ASSERT_EQ(tree.FirstAtLeast(entry + 2), WideTree::kNone);
  }
  EXPECT_LT(tree.host_bytes(), WideTree::kEntriesMax * 28u);
}

}  // namespace
}  // namespace alloclab
