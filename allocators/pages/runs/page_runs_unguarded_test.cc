// Unguarded page runs do to simulated RAM what the original does on invalid and extreme input, and no more than that to us.
#include "allocators/pages/runs/page_runs.h"
#include "allocators/pages/runs/page_runs_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::uint32_t kPage = kPageBytes, kJunkWord = 0x01010101, kRamBytes = 0x10142000;
constexpr PhysAddr kFirst(0x10001000), kLast(0x10100000);  // pages of the arena

constexpr std::uint32_t Negative(std::uint32_t bytes) { return 0u - bytes; }
PageResult Ok(std::uint32_t address) { return {Outcome::kOk, PhysAddr(address)}; }
const PageResult kFreed{};
const PageResult kPanic{Outcome::kPanic, {}};

class UnguardedPageRuns : public ::testing::Test {
 protected:
  PageResult Allocate(std::uint32_t bytes) { return pages_->Allocate(bytes); }
  PageResult Free(PhysAddr first, std::uint32_t bytes) { return pages_->Free(first, bytes); }
  std::uint32_t Next(PhysAddr run) { return memory_.LoadU32(run).value_or(0xDEAD); }
  std::uint32_t Length(PhysAddr run) { return memory_.LoadU32(run + 4).value_or(0xDEAD); }
  // Ends with the arena allocated except its last page, which is the only run.
  void KeepOnlyTheLastPage() {
    ASSERT_EQ(Allocate(256 * kPage), Ok(kFirst.raw()));
    ASSERT_EQ(Free(kLast, kPage), kFreed);
  }

  PhysicalMemory memory_{kRamBytes};
  std::unique_ptr<TestedPages> pages_ =
      MakeOrDie(memory_, {.engine = Engine::kLiteral, .guarded = false, .kernel_end = 0x10000000, .arena_pages = 256});
};

TEST_F(UnguardedPageRuns, ValidUseIsAsGuarded) {
  EXPECT_EQ(Allocate(kPage), Ok(kLast.raw()));
  EXPECT_EQ(Free(kLast, kPage), kFreed);
  EXPECT_THAT(RunsOf(*pages_), ElementsAre(FreeRun{kFirst, 256 * kPage}));
  EXPECT_THAT(pages_->CheckInvariants(), IsEmpty());
}

TEST_F(UnguardedPageRuns, AllocatingNothingReturnsTheEndOfTheFirstRun) {
  EXPECT_EQ(Allocate(0), Ok(0x10101000));
  EXPECT_THAT(RunsOf(*pages_), ElementsAre(FreeRun{kFirst, 256 * kPage}));
  ASSERT_EQ(Allocate(256 * kPage).outcome, Outcome::kOk);
  EXPECT_EQ(Allocate(0), (PageResult{Outcome::kOutOfMemory, {}}));
}

TEST_F(UnguardedPageRuns, ANegativeAllocationGrowsTheRun) {
  EXPECT_EQ(Allocate(Negative(kPage)), Ok(0x10102000));
  EXPECT_EQ(Length(kFirst), 1052672u);
  EXPECT_THAT(pages_->CheckInvariants(), ElementsAre(Field(&Violation::address, kFirst.raw())));
  EXPECT_EQ(Allocate(kPage), Ok(0x10101000)) << "outside the arena";
}

TEST_F(UnguardedPageRuns, TheMostNegativeAllocationMakesTheLengthNegative) {
  EXPECT_EQ(Allocate(0x80000000), Ok(0x90101000));
  EXPECT_EQ(static_cast<std::int32_t>(Length(kFirst)), -2146435072);
  EXPECT_EQ(Allocate(kPage).outcome, Outcome::kFragmented) << "a run of negative length holds nothing";
  EXPECT_EQ(pages_->Shape().largest_free_bytes, 0u);
  EXPECT_TRUE(pages_->Shape().broken.has_value());
  EXPECT_FALSE(pages_->CanTakeFrames(1));
}

TEST_F(UnguardedPageRuns, AnUnalignedLengthPanicsFirst) {
  EXPECT_EQ(Allocate(100), kPanic);
  EXPECT_EQ(Free(kFirst, 4097), kPanic);
  EXPECT_EQ(Length(kFirst), 256 * kPage) << "before the fill";
  EXPECT_EQ(pages_->costs(), PageCosts{});
}

