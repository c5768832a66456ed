#include "allocators/guest/live_extents.h"

#include <map>
#include <random>

#include "gtest/gtest.h"

namespace alloclab {
namespace {

using Extent = LiveExtents::Extent;

// The same by a tree.
class Tree {
 public:
  void Add(const Extent& block) { blocks_[block.address] = block; }
  void Remove(std::uint32_t address) { blocks_.erase(address); }
  std::optional<Extent> At(std::uint32_t address) const {
    const auto found = blocks_.find(address);
    return found != blocks_.end() ? std::optional(found->second) : std::nullopt;
  }
  std::optional<Extent> AtOrAbove(std::uint64_t address) const {
    const auto found = blocks_.lower_bound(address);
    return found != blocks_.end() ? std::optional(found->second) : std::nullopt;
  }
  std::optional<Extent> Below(std::uint64_t address) const {
    const auto found = blocks_.lower_bound(address);
    return found != blocks_.begin() ? std::optional(std::prev(found)->second) : std::nullopt;
  }
  bool Overlaps(std::uint32_t first, std::uint64_t end) const {
    const auto above = AtOrAbove(first), below = Below(first);
    return (above && above->address < end) || (below && below->end() > first);
  }

 private:
  std::map<std::uint64_t, Extent> blocks_;
};

void ExpectAlike(const LiveExtents& extents, const Tree& tree, std::uint32_t address) {
  ASSERT_EQ(extents.At(address), tree.At(address)) << address;
  ASSERT_EQ(extents.AtOrAbove(address), tree.AtOrAbove(address)) << address;
  ASSERT_EQ(extents.Below(address), tree.Below(address)) << address;
}

// Small blocks close together, blocks of many pages, none, ends of every kind, near both ends of the address space.
TEST(LiveExtents, AnswersAsATreeDoes) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto engine = [&random] { return static_cast<std::uint32_t>(random()); };
  const std::uint32_t kBases[] = {0, 0x0804'9000, 0x0900'0000, 0xC040'0000, 0xFFF0'0000};
  const auto address = [&]() -> std::uint32_t {
    return kBases[engine() % 5] + engine() % (engine() % 4 == 0 ? 0x10'0000 : 0x3000);
  };
  const auto bytes = [&]() -> std::uint32_t { return engine() % (engine() % 16 == 0 ? 0x2'0000 : 80); };
  LiveExtents extents;
  Tree tree;
  std::uint32_t added = 0, refused = 0, removed = 0;
  for (int i = 0; i < 50'000; ++i) {
    const Extent block{address() & ~3u, bytes()};
    if (block.end() > std::uint64_t{1} << 32) continue;
    if (engine() % 3 == 0) {
      if (const auto live = tree.AtOrAbove(address())) {
        extents.Remove(live->address);
        tree.Remove(live->address);
        ++removed;
      }
      extents.Remove(block.address | 1);  // none
    } else {
      const bool free = !tree.Overlaps(block.address, block.end());
      ASSERT_EQ(extents.Add(block), free) << block.address << ", " << block.bytes;
      if (free) tree.Add(block);
      ++(free ? added : refused);
    }
    ASSERT_NO_FATAL_FAILURE(ExpectAlike(extents, tree, address()));
  }
  EXPECT_GT(added, 5'000u);
  EXPECT_GT(refused, 2'000u);
  EXPECT_GT(removed, 2'000u);
  LiveExtents copy = extents;  // of its own
  if (const auto first = tree.AtOrAbove(0)) copy.Remove(first->address);
  EXPECT_EQ(extents.AtOrAbove(0), tree.AtOrAbove(0));
  EXPECT_GT(extents.host_bytes(), 0u);
}

TEST(LiveExtents, ABlockOfNoBytesHasItsFirst) {
  LiveExtents extents;
  EXPECT_TRUE(extents.Add({4096, 0}));
  EXPECT_EQ(extents.At(4096), (Extent{4096, 0}));
  EXPECT_FALSE(extents.Add({4096, 1}));
  EXPECT_FALSE(extents.Add({4092, 5}));
  EXPECT_TRUE(extents.Add({4100, 1}));
  EXPECT_TRUE(extents.Add({4092, 4}));
}

}  // namespace
}  // namespace alloclab
