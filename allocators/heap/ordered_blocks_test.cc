#include "allocators/heap/ordered_blocks.h"

#include <algorithm>
#include <iostream>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace alloclab {
namespace {

// An index beside a plain vector that says what it should answer.
class OrderedBlocksTest : public testing::TestWithParam<std::uint32_t> {
 protected:
  using Entry = OrderedBlocks::Entry;
  using Cursor = OrderedBlocks::Cursor;

  Cursor At(std::size_t place) const {
    Cursor at = index_.begin();
    for (std::size_t i = 0; i < place; ++i) at = index_.Next(at);
    return at;
  }
  std::size_t LowerBound(std::uint32_t key) const {
    const auto found = std::lower_bound(plain_.begin(), plain_.end(), key,
                                        [](const Entry& entry, std::uint32_t wanted) { return entry.key < wanted; });
    return static_cast<std::size_t>(found - plain_.begin());
  }
  Entry Random(std::uint32_t key) {
    return {key, random_() % 3 == 0 ? 0 : static_cast<std::uint32_t>(random_() % 5000 + 1),
            VirtAddr(static_cast<std::uint32_t>(random_() % 8) << kPageShift)};
  }
  void Put(std::uint32_t key) {
    const Entry entry = Random(key);
    const std::size_t place = LowerBound(key);
    index_.Insert(index_.LowerBound(key), entry);
    plain_.insert(plain_.begin() + static_cast<std::ptrdiff_t>(place), entry);
  }
  void Change(std::size_t place) {
    const auto at = plain_.begin() + static_cast<std::ptrdiff_t>(place);
    switch (random_() % 4) {
      case 0:
        index_.Resize(At(place), at->bytes = static_cast<std::uint32_t>(random_() % 5000));
        break;
      case 1:
        index_.Replace(At(place), *at = Random(at->key));
        break;
      default:
        index_.Erase(At(place));
        plain_.erase(at);
    }
  }
  void ExpectSame() {
    ASSERT_EQ(index_.Difference(plain_), "");
    ASSERT_EQ(index_.size(), plain_.size());
    Cursor at = index_.end();
    for (std::size_t i = plain_.size(); i-- > 0;) {
      at = index_.Previous(at);
      ASSERT_EQ(index_.At(at), plain_[i]);
    }
  }
  void ExpectAnswers() {
    const auto key = static_cast<std::uint32_t>(random_() % (GetParam() + 2));
    ASSERT_EQ(index_.LowerBound(key), At(LowerBound(key)));
    const std::size_t first = random_() % (plain_.size() + 1), behind = first + random_() % (plain_.size() + 1 - first);
    const auto bytes = static_cast<std::uint32_t>(random_() % 5100 + 1);
    const auto found = std::find_if(plain_.begin() + static_cast<std::ptrdiff_t>(first), plain_.end(),
                                    [&](const Entry& entry) { return entry.bytes >= bytes; });
    ASSERT_EQ(index_.FirstFrom(At(first), bytes), At(static_cast<std::size_t>(found - plain_.begin())));
    OrderedBlocks::Counts counts;
    std::uint32_t page = ~0u;
    for (std::size_t i = first; i < behind; ++i) {
      ++counts.blocks;
      counts.pages += page != plain_[i].address.page();
      page = plain_[i].address.page();
      counts.sized += plain_[i].bytes != 0;
    }
    ASSERT_EQ(index_.Between(At(first), At(behind)), counts);
  }

  std::mt19937_64 random_{testing::UnitTest::GetInstance()->random_seed() + 1ull};
  OrderedBlocks index_;
  std::vector<Entry> plain_;
};

// Keys of a range that is the parameter: a narrow one has many blocks of one key.
TEST_P(OrderedBlocksTest, AgreesWithAPlainVector) {
  std::cout << "seed " << testing::UnitTest::GetInstance()->random_seed() << '\n';
  for (const std::size_t wanted : {3000, 20, 0, 150, 1, 0}) {
    while (plain_.size() != wanted) {
      const bool grows = plain_.size() < wanted;
      if (random_() % 4 != 0 ? grows : !grows || plain_.empty()) {
        Put(static_cast<std::uint32_t>(random_() % GetParam()));
      } else if (!plain_.empty()) {
        Change(random_() % plain_.size());
      }
      if (random_() % 64 == 0) {
        ASSERT_NO_FATAL_FAILURE(ExpectSame());
      }
      if (random_() % 8 == 0) {
        ASSERT_NO_FATAL_FAILURE(ExpectAnswers());
      }
    }
    ASSERT_NO_FATAL_FAILURE(ExpectSame());
  }
  for (std::uint32_t key = 0; key < 1000; ++key) plain_.push_back(Random(key));
  index_.Assign(plain_);
  ExpectSame();
}

TEST(CheckEngineTest, AnIndexNeedsAGuard) {
  EXPECT_TRUE(CheckEngine(Engine::kLiteral, false).ok());
  EXPECT_TRUE(CheckEngine(Engine::kIndexed, true).ok());
  EXPECT_EQ(CheckEngine(Engine::kIndexed, false).message(),
            "heap.engine: indexed; an unguarded instance needs literal, because the index trusts the blocks in RAM");
}

INSTANTIATE_TEST_SUITE_P(Keys, OrderedBlocksTest, testing::Values(5, 300, 1'000'000));

}  // namespace
}  // namespace alloclab