TEST_F(UnguardedPageRuns, FreeingNothingBesideARunIsSilent) {
  ASSERT_EQ(Allocate(kPage), Ok(kLast.raw()));
  EXPECT_EQ(Free(kLast, 0), kFreed);
  EXPECT_THAT(RunsOf(*pages_), ElementsAre(FreeRun{kFirst, 255 * kPage}));
}

TEST_F(UnguardedPageRuns, FreeingNothingElsewhereMakesAnEmptyRunInTheBlock) {
  ASSERT_EQ(Allocate(256 * kPage).outcome, Outcome::kOk);
  const PhysAddr block(0x10002000);
  EXPECT_EQ(Free(block, 0), kFreed);
  EXPECT_EQ(Next(block), 0u);
  EXPECT_EQ(Length(block), 0u);
  EXPECT_THAT(pages_->CheckInvariants(), ElementsAre(Field(&Violation::invariant, "P1")));
  // The block's owner writes to it.
  ASSERT_TRUE(memory_.Write(block, std::vector<std::uint8_t>(8, 0x50)));
  EXPECT_EQ(Allocate(kPage), Ok(0x60506050));
  EXPECT_EQ(Next(block), 0x50505050u);
}

TEST_F(UnguardedPageRuns, ANegativeFreeLosesAPageOfTheRunBelow) {
  ASSERT_EQ(Allocate(kPage), Ok(kLast.raw()));
  EXPECT_EQ(Free(kLast, Negative(kPage)), kFreed);
  EXPECT_THAT(RunsOf(*pages_), ElementsAre(FreeRun{kFirst, 254 * kPage}));
  EXPECT_EQ(Next(kLast), kJunkWord) << "fills nothing";
  EXPECT_EQ(pages_->Counter("filled_bytes"), 0u);
}

TEST_F(UnguardedPageRuns, AMisalignedRangeEntersTheList) {
  ASSERT_EQ(Allocate(2 * kPage), Ok(0x100FF000));
  const PhysAddr inside(0x100FF064);
  EXPECT_EQ(Free(inside, kPage), kFreed);
  EXPECT_THAT(RunsOf(*pages_), ElementsAre(FreeRun{kFirst, 254 * kPage}, FreeRun{inside, kPage}));
  EXPECT_EQ(Next(kFirst), inside.raw());
  EXPECT_THAT(pages_->CheckInvariants(), ElementsAre(Field(&Violation::address, inside.raw())));
}

TEST_F(UnguardedPageRuns, AMisalignedRangeIsFilledToTheByte) {
  ASSERT_EQ(Allocate(3 * kPage), Ok(0x100FE000));
  const std::vector<std::uint8_t> owner(3 * kPage, 0x77);
  ASSERT_TRUE(memory_.Write(PhysAddr(0x100FE000), owner));
  EXPECT_EQ(Free(PhysAddr(0x100FE064), 2 * kPage), kFreed);
  std::vector<std::uint8_t> expected = owner;
  std::fill_n(expected.begin() + 0x64, 2 * kPage, 0x01);
  std::fill_n(expected.begin() + 0x64, 4, 0x00);  // the header: next 0, length 0x2000
  expected[0x68] = 0x00, expected[0x69] = 0x20, expected[0x6A] = 0x00, expected[0x6B] = 0x00;
  EXPECT_TRUE(Dump(memory_, PhysAddr(0x100FE000), 3 * kPage) == expected);
}

TEST_F(UnguardedPageRuns, ADoubleFreePanicsAfterTheFill) {
  KeepOnlyTheLastPage();
  EXPECT_EQ(Free(kLast, kPage), kPanic);
  EXPECT_EQ(Next(kLast), kJunkWord);
  EXPECT_EQ(Length(kLast), kJunkWord);
  const std::vector<Violation> violations = pages_->CheckInvariants();
  ASSERT_THAT(violations, Not(IsEmpty()));
  EXPECT_EQ(violations[0].address, kLast.raw());
  EXPECT_EQ(Allocate(1044480), Ok(0x11011101)) << "if the panic is caught";
}

