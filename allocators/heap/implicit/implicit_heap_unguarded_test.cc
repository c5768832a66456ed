// What the original does on invalid or extreme input, observed by running it at 32 bit: the unguarded heap does the same to
// its simulated RAM. A fresh heap has one free chunk of 4096 bytes at 0xC0400004.
#include <cstdint>
#include <string>
#include <vector>

#include "allocators/heap/heap_testing.h"
#include "allocators/heap/implicit/boundary_tag.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

class UnguardedTest : public testing::Test {
 protected:
  explicit UnguardedTest(bool assertions = true) : machine_(Unguarded(assertions), 128 << 20) {}

  TestedHeap& heap() { return machine_.heap(); }
  std::uint32_t Malloc(std::uint32_t bytes) {
    const HeapResult result = heap().Malloc(bytes);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    return result.address.raw();
  }
  void Free(std::uint32_t block) { EXPECT_EQ(heap().Free(VirtAddr(block)).outcome, Outcome::kOk); }
  void ExpectFault(const HeapResult& result, std::uint32_t address) {
    EXPECT_EQ(result.outcome, Outcome::kMachineFault);
    EXPECT_EQ(result.address, VirtAddr(address));
  }
  void ExpectAssertion(std::uint32_t block) {
    const HeapResult result = heap().Free(VirtAddr(block));
    EXPECT_EQ(result.outcome, Outcome::kAssertionFailed);
    EXPECT_EQ(result.address, VirtAddr(block));
  }
  std::uint32_t Word(std::uint32_t address) { return machine_.Word(VirtAddr(address)); }
  void Poke(std::uint32_t address, std::uint32_t value) { ASSERT_TRUE(machine_.space().StoreU32(VirtAddr(address), value)); }
  std::uint32_t FirstBroken() {
    const std::vector<Violation> found = heap().CheckInvariants();
    return found.empty() ? 0 : found.front().address;
  }

  HeapMachine machine_;
};

class UnguardedReleaseTest : public UnguardedTest {
 protected:
  UnguardedReleaseTest() : UnguardedTest(false) {}
};

TEST_F(UnguardedTest, OutOfMemoryReadsMinusOneAndLosesFourBytesOfBreak) {
  for (const std::uint32_t brk : {0xC0401000u, 0xC0400FFCu, 0xC0400FF8u}) {
    ExpectFault(heap().Malloc(0x10000000), 0xFFFFFFFF);
    EXPECT_EQ(heap().brk(), VirtAddr(brk));
  }
  EXPECT_THAT(heap().CheckInvariants(), Not(IsEmpty()));
  // The last chunk still ends at the old break: the next growth lands inside it.
  EXPECT_EQ(Malloc(4000), 0xC0400008u);
  EXPECT_LT(Malloc(4000), 0xC0401004u);
}

TEST_F(UnguardedTest, FourthOfFourQuartersRunsOut) {
  for (int i = 0; i < 3; ++i) Malloc(64 << 20);
  ExpectFault(heap().Malloc(64 << 20), 0xFFFFFFFF);
}

TEST_F(UnguardedTest, LastWordBelowTheLimitIsUnusable) {
  EXPECT_EQ(Malloc(268431344), 0xC0400008u);
  EXPECT_EQ(heap().brk(), VirtAddr(0xD03FFFF8));
}

TEST_F(UnguardedTest, OneWordMoreThanTheLimitFaults) { ExpectFault(heap().Malloc(268431348), 0xFFFFFFFF); }

TEST_F(UnguardedTest, SizeThatWrapsToAHeaderGivesAPointerToTheNextHeader) {
  for (const std::uint32_t bytes : {0xFFFFFFFDu, 0xFFFFFFFEu, 0xFFFFFFFFu}) {
    HeapMachine machine(Unguarded());
    EXPECT_EQ(machine.heap().Malloc(bytes).address, VirtAddr(0xC0400008));
    EXPECT_EQ(machine.Draw(), "[A4][.4092]");
    EXPECT_EQ(machine.heap().Free(VirtAddr(0xC0400008)).outcome, Outcome::kAssertionFailed) << "free(): invalid size";
  }
}

