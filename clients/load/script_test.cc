#include "clients/load/script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alloclab::load {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Operation Malloc(std::uint32_t block, std::uint32_t size) { return {.kind = OpKind::kMalloc, .block = block, .size = size}; }
Operation Free(std::uint32_t block) { return {.kind = OpKind::kFree, .block = block}; }
Operation Realloc(std::uint32_t block, std::uint32_t old, std::uint32_t size) {
  return {.kind = OpKind::kRealloc, .block = block, .size = size, .extra = old};
}
Operation Pages(std::uint32_t block, std::uint32_t size) {
  return {.kind = OpKind::kAllocatePages, .block = block, .size = size};
}
Operation FreePart(std::uint32_t block, std::uint32_t offset, std::uint32_t size) {
  return {.kind = OpKind::kFreePagesPart, .block = block, .size = size, .extra = offset};
}

std::vector<Operation> Left(std::vector<Operation> operations) {
  Trace trace;
  trace.operations = std::move(operations);
  trace.heap_handles = 8;
  trace.page_handles = 8;
  return FreesOfWhatIsLeft(trace);
}

TEST(FreesOfWhatIsLeft, FreesLiveHandlesOnce) {
  EXPECT_THAT(Left({Malloc(0, 8), Malloc(1, 8), Malloc(2, 0), Free(0), Free(kNoBlock)}), ElementsAre(Free(1)));
  EXPECT_THAT(Left({Malloc(3, 8), Malloc(3, 8)}), ElementsAre(Free(3)));
  EXPECT_THAT(
      Left({{.kind = OpKind::kCalloc, .block = 1, .size = 8, .extra = 2}, {.kind = OpKind::kCalloc, .block = 2, .size = 8}}),
      ElementsAre(Free(1)));
}

TEST(FreesOfWhatIsLeft, FollowsRealloc) {
  EXPECT_THAT(Left({Malloc(0, 8), Realloc(1, 0, 16)}), ElementsAre(Free(1)));
  EXPECT_THAT(Left({Malloc(0, 8), Realloc(0, 0, 16)}), ElementsAre(Free(0)));
  EXPECT_THAT(Left({Malloc(0, 8), Realloc(0, 0, 0)}), IsEmpty());
  EXPECT_THAT(Left({Realloc(2, kNoBlock, 4)}), ElementsAre(Free(2)));
}

TEST(FreesOfWhatIsLeft, FreesPagesThatTheirHandleStillNames) {
  const Operation rest{.kind = OpKind::kFreePages, .block = 1};
  EXPECT_THAT(Left({Pages(1, 8192)}), ElementsAre(rest));
  EXPECT_THAT(Left({Pages(1, 8192), FreePart(1, 0, 4096)}), ElementsAre(rest));
  EXPECT_THAT(Left({Pages(1, 8192), FreePart(1, 0, 8192)}), IsEmpty());
  EXPECT_THAT(Left({Pages(1, 8192), FreePart(1, 4096, 4096)}), IsEmpty());
  EXPECT_THAT(Left({Pages(1, 8192), rest}), IsEmpty());
}

TEST(Cursor, PacksBatchesAndLeavesOutEmptyExtras) {
  const std::vector<Operation> operations = {Malloc(0, 8), Free(0), Realloc(1, kNoBlock, 24)};
  Cursor cursor(operations, {});
  v1::Batch batch;
  EXPECT_EQ(cursor.Next(2, batch).size(), 2u);
  EXPECT_EQ(batch.kinds(), std::string("\0\3", 2));
  EXPECT_THAT(batch.blocks(), ElementsAre(0, 0));
  EXPECT_THAT(batch.sizes(), ElementsAre(8, 0));
  EXPECT_THAT(batch.extras(), IsEmpty());
  EXPECT_FALSE(cursor.at_end());
  EXPECT_EQ(cursor.Next(2, batch).size(), 1u);
  EXPECT_EQ(batch.kinds(), "\2");
  EXPECT_THAT(batch.extras(), ElementsAre(kNoBlock));
  EXPECT_TRUE(cursor.at_end());
  EXPECT_EQ(cursor.position_ratio(), 1);
}

TEST(Cursor, ShiftsHandlesButNotNullOrPlainNumbers) {
  const std::vector<Operation> operations = {Malloc(1, 8),
                                             Free(kNoBlock),
                                             Realloc(1, 0, 8),
                                             Realloc(1, kNoBlock, 8),
                                             {.kind = OpKind::kCalloc, .block = 0, .size = 4, .extra = 5},
                                             Pages(0, 4096),
                                             FreePart(0, 4096, 4096)};
  Cursor cursor(operations, {.heap = 100, .pages = 1000});
  v1::Batch batch;
  cursor.Next(10, batch);
  EXPECT_THAT(batch.blocks(), ElementsAre(101, kNoBlock, 101, 101, 100, 1000, 1000));
  EXPECT_THAT(batch.extras(), ElementsAre(0, 0, 100, kNoBlock, 5, 0, 4096));
}

}  // namespace
}  // namespace alloclab::load
