// What is best fit's own, worked out by hand: 16 pages of RAM, of which 0x1000 to 0x10000 are the arena.
#include "allocators/pages/best_fit/best_fit_runs.h"

#include <cstdint>
#include <memory>

#include "allocators/machine/physical_memory.h"
#include "allocators/pages/page_guard.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

class BestFitRunsTest : public testing::TestWithParam<bool> {
 protected:
  BestFitRunsTest() : memory_(16 * kPageBytes) {
    const PageAllocatorInfo info = BestFitRunsInfo();
    ParameterValues values;
    for (const ParameterInfo& parameter : info.parameters) values.emplace(parameter.name, parameter.DefaultFor(GetParam()));
    pages_ = *info.make(memory_, GetParam(), values);
  }

  PageResult Allocate(std::uint32_t pages) { return pages_->Allocate(pages * kPageBytes); }
  void Free(std::uint32_t first, std::uint32_t pages) {
    EXPECT_EQ(pages_->Free(PhysAddr(first), pages * kPageBytes).outcome, Outcome::kOk);
  }
  // Free blocks of 3 pages at 0x1000, 2 at 0x5000, 1 at 0x8000, 6 at 0xA000.
  void Cut() {
    ASSERT_EQ(Allocate(15).address, PhysAddr(0x1000));
    Free(0x1000, 3);
    Free(0x5000, 2);
    Free(0x8000, 1);
    Free(0xA000, 6);
  }
  const PageCosts& costs() { return pages_->allocator().costs(); }

  PhysicalMemory memory_;
  std::unique_ptr<PageGuard> pages_;
};

TEST_P(BestFitRunsTest, TheShortestBlockThatIsLongEnough) {
  Cut();
  EXPECT_EQ(Allocate(2).address, PhysAddr(0x5000)) << "exact, though a lower one is longer";
  EXPECT_EQ(Allocate(2).address, PhysAddr(0x2000)) << "of three pages the last two";
  EXPECT_EQ(Allocate(1).address, PhysAddr(0x1000)) << "the lower one of two equal ones";
  EXPECT_EQ(Allocate(5).address, PhysAddr(0xB000));
  EXPECT_EQ(Allocate(2).outcome, Outcome::kFragmented);
  EXPECT_EQ(Allocate(3).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(Allocate(1).address, PhysAddr(0x8000));
  EXPECT_EQ(Allocate(1).address, PhysAddr(0xA000));
  EXPECT_EQ(pages_->allocator().Shape().free_bytes, 0u);
  EXPECT_THAT(pages_->allocator().CheckInvariants(), testing::IsEmpty());
}

TEST_P(BestFitRunsTest, TheLowestOfEqualOnes) {
  ASSERT_EQ(Allocate(15).address, PhysAddr(0x1000));
  Free(0x9000, 3);
  Free(0x5000, 3);
  Free(0x1000, 3);
  EXPECT_EQ(Allocate(2).address, PhysAddr(0x2000));
  EXPECT_EQ(Allocate(2).address, PhysAddr(0x6000));
  EXPECT_EQ(Allocate(3).address, PhysAddr(0x9000));
}

TEST_P(BestFitRunsTest, CountsWhatTheWalkReads) {
  Cut();
  const PageCosts before = costs();
  Allocate(2);  // the second block: two lengths, a link on the way, its own link, and the store of the one to it
  EXPECT_EQ(costs().search_steps - before.search_steps, 2u);
  EXPECT_EQ(costs().words_loaded - before.words_loaded, 4u);
  EXPECT_EQ(costs().words_stored - before.words_stored, 1u);
  const PageCosts split = costs();
  Allocate(5);  // of 3, 1 and 6 pages the last one: three lengths, three links
  EXPECT_EQ(costs().search_steps - split.search_steps, 3u);
  EXPECT_EQ(costs().words_loaded - split.words_loaded, 6u);
  EXPECT_EQ(costs().words_stored - split.words_stored, 1u);
}

INSTANTIATE_TEST_SUITE_P(Both, BestFitRunsTest, testing::Bool(),
                         [](const auto& guarded) { return guarded.param ? "Guarded" : "Unguarded"; });

}  // namespace
}  // namespace alloclab