TEST_F(UnguardedTest, SizeThatWrapsToZeroLeavesTheChunkFree) {
  for (const std::uint32_t bytes : {0xFFFFFFF9u, 0xFFFFFFFAu, 0xFFFFFFFBu, 0xFFFFFFFCu}) {
    HeapMachine machine(Unguarded());
    EXPECT_EQ(machine.heap().Malloc(bytes).address, VirtAddr(0xC0400008));
    EXPECT_EQ(machine.Draw(), "[.4096]");
    EXPECT_EQ(machine.heap().Malloc(100).address, VirtAddr(0xC0400008)) << "two owners";
  }
}

TEST_F(UnguardedTest, SizeThatWrapsSbrkToZeroReturnsAPointerBehindTheHeap) {
  EXPECT_EQ(Malloc(0xFFFFFFF8), 0xC0401008u);
  EXPECT_EQ(heap().brk(), VirtAddr(0xC0401000));
}

TEST_F(UnguardedTest, SizeThatWrapsSbrkToZeroOnAFullHeap) {
  EXPECT_EQ(Malloc(4092), 0xC0400008u);
  EXPECT_EQ(Malloc(0xFFFFFFF5), 0xC0401008u);
  EXPECT_EQ(Malloc(16), 0xC0401004u) << "inside the chunk before";
  EXPECT_THAT(heap().CheckInvariants(), Not(IsEmpty()));
}

TEST_F(UnguardedTest, SizesThatWrapTheBreakRunOut) {
  ExpectFault(heap().Malloc(0xFFFFFFF0), 0xFFFFFFFF);
  ExpectFault(heap().Malloc(0xFFFFFFF4), 0xFFFFFFFF);
}

TEST_F(UnguardedTest, CallocMissesProductsThatWrapToSomethingLarger) {
  struct Case {
    std::uint32_t count, bytes, product;
  };
  for (const Case& c : {Case{0x10001, 0x10001, 131073}, Case{0x8001, 0x20001, 163841}, Case{0x11111, 0xF0F1, 16843009},
                        Case{0xFE98, 0x1016B, 65928}}) {
    HeapMachine machine(Unguarded(), 128 << 20);
    const HeapResult result = machine.heap().Calloc(c.count, c.bytes);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    EXPECT_EQ(machine.heap().costs().zeroed_bytes, c.product);
    EXPECT_EQ(result.address, VirtAddr(0xC0400008));
    EXPECT_EQ(machine.Word(result.address), 0u);
  }
}

TEST_F(UnguardedTest, CallocNoticesProductsThatWrapToSomethingSmaller) {
  EXPECT_EQ(heap().Calloc(3, 0x60000000).outcome, Outcome::kSizeOverflow);
  EXPECT_EQ(heap().Calloc(0x10000, 0x10000).outcome, Outcome::kSizeOverflow);
  EXPECT_EQ(heap().Calloc(0, 8).outcome, Outcome::kZeroSize);
  EXPECT_EQ(heap().Calloc(8, 0).outcome, Outcome::kZeroSize);
}

TEST_F(UnguardedTest, DoubleFreeIsIdempotentWhileNothingAroundChanged) {
  Malloc(24);
  const std::uint32_t b = Malloc(24);
  Malloc(24);
  Free(b);
  const std::vector<std::uint32_t> words = machine_.Words();
  Free(b);
  EXPECT_EQ(machine_.Words(), words);
}

TEST_F(UnguardedTest, DoubleFreeWithAStaleFooterFreesALiveBlock) {
  const std::uint32_t a = Malloc(24), b = Malloc(24);
  Malloc(24);
  Free(a);
  Free(b);
  const std::uint32_t s = Malloc(8);
  Free(b);
  EXPECT_EQ(Malloc(8), s) << "two owners";
}

