#include "allocators/heap/implicit/wide_tree.h"

#include <cstdint>
#include <iostream>
#include <numeric>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace alloclab {
namespace {

// Trees beside plain vectors that say what they should answer.
class WideTreeTest : public testing::TestWithParam<std::uint32_t> {
 protected:
  std::uint32_t FirstBehind(std::uint32_t entry, std::uint32_t least) const {
    const auto found =
        std::find_if(entries_.begin() + entry + 1, entries_.end(), [least](std::uint32_t e) { return e >= least; });
    return found == entries_.end() ? WideBounds::kNone : static_cast<std::uint32_t>(found - entries_.begin());
  }

  std::mt19937_64 random_{testing::UnitTest::GetInstance()->random_seed() + 1ull};
  std::vector<std::uint32_t> entries_;
};

TEST_P(WideTreeTest, BoundsAgreeWithAPlainVector) {
  std::cout << "seed " << testing::UnitTest::GetInstance()->random_seed() << '\n';
  WideBounds bounds;
  for (std::uint32_t step = 0; step < 20'000; ++step) {
    if (entries_.size() < GetParam()) {
      bounds.Append();
      entries_.push_back(0);
    }
    const auto entry = static_cast<std::uint32_t>(random_() % entries_.size());
    const auto value = static_cast<std::uint32_t>(random_() >> 33 >> random_() % 31);
    if (random_() % 2 == 0) {
      bounds.Raise(entry, value);
      entries_[entry] = std::max(entries_[entry], value);
    } else {
      entries_[entry] = std::min(entries_[entry], value);
      bounds.Lower(entry, entries_[entry]);
    }
    ASSERT_EQ(bounds[entry], entries_[entry]);
    ASSERT_GE(bounds.LeastAbove(entry), 0u);
    ASSERT_LE(bounds.LeastAbove(entry), entries_[entry]);
    const auto least = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, random_() >> 33 >> random_() % 31));
    const auto before = static_cast<std::uint32_t>(random_() % entries_.size());
    ASSERT_EQ(bounds.FirstBehind(before, least), FirstBehind(before, least))
        << "least " << least << " behind " << before << " of " << entries_.size();
  }
  EXPECT_EQ(bounds.size(), entries_.size());
}

TEST_P(WideTreeTest, CountsAgreeWithAPlainVector) {
  std::cout << "seed " << testing::UnitTest::GetInstance()->random_seed() << '\n';
  WideCounts counts;
  for (std::uint32_t step = 0; step < 20'000; ++step) {
    if (entries_.size() < GetParam()) {
      counts.Append();
      entries_.push_back(0);
    }
    const auto entry = static_cast<std::uint32_t>(random_() % entries_.size());
    const auto change = static_cast<std::uint32_t>(random_() % 5 - 2);
    counts.Add(entry, change);
    entries_[entry] += change;
    const auto asked = static_cast<std::uint32_t>(random_() % entries_.size());
    ASSERT_EQ(counts.SumBefore(asked), std::accumulate(entries_.begin(), entries_.begin() + asked, std::uint32_t{0}));
  }
  EXPECT_EQ(counts.total(), std::accumulate(entries_.begin(), entries_.end(), std::uint32_t{0}));
}

INSTANTIATE_TEST_SUITE_P(Sizes, WideTreeTest, testing::Values(1, 15, 16, 17, 256, 257, 4'096, 10'000));

TEST(WideTreeGrowthTest, EveryLevelKeepsWhatItHad) {
  WideBounds bounds;
  WideCounts counts;
  for (std::uint32_t entry = 0; entry < kWideEntriesMax; ++entry) {
    bounds.Append();
    bounds.Raise(entry, entry + 1);
    counts.Append();
    counts.Add(entry, 2);
    ASSERT_EQ(counts.SumBefore(entry), 2 * entry);
    ASSERT_EQ(bounds.FirstBehind(0, entry + 1), entry == 0 ? WideBounds::kNone : entry);
    ASSERT_EQ(bounds.FirstBehind(entry / 2, 1), entry == 0 ? WideBounds::kNone : entry / 2 + 1);
    ASSERT_EQ(bounds.FirstBehind(0, entry + 2), WideBounds::kNone);
  }
  EXPECT_LT(bounds.host_bytes() + counts.host_bytes(), kWideEntriesMax * 24u);
}

}  // namespace
}  // namespace alloclab
