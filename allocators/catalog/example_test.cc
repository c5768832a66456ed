#include "allocators/catalog/example.h"

#include <algorithm>

#include "allocators/catalog/catalog.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

TEST(ExampleTest, EveryHeapThatShowsItsBlocksHasOneWithoutGaps) {
  for (const HeapAllocatorInfo& heap : HeapAllocators()) {
    SCOPED_TRACE(heap.name);
    const std::vector<Block> blocks = ExampleBlocks(heap);
    ASSERT_EQ(blocks.empty(), !heap.make || !heap.declaration->shows_blocks);
    EXPECT_LE(blocks.size(), kExampleBlocksMax);
    for (std::size_t i = 1; i < blocks.size(); ++i) {
      EXPECT_EQ(blocks[i].address, blocks[i - 1].address + blocks[i - 1].bytes) << i;
    }
    EXPECT_TRUE(blocks.empty() ||
                std::ranges::any_of(blocks, [](const Block& block) { return block.kind == BlockKind::kLive; }));
  }
}

TEST(ExampleTest, ShowsWhatTheOperationsMake) {
  // Of the implicit heap: 24, 8, 40 and the 60 that took the hole of the 100, each with a header of 4 bytes.
  std::vector<std::uint64_t> live, free;
  for (const Block& block : ExampleBlocks(*FindHeapAllocator("implicit-heap").value())) {
    (block.kind == BlockKind::kLive ? live : free).push_back(block.bytes);
  }
  EXPECT_EQ(live, (std::vector<std::uint64_t>{28, 64, 12, 44}));
}

}  // namespace
}  // namespace alloclab