TEST_F(UnguardedTest, DoubleFreeOfABlockGivenOutAgain) {
  const std::uint32_t a = Malloc(24);
  Malloc(24);
  Free(a);
  EXPECT_EQ(Malloc(24), a);
  Free(a);
  EXPECT_EQ(Malloc(24), a) << "two owners";
}

TEST_F(UnguardedTest, InteriorPointerBehindAPlausibleWordWritesIntoTheBlock) {
  const std::uint32_t a = Malloc(24);
  Malloc(24);
  Poke(a + 4, 0x21);
  Free(a + 8);
  EXPECT_EQ(Word(a + 4), 0x20u) << "header";
  EXPECT_EQ(Word(a + 4 + 0x20 - 4), 0x20u) << "footer";
  EXPECT_EQ(Word(a + 4 + 0x20) & tag::kPreviousFree, tag::kPreviousFree);
}

TEST_F(UnguardedTest, InteriorPointerBehindAZeroFailsTheAssertion) {
  const std::uint32_t a = Malloc(24);
  Poke(a + 4, 0);
  ExpectAssertion(a + 8);
}

TEST_F(UnguardedReleaseTest, InteriorPointerBehindAZeroWritesInSilence) {
  const std::uint32_t a = Malloc(24);
  Poke(a, 0x55555555);
  Poke(a + 4, 0);
  Free(a + 8);
  EXPECT_EQ(Word(a), 0u) << "the footer of a chunk of 0 bytes lies in front of its header";
  EXPECT_EQ(Word(a + 4), 0u);
  EXPECT_EQ(heap().Counter("merges", "both"), 1u) << "it is its own free neighbour";
}

TEST_F(UnguardedTest, ForeignPointerIsTakenAtItsWord) {
  // An array of another program: a page of the heap's range that no chunk uses.
  machine_.space().PromisePages(VirtAddr(0xC1000000), 1);
  Poke(0xC1000000, 0x41);
  Poke(0xC1000040, 0x11);
  Free(0xC1000004);
  EXPECT_EQ(Word(0xC1000000), 0x40u);
  EXPECT_EQ(Word(0xC1000000 + 15 * 4), 0x40u);
  EXPECT_EQ(Word(0xC1000000 + 16 * 4), 0x13u);
}

TEST_F(UnguardedTest, PrologueFailsTheAssertion) { ExpectAssertion(0xC0400004); }

TEST_F(UnguardedTest, AddressFourReadsAddressZeroBeforeAnyCheck) { ExpectFault(heap().Free(VirtAddr(4)), 0); }

TEST_F(UnguardedTest, ForeignUnmappedPointerFaultsAtItsHeader) { ExpectFault(heap().Free(VirtAddr(0x08048000)), 0x08047FFC); }

TEST_F(UnguardedTest, OverrunOfTheNextHeaderIsCaughtByTheAssertion) {
  const std::uint32_t a = Malloc(24), b = Malloc(24);
  Poke(a + 24, 0xFFFFFFFF);
  EXPECT_EQ(FirstBroken(), a + 24);
  ExpectAssertion(b);
}

TEST_F(UnguardedReleaseTest, OverrunOfTheNextHeaderIsSilentInARelease) {
  const std::uint32_t a = Malloc(24), b = Malloc(24);
  Poke(a + 24, 0xFFFFFFFF);
  Free(b);
  EXPECT_THAT(heap().CheckInvariants(), Not(IsEmpty()));
}

TEST_F(UnguardedTest, GrowthIgnoresTheFreeTail) {
  EXPECT_EQ(Malloc(4096), 0xC0400008u);
  EXPECT_EQ(heap().Counter("grown_bytes"), 4100u);
}

TEST_F(UnguardedTest, GrowthIgnoresTheFreeTailAgainAndAgain) {
  for (std::uint32_t i = 1; i <= 64; ++i) Free(Malloc(4096 * i));
  EXPECT_EQ(heap().brk() - VirtAddr(0xC0400000), 389148u);
}

