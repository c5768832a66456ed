// What is the bitmap's own: which pages are given, bits in memory, costs, and what the original does when it is misused.
#include "allocators/pages/bitmap/bitmap_pages.h"

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {

inline void PrintTo(const PageResult& result, std::ostream* out) {
  *out << absl::StrFormat("%s %#010x", OutcomeName(result.outcome), result.address.raw());
}

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr PageResult kFreed{Outcome::kOk, {}};
constexpr PageResult kFailed{Outcome::kAssertionFailed, {}};

PageResult Ok(std::uint32_t page) { return {Outcome::kOk, PhysAddr(page)}; }

// Eight pages: 0 is the kernel's, 1 has the bits, 2 to 7 are the arena.
class BitmapPagesTest : public testing::Test {
 protected:
  explicit BitmapPagesTest(bool guarded = true, BitmapFit fit = BitmapFit::kFirst) : memory_(8 * kPageBytes) {
    auto pages = MakeBitmapPages(memory_, {.guarded = guarded, .fit = fit});
    EXPECT_TRUE(pages.ok()) << pages.status();
    pages_ = *std::move(pages);
  }

  PageResult Allocate(std::uint32_t pages = 1) { return pages_->Allocate(pages * kPageBytes); }
  PageResult Free(std::uint32_t address, std::uint32_t pages = 1) {
    return pages_->Free(PhysAddr(address), pages * kPageBytes);
  }
  std::uint32_t Word(std::uint32_t address) { return memory_.LoadU32(PhysAddr(address)).value_or(0xDEADDEAD); }
  const PageAllocator& allocator() { return pages_->allocator(); }

  PhysicalMemory memory_;
  std::unique_ptr<PageGuard> pages_;
};

class NextFitBitmapTest : public BitmapPagesTest {
 protected:
  NextFitBitmapTest() : BitmapPagesTest(true, BitmapFit::kNext) {}
};

class UnguardedBitmapTest : public BitmapPagesTest {
 protected:
  UnguardedBitmapTest() : BitmapPagesTest(false) {}
};

TEST_F(BitmapPagesTest, TheLowestRunThatIsLongEnough) {
  EXPECT_EQ(Allocate(2), Ok(0x2000));
  EXPECT_EQ(Allocate(), Ok(0x4000));
  EXPECT_EQ(Word(0x1000), 0b111u);
  EXPECT_EQ(Free(0x3000), kFreed) << "part of a block";
  EXPECT_EQ(Word(0x1000), 0b101u);
  EXPECT_EQ(Word(0x3000), 0xCCCCCCCCu);
  EXPECT_EQ(Allocate(2), Ok(0x5000));
  EXPECT_EQ(Allocate(), Ok(0x3000));
  EXPECT_EQ(Allocate(2).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(Free(0x2000), kFreed);
  EXPECT_EQ(Allocate(2).outcome, Outcome::kFragmented);
  EXPECT_EQ(Allocate(3).outcome, Outcome::kOutOfMemory);
  EXPECT_THAT(allocator().CheckInvariants(), IsEmpty());
}

TEST_F(BitmapPagesTest, CountsEachTestOfABit) {
  ASSERT_EQ(Allocate(), Ok(0x2000));
  EXPECT_EQ(allocator().costs(), (PageCosts{{.words_loaded = 2, .words_stored = 1}, 1})) << "one test, one change";
  ASSERT_EQ(Allocate(), Ok(0x3000));
  ASSERT_EQ(Free(0x2000), kFreed);
  pages_->ResetCosts();
  ASSERT_EQ(Allocate(2), Ok(0x4000)) << "free and taken, taken, free and free: five tests";
  EXPECT_EQ(allocator().costs(), (PageCosts{{.words_loaded = 2 + 1 + 2 + 2, .words_stored = 2}, 3}));
  pages_->ResetCosts();
  ASSERT_EQ(Free(0x4000, 2), kFreed);
  EXPECT_EQ(allocator().costs(), (PageCosts{{.words_loaded = 4, .words_stored = 2}, 0}));
}

TEST_F(BitmapPagesTest, KnowsWhatIsFree) {
  ASSERT_EQ(Allocate(), Ok(0x2000));
  ASSERT_EQ(Allocate(), Ok(0x3000));
  ASSERT_EQ(Free(0x2000), kFreed);
  const PageShape shape = allocator().Shape();
  EXPECT_EQ(shape.free_blocks, 2u);
  EXPECT_EQ(shape.free_bytes, 5 * kPageBytes);
  EXPECT_EQ(shape.largest_free_bytes, 4 * kPageBytes);
  EXPECT_TRUE(pages_->CanTakeFrames(5));
  EXPECT_FALSE(pages_->CanTakeFrames(6));
  EXPECT_EQ(Free(0x2000).outcome, Outcome::kDoubleFree);
}

TEST_F(NextFitBitmapTest, GoesOnBehindThePagesGivenLast) {
  ASSERT_EQ(Allocate(), Ok(0x2000));
  ASSERT_EQ(Allocate(2), Ok(0x3000));
  ASSERT_EQ(Free(0x2000), kFreed);
  EXPECT_EQ(Allocate(), Ok(0x5000)) << "not 0x2000";
  EXPECT_EQ(allocator().FigureValues(), std::vector<std::uint64_t>{4});
  ASSERT_EQ(Free(0x3000), kFreed);
  pages_->ResetCosts();
  EXPECT_EQ(Allocate(3).outcome, Outcome::kFragmented);
  EXPECT_EQ(allocator().costs().search_steps, 4u) << "every place once";
  EXPECT_EQ(Allocate(2), Ok(0x6000));
  EXPECT_EQ(Allocate(2), Ok(0x2000));
  EXPECT_EQ(CountOf(allocator().Counts(), "wraps"), 0u) << "page 7 was the last: the next search begins at the first page";
}

TEST_F(NextFitBitmapTest, BeginsAgainAtTheFirstPage) {
  ASSERT_EQ(Allocate(4), Ok(0x2000));
  ASSERT_EQ(Free(0x2000, 3), kFreed);
  EXPECT_EQ(Allocate(3), Ok(0x2000));
  EXPECT_EQ(CountOf(allocator().Counts(), "wraps"), 1u);
}

TEST_F(UnguardedBitmapTest, AFreeOfAFreePageFailsAfterTheFill) {
  ASSERT_EQ(Allocate(2), Ok(0x2000));
  ASSERT_TRUE(memory_.StoreU32(PhysAddr(0x2008), 0xCAFE));
  EXPECT_EQ(Free(0x2000, 3), kFailed);
  EXPECT_EQ(Word(0x2008), 0xCCCCCCCCu);
  EXPECT_EQ(Word(0x1000), 0b11u) << "still taken";
  EXPECT_EQ(Free(0x5000), kFailed);
}

TEST_F(UnguardedBitmapTest, WhatIsNoPageOfTheArena) {
  EXPECT_EQ(Free(0x2004), kFailed);
  EXPECT_EQ(Free(0x1000), (PageResult{Outcome::kPanic, {}}));
  EXPECT_EQ(Free(0x8000), (PageResult{Outcome::kPanic, {}}));
  EXPECT_EQ(Free(0), kFreed);
  EXPECT_EQ(Free(0x2000, 0), kFreed);
  EXPECT_EQ(Free(0x7000, 2), (PageResult{Outcome::kMachineFault, PhysAddr(0x8000)}));
  EXPECT_EQ(pages_->Allocate(0).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(pages_->Allocate(1), Ok(0x2000));
}

TEST_F(UnguardedBitmapTest, BitsBehindTheLastPageAreSeen) {
  ASSERT_TRUE(memory_.StoreU32(PhysAddr(0x1000), 1u << 6));
  EXPECT_THAT(allocator().CheckInvariants(), ElementsAre(testing::Field(&Violation::invariant, "M1")));
}

TEST(BitmapPagesOptionsTest, ThatDoNotFitAreRefused) {
  PhysicalMemory memory(8 * kPageBytes);
  const auto error = [&](const BitmapPagesOptions& options) {
    return std::string(MakeBitmapPages(memory, options).status().message());
  };
  EXPECT_EQ(error({.arena_pages = 7}), "arena_pages 7: expected at most the 6 pages from 0x2000 to the end of RAM");
  EXPECT_EQ(error({.arena_pages = 6}), "");
  EXPECT_THAT(error({.kernel_end = 0x6001}), HasSubstr("would start at 0x8000"));
}

}  // namespace
}  // namespace alloclab
