// What is TLSF's own: classes and lists, words in memory, and what the original does, without assertions, when it is misused.
// The first block's address is 0xC0400C78; a request of 24 bytes takes a block of 28.
#include "allocators/heap/tlsf/tlsf_heap.h"

#include <cstdint>
#include <memory>

#include "allocators/heap/heap_range.h"
#include "allocators/heap/heap_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::StrEq;

constexpr std::uint32_t kFirst = 0xC0400C78, kStride = 28;  // of blocks for 24 bytes
constexpr VirtAddr kRows{0xC0400010}, kHeads{0xC0400074};

HeapMachine::Make MakeTlsf(std::uint32_t arena_bytes, bool guarded) {
  return [=](AddressSpace& space) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
    const absl::Status status = ReserveArena(space, arena_bytes, TlsfHeap::kArenaBytesMin);
    if (!status.ok()) return status;
    return std::make_unique<HeapGuard>(std::make_unique<TlsfHeap>(space, arena_bytes),
                                       guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
  };
}

class TlsfTest : public testing::Test {
 protected:
  explicit TlsfTest(std::uint32_t arena_bytes = 64 << 10, bool guarded = true)
      : machine_(MakeTlsf(arena_bytes, guarded), 128 << 20) {}

  TestedHeap& heap() { return machine_.heap(); }
  std::uint32_t Malloc(std::uint32_t bytes) {
    const HeapResult result = heap().Malloc(bytes);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    return result.address.raw();
  }
  void Free(std::uint32_t block) { EXPECT_EQ(heap().Free(VirtAddr(block)).outcome, Outcome::kOk); }
  std::uint32_t Word(std::uint32_t address) { return machine_.Word(VirtAddr(address)); }
  void Poke(std::uint32_t address, std::uint32_t word) { ASSERT_TRUE(machine_.space().StoreU32(VirtAddr(address), word)); }
  std::uint32_t Head(std::uint32_t row, std::uint32_t column) {
    return machine_.Word(kHeads + (row * 32 + column) * kWordBytes);
  }
  void ExpectBroken(const char* invariant) {
    EXPECT_THAT(heap().CheckInvariants(), Contains(Field(&Violation::invariant, StrEq(invariant))));
  }

  HeapMachine machine_;
};

class UnguardedTlsfTest : public TlsfTest {
 protected:
  explicit UnguardedTlsfTest(std::uint32_t arena_bytes = 64 << 10) : TlsfTest(arena_bytes, false) {}
  // Three blocks for 24 bytes, one behind the other.
  void MallocThree() {
    for (std::uint32_t* block : {&a_, &b_, &c_}) *block = Malloc(24);
    ASSERT_EQ(b_, a_ + kStride);
    ASSERT_EQ(c_, b_ + kStride);
  }
  std::uint32_t a_ = 0, b_ = 0, c_ = 0;
};

TEST_F(TlsfTest, AClassGivesWhatCameLast) {
  std::uint32_t blocks[7];
  for (std::uint32_t& block : blocks) block = Malloc(24);
  EXPECT_EQ(blocks[0], kFirst);
  for (const int freed : {1, 5, 3}) Free(blocks[freed]);
  EXPECT_EQ(Head(0, 6), blocks[3] - 8);
  EXPECT_EQ(Word(kRows.raw()) & 1, 1u);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
  for (const int given : {3, 5, 1}) EXPECT_EQ(Malloc(21), blocks[given]);
  EXPECT_EQ(Head(0, 6), kHeapStart.raw()) << "the null block";
  EXPECT_EQ(Word(kRows.raw()) & 1, 0u);
  EXPECT_EQ(heap().Counter("found_rows", "same"), 3u);
  EXPECT_EQ(heap().Counter("found_rows", "higher"), 7u);
  EXPECT_EQ(heap().Counter("splits"), 7u);
  EXPECT_EQ(heap().costs().search_steps, 0u) << "nothing is walked";
}

// 260 is in the class of 256 to 263; a request of 260 looks from 264 on.
TEST_F(TlsfTest, ABlockOfARequestsOwnClassIsPassedOver) {
  const std::uint32_t block = Malloc(260);
  Malloc(24);
  Free(block);
  EXPECT_EQ(Head(2, 0), block - 8);
  EXPECT_NE(Malloc(260), block);
  EXPECT_EQ(Malloc(256), block) << "what begins a class finds all of it";
}

// 36 bytes leave room for a block of 12 behind 20, 32 do not.
TEST_F(TlsfTest, IsCutFromSixteenBytesOn) {
  const std::uint32_t small = Malloc(32);
  Malloc(24);
  const std::uint32_t large = Malloc(36);
  Malloc(24);
  Free(small);
  Free(large);
  EXPECT_EQ(Malloc(20), small);
  EXPECT_EQ(Word(small - 4) & ~3u, 32u);
  EXPECT_EQ(Malloc(20), large);
  EXPECT_EQ(Word(large - 4) & ~3u, 20u);
  EXPECT_EQ(Malloc(12), large + 24);
}