TEST_F(UnguardedTest, PayloadsAreAlignedToFour) {
  EXPECT_EQ(Malloc(1), 0xC0400008u);
  EXPECT_EQ(Malloc(4), 0xC0400010u);
  EXPECT_EQ(Malloc(5), 0xC0400018u);
}

TEST_F(UnguardedTest, FourByteRemainderIsSplitOff) {
  const std::uint32_t a = Malloc(16);
  Malloc(16);
  Free(a);
  EXPECT_EQ(Malloc(12), a);
  EXPECT_EQ(Word(a + 12), 4u) << "header and footer in one";
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

TEST_F(UnguardedReleaseTest, ReleaseBuildFreesAHeaderWithoutPayload) {
  Malloc(0xFFFFFFFF);
  Free(0xC0400008);
  EXPECT_EQ(machine_.Draw(), "[.4096]");
}

TEST_F(UnguardedTest, FailedAssertionLeavesTheMutexLocked) {
  const std::uint32_t a = Malloc(24);
  ExpectAssertion(0xC0400004);
  EXPECT_EQ(heap().Malloc(24).outcome, Outcome::kMachineHang);
  EXPECT_EQ(heap().Calloc(2, 12).outcome, Outcome::kMachineHang);
  EXPECT_EQ(heap().Realloc(VirtAddr(a), 12).outcome, Outcome::kMachineHang);
  EXPECT_EQ(heap().Free(VirtAddr(a)).outcome, Outcome::kMachineHang);
  EXPECT_EQ(heap().Free(VirtAddr{}).outcome, Outcome::kOk) << "returns before it asks for the mutex";
}

TEST_F(UnguardedTest, WalkOverAChunkOfNoSizeNeverEnds) {
  const std::uint32_t a = Malloc(24);
  Malloc(24);
  Poke(a + 24, 0);
  const HeapResult result = heap().Malloc(24);
  EXPECT_EQ(result.outcome, Outcome::kMachineHang);
  EXPECT_EQ(result.address, VirtAddr(a + 24));
  EXPECT_EQ(FirstBroken(), a + 24);
}

TEST_F(UnguardedTest, WalkThatGoesBackwardsNeverEnds) {
  const std::uint32_t a = Malloc(24);
  Malloc(24);
  Poke(a + 24, (0u - 28) | tag::kAllocated);
  EXPECT_EQ(heap().Malloc(24).outcome, Outcome::kMachineHang);
}

TEST_F(UnguardedTest, NoFrameLeftIsAFaultInTheMiddleOfTheWork) {
  machine_.frames().set_budget(0);
  ExpectFault(heap().Malloc(100'000), 0xC0401004 + 100'004 - 4);
  EXPECT_EQ(heap().brk(), VirtAddr(0xC0401004 + 100'004)) << "moved before the first word was written";
  EXPECT_EQ(FirstBroken(), 0xC0401004u) << "neither merged nor ended";
}

TEST_F(UnguardedTest, CallocThatCannotGetItsFramesStopsHalfway) {
  machine_.frames().set_budget(3);
  const HeapResult result = heap().Calloc(1, 100'000);
  EXPECT_EQ(result.outcome, Outcome::kMachineFault);
  EXPECT_EQ(result.address.raw() % 4096, 0u);
}

TEST_F(UnguardedTest, ReallocOfAWildPointerFaultsAfterTheNewBlockWasMade) {
  ExpectFault(heap().Realloc(VirtAddr(0x1000), 24), 0xFFC);
  EXPECT_EQ(machine_.Draw(), "[A28][.4068]");
}

TEST_F(UnguardedTest, ReallocCopiesAndFrees) {
  const std::uint32_t a = Malloc(24);
  Malloc(24);
  Poke(a, 0x12345678);
  const HeapResult result = heap().Realloc(VirtAddr(a), 40);
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(Word(result.address.raw()), 0x12345678u);
  EXPECT_EQ(machine_.Draw(), "[.28][A28][A44][.3996]");
}

}  // namespace
}  // namespace alloclab
