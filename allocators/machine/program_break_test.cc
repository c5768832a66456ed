#include "allocators/machine/program_break.h"

#include <limits>
#include <memory>

#include "allocators/machine/machine_testing.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

constexpr VirtAddr kStart{0xC0400000};
constexpr VirtAddr kLimit{0xC0404000};

class ProgramBreakTest : public testing::Test {
 protected:
  static std::unique_ptr<AddressSpace> WithPageTables(std::unique_ptr<AddressSpace> space) {
    EXPECT_TRUE(space->AddPageTables(kStart, 1).ok());
    return space;
  }
  bool Promised(std::uint32_t page) { return space_->Translate(kStart + page * kPageBytes).on_demand; }
  std::uint32_t PromisedPages() {
    std::uint32_t pages = 0;
    for (std::uint32_t page = 0; page < 1024; ++page) pages += Promised(page);
    return pages;
  }

  PhysicalMemory memory_{1 << 20};
  CountedFrames frames_{256, 100};
  std::unique_ptr<AddressSpace> space_ = WithPageTables(*AddressSpace::Create(memory_, frames_));
  ProgramBreak break_{*space_, kStart, kLimit};
};

TEST_F(ProgramBreakTest, SbrkReturnsWhereTheBreakWas) {
  EXPECT_EQ(break_.Sbrk(0), kStart);
  EXPECT_EQ(PromisedPages(), 0u);
  EXPECT_EQ(break_.Sbrk(1), kStart);
  EXPECT_EQ(PromisedPages(), 1u);
  EXPECT_EQ(break_.Sbrk(4095), kStart + 1);
  EXPECT_EQ(PromisedPages(), 1u) << "the break is at the next page, not in it";
  EXPECT_EQ(break_.Sbrk(4097), kStart + 4096);
  EXPECT_EQ(PromisedPages(), 3u);
  EXPECT_EQ(break_.current(), kStart + 8193);
  EXPECT_EQ(break_.grows(), 3u);
  EXPECT_EQ(break_.grown_bytes(), 8193u);
}

TEST_F(ProgramBreakTest, SbrkReachesTheLimitAndNotBeyond) {
  EXPECT_EQ(break_.Sbrk(0x4001), ProgramBreak::kFailed);
  EXPECT_EQ(break_.Sbrk(std::numeric_limits<std::int32_t>::max()), ProgramBreak::kFailed);
  EXPECT_EQ(break_.current(), kStart);
  EXPECT_EQ(PromisedPages(), 0u);
  EXPECT_EQ(break_.Sbrk(0x4000), kStart);
  EXPECT_EQ(break_.current(), kLimit);
  EXPECT_EQ(PromisedPages(), 4u);
  EXPECT_EQ(break_.Sbrk(1), ProgramBreak::kFailed);
  EXPECT_EQ(break_.Sbrk(0), kLimit);
  EXPECT_EQ(break_.grows(), 1u);
}

TEST_F(ProgramBreakTest, SbrkShrinksOnlyWhereThatIsAllowed) {
  ASSERT_EQ(break_.Sbrk(0x2000), kStart);
  EXPECT_EQ(break_.Sbrk(-4), ProgramBreak::kFailed);
  EXPECT_EQ(break_.Sbrk(-4, /*shrinks=*/true), kStart + 0x2000);
  EXPECT_EQ(break_.Sbrk(-0x1FFD, /*shrinks=*/true), ProgramBreak::kFailed) << "below the start";
  EXPECT_EQ(break_.Sbrk(std::numeric_limits<std::int32_t>::min(), /*shrinks=*/true), ProgramBreak::kFailed);
  EXPECT_EQ(break_.Sbrk(-0x1FFC, /*shrinks=*/true), kStart + 0x1FFC);
  EXPECT_EQ(break_.current(), kStart);
  EXPECT_EQ(break_.peak(), kStart + 0x2000);
  EXPECT_EQ(break_.grows(), 1u);
  EXPECT_EQ(PromisedPages(), 2u) << "as they are";
}

TEST_F(ProgramBreakTest, LunaixSbrkHasTheOriginalsQuirks) {
  break_.Place(kStart + 4);
  EXPECT_EQ(PromisedPages(), 1u);
  EXPECT_EQ(break_.LunaixSbrk(0), kStart + 4) << "asks";
  EXPECT_EQ(break_.LunaixSbrk(4096 - 4 - 2), kStart + 4);
  EXPECT_EQ(break_.current(), kStart + 4096 - 2) << "by the size as given";
  EXPECT_EQ(PromisedPages(), 2u) << "by the size rounded up";
  EXPECT_EQ(break_.grows(), 1u);
  EXPECT_EQ(break_.grown_bytes(), 4096u - 10) << "without the epilogue's word";
  break_.Lower(4);
  EXPECT_EQ(break_.current(), kStart + 4096 - 6);
  EXPECT_EQ(break_.peak(), kStart + 4096 - 2);
  EXPECT_EQ(break_.LunaixSbrk(0xFFFFFFFF), kStart + 4096 - 6) << "rounds to 0: nothing is checked, the break moves down by 1";
  EXPECT_EQ(break_.current(), kStart + 4096 - 7);
}

TEST_F(ProgramBreakTest, LunaixSbrkCannotReachTheLimit) {
  EXPECT_EQ(break_.LunaixSbrk(0x4000), ProgramBreak::kFailed);
  EXPECT_EQ(break_.LunaixSbrk(0x3FFD), ProgramBreak::kFailed) << "rounded up it is the limit";
  EXPECT_EQ(break_.LunaixSbrk(0x80000000), ProgramBreak::kFailed) << "wraps";
  EXPECT_EQ(break_.current(), kStart);
  EXPECT_EQ(break_.LunaixSbrk(0x3FFC), kStart);
}

TEST_F(ProgramBreakTest, AnArenaIsAllThereFromTheBeginning) {
  const ProgramBreak arena = ProgramBreak::Arena(*space_, kStart + 0x1800, 0x1000);
  EXPECT_EQ(arena.start(), kStart + 0x1800);
  EXPECT_EQ(arena.current(), kStart + 0x2800);
  EXPECT_EQ(arena.limit(), arena.current());
  EXPECT_EQ(arena.grows(), 0u);
  EXPECT_FALSE(Promised(0));
  EXPECT_TRUE(Promised(1));
  EXPECT_TRUE(Promised(2));
  EXPECT_FALSE(Promised(3));
}

TEST_F(ProgramBreakTest, ACopyIsASavedBreak) {
  ASSERT_EQ(break_.Sbrk(100), kStart);
  const ProgramBreak saved = break_;
  ASSERT_EQ(break_.Sbrk(1000), kStart + 100);
  break_ = saved;
  EXPECT_EQ(break_.current(), kStart + 100);
  EXPECT_EQ(break_.peak(), kStart + 100);
  EXPECT_EQ(break_.grown_bytes(), 100u);
}

}  // namespace
}  // namespace alloclab
