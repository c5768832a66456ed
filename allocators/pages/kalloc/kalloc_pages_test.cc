// What is kalloc's own: the order of pages, words in memory, costs, and what the original does when it is misused.
#include "allocators/pages/kalloc/kalloc_pages.h"

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
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint32_t kJunkWord = 0x01010101;
constexpr PageResult kFreed{Outcome::kOk, {}};
constexpr PageResult kPanic{Outcome::kPanic, {}};

PageResult Ok(std::uint32_t page) { return {Outcome::kOk, PhysAddr(page)}; }

// Eight pages, the arena has five: from 0x3000 to 0x7000.
class KallocTest : public testing::Test {
 protected:
  explicit KallocTest(bool guarded = true) : memory_(8 * kPageBytes) {
    auto pages = MakeKalloc(memory_, {.guarded = guarded, .kernel_end = 0x2001});
    EXPECT_TRUE(pages.ok()) << pages.status();
    pages_ = *std::move(pages);
  }

  PageResult Allocate(std::uint32_t bytes = kPageBytes) { return pages_->Allocate(bytes); }
  PageResult Free(std::uint32_t page, std::uint32_t bytes = kPageBytes) { return pages_->Free(PhysAddr(page), bytes); }
  std::uint32_t Word(std::uint32_t address) { return memory_.LoadU32(PhysAddr(address)).value_or(0xDEADDEAD); }
  void Poke(std::uint32_t address, std::uint32_t word) { ASSERT_TRUE(memory_.StoreU32(PhysAddr(address), word)); }
  const PageAllocator& allocator() { return pages_->allocator(); }
  std::vector<std::uint32_t> List() {
    std::vector<std::uint32_t> list;
    allocator().VisitBlocks({}, [&list](const Block& block) {
      list.push_back(block.address);
      return true;
    });
    return list;
  }

  PhysicalMemory memory_;
  std::unique_ptr<PageGuard> pages_;
};

class UnguardedKallocTest : public KallocTest {
 protected:
  UnguardedKallocTest() : KallocTest(false) {}
};

TEST_F(KallocTest, TheHighestPageIsTheFirstOut) {
  EXPECT_THAT(List(), ElementsAre(0x7000u, 0x6000u, 0x5000u, 0x4000u, 0x3000u));
  EXPECT_EQ(Word(0x7000), 0x6000u);
  EXPECT_EQ(Word(0x3000), 0u);
  EXPECT_EQ(Word(0x7004), kJunkWord);
  EXPECT_EQ(Word(0x2000), 0u) << "the kernel's last page";
  EXPECT_EQ(Allocate(), Ok(0x7000));
  EXPECT_EQ(Word(0x7000), 0x6000u) << "as it was";
  EXPECT_EQ(Allocate(), Ok(0x6000));
}

TEST_F(KallocTest, TheLastFreedIsTheNextOut) {
  for (int i = 0; i < 5; ++i) ASSERT_EQ(Allocate().outcome, Outcome::kOk);
  EXPECT_EQ(Allocate(), (PageResult{Outcome::kOutOfMemory, {}}));
  Poke(0x5008, 0xCAFE);
  EXPECT_EQ(Free(0x5000), kFreed);
  EXPECT_EQ(Word(0x5008), kJunkWord);
  EXPECT_EQ(Free(0x7000), kFreed);
  EXPECT_EQ(Word(0x7000), 0x5000u);
  EXPECT_EQ(Allocate(), Ok(0x7000));
  EXPECT_EQ(Allocate(), Ok(0x5000));
  EXPECT_THAT(allocator().CheckInvariants(), IsEmpty());
}

TEST_F(KallocTest, CountsLinksAndJunk) {
  pages_->ResetCosts();
  ASSERT_EQ(Allocate(), Ok(0x7000));
  EXPECT_EQ(allocator().costs(), (PageCosts{{.words_loaded = 1}, 0}));
  ASSERT_EQ(Free(0x7000), kFreed);
  EXPECT_EQ(allocator().costs(), (PageCosts{{.words_loaded = 1, .words_stored = 1}, 0}));
  EXPECT_EQ(CountOf(allocator().Counts(), "filled_bytes"), kPageBytes);
}

