// Guarded page runs: each misuse has its own outcome, and changes nothing. Every test runs on both engines.
#include "allocators/pages/runs/page_runs.h"
#include "allocators/pages/runs/page_runs_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::IsEmpty;

constexpr std::uint32_t kPage = kPageBytes, kFirst = 0x10000, kPages = 8;

class PageRunsMisuse : public ::testing::TestWithParam<Engine> {
 protected:
  // Pages 2, 3 and 6 are free: "##..##.#".
  void SetUp() override {
    ASSERT_EQ(pages_->Allocate(kPages * kPage).outcome, Outcome::kOk);
    ASSERT_EQ(pages_->Free(At(2), 2 * kPage).outcome, Outcome::kOk);
    ASSERT_EQ(pages_->Free(At(6), kPage).outcome, Outcome::kOk);
    pages_->ResetCosts();
    before_ = Dump(memory_, PhysAddr(), memory_.size_bytes());
  }

  void TearDown() override {
    EXPECT_EQ(Draw(*pages_), "##..##.#");
    EXPECT_TRUE(Dump(memory_, PhysAddr(), memory_.size_bytes()) == before_) << "RAM changed";
    EXPECT_EQ(pages_->costs(), PageCosts{});
    EXPECT_THAT(pages_->CheckInvariants(), IsEmpty());
  }

  static PhysAddr At(std::uint32_t page) { return PhysAddr(kFirst + page * kPage); }
  Outcome Allocate(std::uint32_t bytes) { return pages_->Allocate(bytes).outcome; }
  Outcome Free(PhysAddr first, std::uint32_t bytes) { return pages_->Free(first, bytes).outcome; }

  PhysicalMemory memory_{1 << 20};
  std::unique_ptr<TestedPages> pages_ =
      MakeOrDie(memory_, {.engine = GetParam(), .kernel_end = kFirst - 1, .arena_pages = kPages});
  std::vector<std::uint8_t> before_;
};
INSTANTIATE_TEST_SUITE_P(Engines, PageRunsMisuse, kBothEngines, EngineName);

TEST_P(PageRunsMisuse, ZeroLength) {
  EXPECT_EQ(Allocate(0), Outcome::kZeroLength);
  EXPECT_EQ(Free(At(0), 0), Outcome::kZeroLength);
  EXPECT_EQ(Free(At(2), 0), Outcome::kZeroLength);
}

TEST_P(PageRunsMisuse, NegativeLength) {
  EXPECT_EQ(Allocate(0x80000000), Outcome::kNegativeLength);
  EXPECT_EQ(Allocate(static_cast<std::uint32_t>(-4096)), Outcome::kNegativeLength);
  EXPECT_EQ(Allocate(0xFFFFFFFF), Outcome::kNegativeLength) << "rather than unaligned";
  EXPECT_EQ(Free(At(0), static_cast<std::uint32_t>(-4096)), Outcome::kNegativeLength);
}

TEST_P(PageRunsMisuse, UnalignedLength) {
  EXPECT_EQ(Allocate(1), Outcome::kUnalignedLength);
  EXPECT_EQ(Allocate(100), Outcome::kUnalignedLength);
  EXPECT_EQ(Allocate(0x7FFFFFFF), Outcome::kUnalignedLength);
  EXPECT_EQ(Free(At(0), 4097), Outcome::kUnalignedLength);
  EXPECT_EQ(Free(At(0) + 1, 4095), Outcome::kUnalignedLength) << "rather than misaligned";
}

TEST_P(PageRunsMisuse, MisalignedPointer) {
  EXPECT_EQ(Free(At(0) + 100, kPage), Outcome::kMisalignedPointer);
  EXPECT_EQ(Free(At(0) + 4095, kPage), Outcome::kMisalignedPointer);
  EXPECT_EQ(Free(PhysAddr(1), kPage), Outcome::kMisalignedPointer) << "rather than outside";
}

TEST_P(PageRunsMisuse, OutsideArena) {
  EXPECT_EQ(Free(PhysAddr(), kPage), Outcome::kOutsideArena);
  EXPECT_EQ(Free(At(0) - kPage, kPage), Outcome::kOutsideArena);
  EXPECT_EQ(Free(At(0) - kPage, 2 * kPage), Outcome::kOutsideArena) << "begins outside";
  EXPECT_EQ(Free(At(7), 2 * kPage), Outcome::kOutsideArena) << "ends outside";
  EXPECT_EQ(Free(At(8), kPage), Outcome::kOutsideArena);
  EXPECT_EQ(Free(At(4), 0x7FFFF000), Outcome::kOutsideArena);
  EXPECT_EQ(Free(PhysAddr(0xFFFFF000), kPage), Outcome::kOutsideArena);
  EXPECT_EQ(Free(PhysAddr(0xFFFFF000), 0x7FFFF000), Outcome::kOutsideArena) << "wraps";
  EXPECT_EQ(Free(At(2), 7 * kPage), Outcome::kOutsideArena) << "rather than a double free";
}

TEST_P(PageRunsMisuse, DoubleFree) {
  EXPECT_EQ(Free(At(2), 2 * kPage), Outcome::kDoubleFree);
  EXPECT_EQ(Free(At(2), kPage), Outcome::kDoubleFree);
  EXPECT_EQ(Free(At(3), kPage), Outcome::kDoubleFree) << "inside a free run";
  EXPECT_EQ(Free(At(3), 2 * kPage), Outcome::kDoubleFree) << "begins free, ends taken";
  EXPECT_EQ(Free(At(6), kPage), Outcome::kDoubleFree) << "the last run";
}

TEST_P(PageRunsMisuse, OverlapsFree) {
  EXPECT_EQ(Free(At(1), 2 * kPage), Outcome::kOverlapsFree);
  EXPECT_EQ(Free(At(0), 4 * kPage), Outcome::kOverlapsFree) << "to the end of the run";
  EXPECT_EQ(Free(At(0), 8 * kPage), Outcome::kOverlapsFree) << "over all runs";
  EXPECT_EQ(Free(At(4), 3 * kPage), Outcome::kOverlapsFree) << "the last run";
}

}  // namespace
}  // namespace alloclab