TEST_F(UnguardedPageRuns, AFreeOverTheNextRunDestroysItsHeader) {
  ASSERT_EQ(Allocate(kPage), Ok(0x10100000));
  ASSERT_EQ(Allocate(3 * kPage), Ok(0x100FD000));
  ASSERT_EQ(Free(PhysAddr(0x100FF000), kPage), kFreed);
  EXPECT_EQ(Free(PhysAddr(0x100FD000), 3 * kPage), kFreed) << "not noticed";
  EXPECT_EQ(Length(kFirst), 1044480u);
  EXPECT_EQ(Next(kFirst), 0x100FF000u);
  EXPECT_EQ(Next(PhysAddr(0x100FF000)), kJunkWord);
  EXPECT_EQ(Length(PhysAddr(0x100FF000)), 16843009u);
  const std::vector<Violation> violations = pages_->CheckInvariants();
  ASSERT_THAT(violations, Not(IsEmpty()));
  EXPECT_EQ(violations[0].address, 0x100FF000u) << violations[0].what;
  EXPECT_EQ(Allocate(1048576), Ok(0x1100F101)) << "misaligned, and beyond the arena";
}

TEST(UnguardedPageRunsInLittleRam, AWalkOutOfRamFaults) {
  PhysicalMemory memory(1 << 20);
  const auto pages = MakeOrDie(memory, {.engine = Engine::kLiteral, .guarded = false, .kernel_end = 0, .arena_pages = 16});
  ASSERT_EQ(pages->Allocate(16 * kPage).outcome, Outcome::kOk);
  ASSERT_EQ(pages->Free(PhysAddr(0x4000), kPage), kFreed);
  ASSERT_EQ(pages->Free(PhysAddr(0x4000), kPage), kPanic);
  const PageCosts before = pages->costs();
  EXPECT_EQ(pages->Allocate(0x10000000), (PageResult{Outcome::kMachineFault, PhysAddr(0x01010105)}))
      << "the junk in `next` is followed, and the length behind it read";
  EXPECT_EQ(pages->costs().search_steps, before.search_steps + 2);
  EXPECT_EQ(pages->TakeFrame(), FrameOf(PhysAddr(0x01013101))) << "the junk in `length` is enough for it";
  EXPECT_THAT(pages->CheckInvariants(), testing::Contains(Field(&Violation::what, HasSubstr("outside RAM"))));
  EXPECT_THAT(RunsOf(*pages), SizeIs(1)) << "a visit ends where RAM ends";
}

TEST_F(UnguardedPageRuns, AnyPartOfABlockMayBeFreed) {
  ASSERT_EQ(Allocate(3 * kPage), Ok(0x100FE000));
  EXPECT_EQ(Free(PhysAddr(0x100FF000), kPage), kFreed);
  EXPECT_THAT(RunsOf(*pages_), ElementsAre(FreeRun{kFirst, 253 * kPage}, FreeRun{PhysAddr(0x100FF000), kPage}));
}

TEST_F(UnguardedPageRuns, AFreeThatBeginsInTheRunBelowPanicsAfterTheFill) {
  ASSERT_EQ(Allocate(kPage), Ok(kLast.raw()));
  ASSERT_TRUE(memory_.StoreU32(kLast + 8, 0xCAFE));
  EXPECT_EQ(Free(kLast - kPage, 2 * kPage), kPanic);
  EXPECT_EQ(Next(kLast + 8), kJunkWord);
  EXPECT_THAT(RunsOf(*pages_), ElementsAre(FreeRun{kFirst, 255 * kPage}));
}

TEST_F(UnguardedPageRuns, APageOutsideTheArenaIsAccepted) {
  EXPECT_EQ(Free(PhysAddr(0x5000), kPage), kFreed);
  EXPECT_THAT(RunsOf(*pages_), ElementsAre(FreeRun{PhysAddr(0x5000), kPage}, FreeRun{kFirst, 256 * kPage}));
  const std::vector<Violation> violations = pages_->CheckInvariants();
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_EQ(violations[0].address, 0x5000u);
  EXPECT_EQ(Allocate(kPage), Ok(0x5000));
}

TEST_F(UnguardedPageRuns, AHugeFreeFillsToTheEndOfRamAndFaults) {
  ASSERT_EQ(Allocate(kPage), Ok(kLast.raw()));
  EXPECT_EQ(Free(kLast, 0x7FFFF000), (PageResult{Outcome::kMachineFault, PhysAddr(kRamBytes)}));
  EXPECT_EQ(Next(PhysAddr(kRamBytes - 4)), kJunkWord);
  EXPECT_EQ(pages_->Counter("filled_bytes"), kRamBytes - kLast.raw());
  EXPECT_THAT(RunsOf(*pages_), ElementsAre(FreeRun{kFirst, 255 * kPage})) << "the list was not reached";
  EXPECT_EQ(Free(PhysAddr(0xFFFFF000), kPage), (PageResult{Outcome::kMachineFault, PhysAddr(0xFFFFF000)}));
}

