// What is the buddy system's own: which blocks are given, split and joined, words in memory, costs, and what the original
// does when it is misused.
#include "allocators/pages/buddy/buddy_pages.h"

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

PageResult Ok(std::uint32_t page) { return {Outcome::kOk, PhysAddr(page)}; }

// Sixteen pages: 0 is the kernel's, 1 has free areas and struct pages, 2 to 15 are the arena: blocks of 2, 4 and 8 pages.
class BuddyPagesTest : public testing::Test {
 protected:
  explicit BuddyPagesTest(bool guarded = true) : memory_(16 * kPageBytes) {
    auto pages = MakeBuddyPages(memory_, {.guarded = guarded});
    EXPECT_TRUE(pages.ok()) << pages.status();
    pages_ = *std::move(pages);
    pages_->ResetCosts();
  }

  PageResult Allocate(std::uint32_t pages = 1) { return pages_->Allocate(pages * kPageBytes); }
  PageResult Free(std::uint32_t address, std::uint32_t pages = 1) {
    return pages_->Free(PhysAddr(address), pages * kPageBytes);
  }
  const PageAllocator& allocator() { return pages_->allocator(); }
  // "1:0x2000 2:0x4000": order and address of each free block.
  std::string Lists() {
    std::string lists;
    allocator().VisitBlocks({}, [&lists](const Block& block) {
      absl::StrAppendFormat(&lists, "%s%d:%#x", lists.empty() ? "" : " ", block.fields[0], block.address);
      return true;
    });
    return lists;
  }
  std::uint64_t Counter(std::string_view name) { return CountOf(allocator().Counts(), name); }
  // A word of the struct page of the page at `address`.
  std::uint32_t Word(std::uint32_t address, std::uint32_t offset) {
    return memory_.LoadU32(PhysAddr(kPageBytes + 160 + address / kPageBytes * 32 + offset)).value_or(0xDEADDEAD);
  }

  PhysicalMemory memory_;
  std::unique_ptr<PageGuard> pages_;
};

class UnguardedBuddyPagesTest : public BuddyPagesTest {
 protected:
  UnguardedBuddyPagesTest() : BuddyPagesTest(false) {}
};

TEST_F(BuddyPagesTest, TheArenaIsFreedInTheLargestBlocks) {
  EXPECT_EQ(Lists(), "1:0x2000 2:0x4000 3:0x8000");
  EXPECT_EQ(Word(0x8000, 0), 1u << 19);
  EXPECT_EQ(Word(0x8000, 12), 3u);
  EXPECT_EQ(Word(0x1000, 0), 1u << 10) << "reserved";
  EXPECT_EQ(memory_.LoadU32(PhysAddr(0x1000 + 3 * 12)), 0x1000u + 160 + 8 * 32 + 24) << "the list of order 3";
  EXPECT_THAT(allocator().CheckInvariants(), IsEmpty());
}

TEST_F(BuddyPagesTest, TheLeastOrderThatHasABlockIsHalved) {
  EXPECT_EQ(Allocate(), Ok(0x2000));
  EXPECT_EQ(Lists(), "0:0x3000 2:0x4000 3:0x8000");
  EXPECT_EQ(Allocate(2), Ok(0x4000));
  EXPECT_EQ(Lists(), "0:0x3000 1:0x6000 3:0x8000");
  EXPECT_EQ(Allocate(3), Ok(0x8000)) << "of four pages";
  EXPECT_EQ(Lists(), "0:0x3000 1:0x6000 2:0xc000");
  EXPECT_EQ(Counter("buddy_splits"), 3u);
  EXPECT_EQ(Word(0x8000, 4), 1u) << "_count";
  EXPECT_THAT(allocator().CheckInvariants(), IsEmpty());
}

TEST_F(BuddyPagesTest, BuddiesAreJoinedAndNeighboursAreNot) {
  ASSERT_EQ(Allocate(), Ok(0x2000));
  ASSERT_EQ(Allocate(), Ok(0x3000));
  ASSERT_EQ(Allocate(), Ok(0x4000));
  ASSERT_EQ(Lists(), "0:0x5000 1:0x6000 3:0x8000");
  EXPECT_EQ(Free(0x3000), kFreed);
  EXPECT_EQ(Lists(), "0:0x3000 0:0x5000 1:0x6000 3:0x8000") << "last in, first out";
  EXPECT_EQ(Counter("buddy_merges"), 0u);
  EXPECT_EQ(Free(0x4000), kFreed);
  EXPECT_EQ(Lists(), "0:0x3000 2:0x4000 3:0x8000") << "3 and 4 are neighbours, but no buddies";
  EXPECT_EQ(Counter("buddy_merges"), 2u);
  EXPECT_EQ(Free(0x2000), kFreed);
  EXPECT_EQ(Lists(), "1:0x2000 2:0x4000 3:0x8000") << "the buddy of the block at 0x2000 is the kernel's";
}

TEST_F(BuddyPagesTest, CountsWords) {
  ASSERT_EQ(Allocate(2), Ok(0x2000));
  EXPECT_EQ(allocator().costs(), (PageCosts{{.words_loaded = 8, .words_stored = 9}, 1}));
  pages_->ResetCosts();
  ASSERT_EQ(Allocate(), Ok(0x4000)) << "looks at orders 0, 1 and 2, halves twice";
  EXPECT_EQ(allocator().costs(), (PageCosts{{.words_loaded = 3 + 1 + 6 + 2 * 3, .words_stored = 9 + 2 * 7}, 3}));
  pages_->ResetCosts();
  ASSERT_EQ(Free(0x4000), kFreed) << "joins twice, and finds that 0x0000 is not free";
  EXPECT_EQ(allocator().costs(), (PageCosts{{.words_loaded = 2 + 1 + 3 + 2 * (3 + 4) + 1, .words_stored = 1 + 7 + 2 * 7}, 0}));
}