TEST_F(TlsfTest, BrokenWordsAreNamed) {
  const std::uint32_t block = Malloc(24), behind = Malloc(24);
  Free(block);
  const std::uint32_t size = Word(behind - 4);
  Poke(behind - 4, size & ~2u);
  ExpectBroken("T3");
  Poke(behind - 4, size);
  Poke(block, 0xC0400C00);  // next_free
  ExpectBroken("T4");
  Poke(block, kHeapStart.raw());
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
  const std::uint32_t rows = Word(kRows.raw());
  Poke(kRows.raw(), rows ^ 1);
  ExpectBroken("T5");
  Poke(kRows.raw(), rows);
  Poke(behind - 4, 6);
  ExpectBroken("T1");
}

TEST(TlsfSizesTest, TheLeastArenaHasOneBlockOfTwelveBytes) {
  HeapMachine least(MakeTlsf(TlsfHeap::kArenaBytesMin, true));
  EXPECT_EQ(least.heap().Malloc(13).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(least.heap().Malloc(12).address, VirtAddr(kFirst));
  EXPECT_EQ(least.heap().Malloc(1).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(least.heap().Free(VirtAddr(kFirst)).outcome, Outcome::kOk);
  EXPECT_THAT(least.heap().CheckInvariants(), IsEmpty());
  PhysicalMemory memory(4 << 20);
  BudgetedFrames frames(memory.frame_count());
  const auto space = *AddressSpace::Create(memory, frames);
  EXPECT_EQ(MakeTlsf(TlsfHeap::kArenaBytesMin - 1, true)(*space).status().message(),
            "heap.arena_bytes: 3207; expected at least 3208 bytes and at most 1065353216");
  frames.set_budget(2);
  EXPECT_EQ(MakeTlsf(64 << 10, true)(*space).status().message(),
            "no page frames left for the heap's first and last page: give the machine more RAM");
}

TEST(TlsfSizesTest, BytesThatMakeNoWordAreLeftAtTheEnd) {
  HeapMachine machine(MakeTlsf(TlsfHeap::kArenaBytesMin + 19, true));
  EXPECT_EQ(machine.Draw(), "[.32]");
  EXPECT_EQ(machine.heap().Malloc(28).outcome, Outcome::kOk);
  EXPECT_THAT(machine.heap().CheckInvariants(), IsEmpty());
}

class DefaultTlsfTest : public TlsfTest {
 protected:
  DefaultTlsfTest() : TlsfTest(64 << 20) {}
};

TEST_F(DefaultTlsfTest, AboveTheLowerEndOfItsClassTheOneBlockCannotBeHad) {
  EXPECT_EQ(heap().Shape().largest_free_bytes, 67105668u + kWordBytes);
  EXPECT_EQ(heap().Malloc(66060289).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(Malloc(66060288), kFirst);
}

TEST_F(UnguardedTlsfTest, ASizeThatWrapsGivesTwelveBytes) {
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(Malloc(0xFFFFFFFD + i), kFirst + i * 16);
    EXPECT_EQ(Word(kFirst + i * 16 - 4), 12u);
  }
  EXPECT_EQ(heap().Malloc(0xFFFFFFFC).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(heap().Malloc(1u << 30).outcome, Outcome::kOutOfMemory);
}

TEST_F(UnguardedTlsfTest, ABlockFreedTwiceIsGivenForEver) {
  MallocThree();
  Free(b_);
  Free(b_);
  EXPECT_EQ(Word(b_), b_ - 8) << "next_free";
  EXPECT_EQ(Word(b_ + 4), b_ - 8) << "prev_free";
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Malloc(24), b_);
}

TEST_F(UnguardedTlsfTest, ABlockFreedAgainAfterItWasMergedTakesTheLiveOneBehind) {
  MallocThree();
  Free(a_);
  Free(b_);
  Free(b_);
  EXPECT_EQ(Malloc(24), a_);
  EXPECT_EQ(Malloc(24), b_);
  EXPECT_EQ(Malloc(24), c_) << "which is live";
}

TEST_F(UnguardedTlsfTest, AnInteriorPointerMakesAPartOfALiveBlockFree) {
  const std::uint32_t block = Malloc(64);
  Malloc(24);
  for (std::uint32_t word = 0; word < 64; word += 4) Poke(block + word, 0);
  Poke(block + 12, 16);
  Free(block + 16);
  EXPECT_EQ(Malloc(16), block + 16);
}

TEST_F(UnguardedTlsfTest, AnOverrunIsFollowedByTheNextFree) {
  MallocThree();
  Poke(a_ + 24, 0x40000000);  // one word behind a: the size word of b
  const HeapResult freed = heap().Free(VirtAddr(b_));
  EXPECT_EQ(freed.outcome, Outcome::kMachineFault);
  EXPECT_EQ(freed.address, VirtAddr(b_ - 4 + 0x40000000)) << "where the block behind b would be";
  ExpectBroken("T1");
}

}  // namespace
}  // namespace alloclab