TEST_F(UnguardedPageRuns, AWordAcrossTheEndOfRamFaultsAtItsFirstByteOutside) {
  EXPECT_EQ(Free(PhysAddr(kRamBytes - 2), 0), (PageResult{Outcome::kMachineFault, PhysAddr(kRamBytes + 2)}))
      << "the length is written first";
  ASSERT_TRUE(memory_.StoreU32(kFirst, kRamBytes - 6));
  EXPECT_EQ(Allocate(0x1000000), (PageResult{Outcome::kMachineFault, PhysAddr(kRamBytes)}));
}

TEST_F(UnguardedPageRuns, InitialisingTwicePanics) {
  EXPECT_EQ(Free(kFirst, 256 * kPage), kPanic);
  EXPECT_EQ(Length(kFirst), kJunkWord);
}

TEST_F(UnguardedPageRuns, MoreThanTheLargestRunIsOutOfMemory) {
  EXPECT_EQ(Allocate(257 * kPage), (PageResult{Outcome::kOutOfMemory, {}}));
  EXPECT_EQ(Allocate(0x7FFFF000), (PageResult{Outcome::kOutOfMemory, {}}));
}

TEST_F(UnguardedPageRuns, AListThatRunsInACircleHangs) {
  KeepOnlyTheLastPage();
  ASSERT_EQ(Free(kFirst, kPage), kFreed);
  ASSERT_EQ(Next(kFirst), kLast.raw());
  ASSERT_TRUE(memory_.StoreU32(kLast, kFirst.raw()));
  EXPECT_EQ(Allocate(2 * kPage).outcome, Outcome::kMachineHang);
  EXPECT_EQ(Free(PhysAddr(0x10120000), kPage).outcome, Outcome::kMachineHang);
  EXPECT_THAT(pages_->CheckInvariants(), testing::Contains(Field(&Violation::what, HasSubstr("does not end"))));
  EXPECT_EQ(Allocate(kPage), Ok(kFirst.raw())) << "a fit before the circle closes";
}

TEST_F(UnguardedPageRuns, ARunThatFollowsItselfHangs) {
  KeepOnlyTheLastPage();
  ASSERT_TRUE(memory_.StoreU32(kLast, kLast.raw()));
  EXPECT_EQ(Allocate(2 * kPage), (PageResult{Outcome::kMachineHang, kLast}));
  EXPECT_EQ(pages_->Shape().free_blocks, 1u);
  ASSERT_TRUE(pages_->Shape().broken.has_value());
  EXPECT_EQ(pages_->Shape().broken->address, kLast.raw());
}

TEST(UnguardedPageRunsAtTheTop, TheFillWrapsAtFourGiB) {
  PhysicalMemory memory(PhysicalMemory::kBytesMax);
  const auto pages =
      MakeOrDie(memory, {.engine = Engine::kLiteral, .guarded = false, .kernel_end = 0xFFFEF000, .arena_pages = 16});
  ASSERT_EQ(pages->Allocate(16 * kPage), Ok(0xFFFF0000));
  EXPECT_EQ(pages->Free(PhysAddr(0xFFFFF000), 2 * kPage), kFreed);
  EXPECT_EQ(memory.LoadU32(PhysAddr(0xFFFFFFFC)), kJunkWord);
  EXPECT_EQ(memory.LoadU32(PhysAddr(0)), kJunkWord);
  EXPECT_EQ(memory.LoadU32(PhysAddr(kPage)), 0u);
}

TEST(UnguardedPageRunsOptions, NeedTheLiteralEngineAndLessThanTwoGiB) {
  PhysicalMemory memory(PhysicalMemory::kBytesMax);
  const auto error = [&](Engine engine, std::uint32_t arena_pages) {
    return MakePageRuns(memory, {.engine = engine, .guarded = false, .arena_pages = arena_pages}).status();
  };
  EXPECT_THAT(std::string(error(Engine::kIndexed, 16).message()), HasSubstr("need the engine literal"));
  const absl::Status large = error(Engine::kLiteral, 1 << 19);
  EXPECT_EQ(large.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(large.message()), HasSubstr("less than 524288 pages, not 524288"));
  EXPECT_FALSE(error(Engine::kLiteral, 0).ok());
  EXPECT_TRUE(error(Engine::kLiteral, (1 << 19) - 1).ok());
}

}  // namespace
}  // namespace alloclab