TEST_F(BuddyPagesTest, RefusesWhatNoListHolds) {
  EXPECT_EQ(Allocate(9).outcome, Outcome::kFragmented);
  EXPECT_EQ(Allocate(15).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(pages_->Allocate(8u << 20).outcome, Outcome::kOutOfMemory) << "of an order that there is not";
  EXPECT_TRUE(pages_->CanTakeFrames(14));
  EXPECT_FALSE(pages_->CanTakeFrames(15));
}

TEST_F(BuddyPagesTest, OnlyWholeBlocksAreFreed) {
  ASSERT_EQ(Allocate(4), Ok(0x4000));
  EXPECT_EQ(Free(0x4000, 2).outcome, Outcome::kPartialFree);
  EXPECT_EQ(Free(0x5000).outcome, Outcome::kPartialFree);
  EXPECT_EQ(Free(0x4000, 4), kFreed);
  EXPECT_EQ(Free(0x4000, 4).outcome, Outcome::kDoubleFree);
  EXPECT_EQ(Free(0x1000).outcome, Outcome::kOutsideArena);
}

TEST_F(UnguardedBuddyPagesTest, AFreeTwiceIsNotNoticedUntilThePageIsGiven) {
  ASSERT_EQ(Allocate(), Ok(0x2000));
  ASSERT_EQ(Allocate(), Ok(0x3000));
  EXPECT_EQ(Free(0x2000), kFreed);
  EXPECT_EQ(Free(0x2000), kFreed);
  EXPECT_EQ(Word(0x2000, 4), 0xFFFFFFFFu);
  EXPECT_EQ(Lists(), "0:0x2000 2:0x4000 3:0x8000");
  EXPECT_THAT(allocator().CheckInvariants(), ElementsAre(testing::Field(&Violation::invariant, "L2")));
  EXPECT_EQ(Free(0x3000), kFreed);
  EXPECT_EQ(Lists(), "0:0x3000 0:0x2000 2:0x4000 3:0x8000") << "a wrong count: no buddy";
  ASSERT_EQ(Allocate(), Ok(0x3000));
  EXPECT_EQ(Counter("bad_pages"), 0u);
  EXPECT_EQ(Allocate(), Ok(0x2000));
  EXPECT_EQ(Counter("bad_pages"), 1u);
  EXPECT_EQ(Word(0x2000, 4), 1u);
}

TEST_F(UnguardedBuddyPagesTest, PartOfABlockAndMoreThanABlock) {
  ASSERT_EQ(Allocate(2), Ok(0x2000));
  EXPECT_EQ(Free(0x3000), kFreed) << "its _count was 0: left alone";
  EXPECT_EQ(Lists(), "2:0x4000 3:0x8000");
  EXPECT_EQ(Free(0x2000), kFreed) << "the first page alone";
  EXPECT_EQ(Lists(), "0:0x2000 2:0x4000 3:0x8000");

  ASSERT_EQ(Allocate(8), Ok(0x8000));
  ASSERT_EQ(Allocate(2), Ok(0x4000));
  ASSERT_EQ(Allocate(2), Ok(0x6000));
  EXPECT_EQ(Free(0x4000, 4), kFreed) << "with the live block behind it";
  EXPECT_EQ(Counter("bad_pages"), 1u);
  EXPECT_EQ(Lists(), "0:0x2000 2:0x4000");
}

TEST_F(UnguardedBuddyPagesTest, ThePagesOfTheKernelAndThoseOutsideRam) {
  EXPECT_EQ(Free(0x0), kFreed);
  EXPECT_EQ(Lists(), "1:0x2000 2:0x4000 3:0x8000") << "reserved";
  EXPECT_EQ(Free(0x10000), (PageResult{Outcome::kMachineFault, PhysAddr(0x10000)}));
  EXPECT_EQ(pages_->Allocate(0).outcome, Outcome::kFragmented) << "2^20 pages";
}

TEST_F(UnguardedBuddyPagesTest, ALinkThatLeadsAwayIsShownAndFollowed) {
  ASSERT_TRUE(memory_.StoreU32(PhysAddr(0x1000 + 3 * 12), 0x20000000));
  EXPECT_THAT(allocator().VisitBlocks({}, [](const Block&) { return true; })->what, HasSubstr("which is no page"));
  EXPECT_EQ(Allocate(8), (PageResult{Outcome::kMachineFault, PhysAddr(0x20000004)}));
}

TEST(BuddyPagesOptionsTest, ThatDoNotFitAreRefused) {
  PhysicalMemory memory(16 * kPageBytes);
  const auto error = [&](const BuddyPagesOptions& options) {
    return std::string(MakeBuddyPages(memory, options).status().message());
  };
  EXPECT_EQ(error({.arena_pages = 15}), "arena_pages 15: expected at most the 14 pages from 0x2000 to the end of RAM");
  EXPECT_EQ(error({.arena_pages = 14}), "");
  EXPECT_THAT(error({.kernel_end = 0xE001}), HasSubstr("would start at 0x10000"));
  EXPECT_THAT(error({.kernel_end = 0xFFFFFFFF}), HasSubstr("would start at 0x100001000"));
}

}  // namespace
}  // namespace alloclab