TEST_F(KallocTest, MoreThanAPageIsRefused) {
  EXPECT_EQ(Allocate(2 * kPageBytes).outcome, Outcome::kFragmented);
  EXPECT_EQ(Allocate(5 * kPageBytes).outcome, Outcome::kFragmented);
  EXPECT_EQ(Allocate(6 * kPageBytes).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(allocator().Shape().largest_free_bytes, kPageBytes);
  EXPECT_EQ(allocator().Shape().free_bytes, 5 * kPageBytes);
}

TEST_F(KallocTest, SeveralPagesAreFreedUpwards) {
  for (int i = 0; i < 3; ++i) ASSERT_EQ(Allocate().outcome, Outcome::kOk);
  EXPECT_EQ(Free(0x5000, 3 * kPageBytes), kFreed);
  EXPECT_THAT(List(), ElementsAre(0x7000u, 0x6000u, 0x5000u, 0x4000u, 0x3000u));
  EXPECT_EQ(Free(0x6000).outcome, Outcome::kDoubleFree);
}

TEST_F(KallocTest, HoldsWhatIsInTheList) {
  EXPECT_TRUE(pages_->CanTakeFrames(5));
  EXPECT_FALSE(pages_->CanTakeFrames(6));
  ASSERT_EQ(Allocate(), Ok(0x7000));
  EXPECT_TRUE(pages_->CanTakeFrames(4));
  EXPECT_FALSE(pages_->CanTakeFrames(5));
}

TEST_F(UnguardedKallocTest, LengthsAreNotTheOriginals) {
  EXPECT_EQ(Allocate(0), Ok(0x7000));
  EXPECT_EQ(Allocate(1), Ok(0x6000));
  EXPECT_EQ(Allocate(kPageBytes + 1).outcome, Outcome::kFragmented);
  EXPECT_EQ(Free(0x6000, 0), kFreed);
  EXPECT_EQ(Free(0x7000, 1), kFreed);
  EXPECT_THAT(List(), SizeIs(5));
}

TEST_F(UnguardedKallocTest, PanicsOnWhatIsNoPageOfTheArenaAndChangesNothing) {
  ASSERT_EQ(Allocate(), Ok(0x7000));
  Poke(0x7008, 0xCAFE);
  for (const std::uint32_t page : {0x7004u, 0x2000u, 0x8000u, 0xFFFFF000u, 0u}) EXPECT_EQ(Free(page), kPanic) << page;
  EXPECT_EQ(Word(0x7008), 0xCAFEu);
  EXPECT_THAT(List(), SizeIs(4));
  EXPECT_EQ(Free(0x7000, 0xFFFFF000), kPanic) << "behind the last page";
  EXPECT_THAT(List(), SizeIs(5));
}

TEST_F(UnguardedKallocTest, APageFreedTwiceIsHandedOutForEver) {
  ASSERT_EQ(Allocate(), Ok(0x7000));
  EXPECT_EQ(Free(0x7000), kFreed);
  EXPECT_EQ(Free(0x7000), kFreed);
  EXPECT_EQ(Word(0x7000), 0x7000u);
  EXPECT_THAT(allocator().CheckInvariants(), ElementsAre(Field(&Violation::invariant, "X2")));
  EXPECT_EQ(allocator().Shape().broken->address, 0x7000u);
  EXPECT_TRUE(pages_->CanTakeFrames(1000));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Allocate(), Ok(0x7000));
}

TEST_F(UnguardedKallocTest, AFreeOfAFreePageMakesACircle) {
  EXPECT_EQ(Free(0x5000), kFreed) << "never allocated";
  std::vector<std::uint32_t> given;
  for (int i = 0; i < 6; ++i) given.push_back(Allocate().address.raw());
  EXPECT_THAT(given, ElementsAre(0x5000u, 0x7000u, 0x6000u, 0x5000u, 0x7000u, 0x6000u)) << "the two lowest are lost";
}

TEST_F(UnguardedKallocTest, AWriteToAFreePageLeadsTheListAway) {
  Poke(0x7000, 0x1000);
  EXPECT_THAT(allocator().CheckInvariants(), ElementsAre(Field(&Violation::invariant, "X1")));
  EXPECT_EQ(allocator().Shape().broken->address, 0x1000u);
  Poke(0x7000, kJunkWord);
  EXPECT_EQ(allocator().Shape().broken->address, kJunkWord);
  EXPECT_THAT(allocator().CheckInvariants(), ElementsAre(Field(&Violation::what, HasSubstr("outside RAM"))));
  EXPECT_TRUE(pages_->CanTakeFrames(1));
  EXPECT_FALSE(pages_->CanTakeFrames(2));
  EXPECT_EQ(Allocate(), Ok(0x7000));
  EXPECT_EQ(Allocate(), (PageResult{Outcome::kMachineFault, PhysAddr(kJunkWord)}));
}

TEST(KallocOptionsTest, AnAlignedEndSkipsNoPage) {
  PhysicalMemory memory(8 * kPageBytes);
  const auto first = [&](std::uint32_t kernel_end) {
    return (*MakeKalloc(memory, {.kernel_end = kernel_end}))->allocator().arena().first.raw();
  };
  EXPECT_EQ(first(0x2000), 0x2000u);
  EXPECT_EQ(first(0x2001), 0x3000u);
  EXPECT_EQ(first(1), 0x1000u);
}

TEST(KallocOptionsTest, ThatDoNotFitAreRefused) {
  PhysicalMemory memory(8 * kPageBytes);
  const auto error = [&](const KallocOptions& options) { return std::string(MakeKalloc(memory, options).status().message()); };
  EXPECT_EQ(error({.kernel_end = 0}), "kernel_end 0x0: expected an address above 0, which is no page's");
  EXPECT_THAT(error({.kernel_end = 0x7001}), HasSubstr("would start at 0x8000"));
  EXPECT_THAT(error({.kernel_end = 0xFFFFFFFF}), HasSubstr("would start at 0x100000000"));
  EXPECT_EQ(error({.arena_pages = 8}), "arena_pages 8: expected at most the 7 pages from 0x1000 to the end of RAM");
  EXPECT_EQ(error({.arena_pages = 7}), "");
}

}  // namespace
}  // namespace alloclab
