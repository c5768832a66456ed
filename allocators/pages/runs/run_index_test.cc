#include "allocators/pages/runs/run_index.h"

#include "allocators/pages/runs/page_runs.h"
#include "allocators/pages/runs/page_runs_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::IsEmpty;
using PageRun = RunIndex::Run;

TEST(RunIndex, EmptyHasNoRuns) {
  const RunIndex index(RunIndex::kPagesMax);
  EXPECT_FALSE(index.FirstFit(1));
  EXPECT_FALSE(index.FirstFrom(0));
  EXPECT_FALSE(index.LastBefore(RunIndex::kPagesMax));
  EXPECT_EQ(index.CountBefore(RunIndex::kPagesMax - 1), 0u);
  EXPECT_EQ(index.runs(), 0u);
  EXPECT_EQ(index.longest(), 0u);
}

TEST(RunIndex, FindsRunsInOtherLeaves) {
  RunIndex index(RunIndex::kPagesMax);
  const PageRun low{1023, 2}, middle{500'000, 7}, high{RunIndex::kPagesMax - 1, 1};
  for (const PageRun& run : {low, middle, high}) index.Set(run.page, run.pages);
  EXPECT_EQ(index.FirstFrom(0), low);
  EXPECT_EQ(index.FirstFrom(1023), low);
  EXPECT_EQ(index.FirstFrom(1024), middle);
  EXPECT_EQ(index.FirstFrom(500'001), high);
  EXPECT_FALSE(index.FirstFrom(RunIndex::kPagesMax));
  EXPECT_EQ(index.LastBefore(RunIndex::kPagesMax), high);
  EXPECT_EQ(index.LastBefore(high.page), middle);
  EXPECT_EQ(index.LastBefore(middle.page), low);
  EXPECT_FALSE(index.LastBefore(1023));
  EXPECT_EQ(index.CountBefore(1023), 0u);
  EXPECT_EQ(index.CountBefore(1024), 1u);
  EXPECT_EQ(index.CountBefore(high.page), 2u);
  EXPECT_EQ(index.FirstFit(1), low);
  EXPECT_EQ(index.FirstFit(3), middle);
  EXPECT_FALSE(index.FirstFit(8));
  index.Set(middle.page, 0);
  EXPECT_EQ(index.LastBefore(high.page), low);
  EXPECT_EQ(index.runs(), 2u);
  EXPECT_EQ(index.longest(), 2u);
}

// 10,000 idle machines of 4 GiB have to fit in 1 GiB: RAM, list and index together stay below 100 KiB each.
TEST(RunIndex, AnIdleMachineStaysSmall) {
  PhysicalMemory memory(PhysicalMemory::kBytesMax);
  const auto pages = MakeOrDie(memory, {});
  EXPECT_LT(pages->host_bytes(), 22u << 10);
  EXPECT_LT(memory.host_bytes(), 42u << 10);
}

TEST(RunIndex, GrowsWithTheMemoryInUse) {
  PhysicalMemory memory(PhysicalMemory::kBytesMax);
  const auto pages = MakeOrDie(memory, {});
  const std::uint64_t idle = pages->host_bytes();
  for (int i = 0; i < 1024; ++i) ASSERT_TRUE(pages->TakeFrame());  // from the tail of the one run
  EXPECT_EQ(pages->host_bytes(), idle);
  for (PhysAddr page(0xFFFFF000); page > PhysAddr(0xFFC00000); page = page - 2 * kPageBytes) {
    ASSERT_EQ(pages->Free(page, kPageBytes), PageResult{});
  }
  EXPECT_EQ(pages->Shape().free_blocks, 513u);
  EXPECT_LE(pages->host_bytes(), idle + 512 * 10) << "10 bytes for each run of one page";
  EXPECT_THAT(pages->CheckInvariants(), IsEmpty());
}

}  // namespace
}  // namespace alloclab
