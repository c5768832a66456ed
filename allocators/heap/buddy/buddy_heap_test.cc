// What is a buddy system's own: how blocks are split and joined, words in memory, and what misuse does. Addresses are offsets
// from the heap's start; a block's payload begins 4 bytes behind it.
#include "allocators/heap/buddy/buddy_heap.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

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
using Kind = BuddyHeap::Kind;

constexpr std::uint32_t kAvailable = 64, kRight = 128, kMemory = 256;

HeapMachine::Make MakeBuddy(Kind kind, std::uint32_t arena_bytes, bool guarded) {
  return [=](AddressSpace& space) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
    const absl::Status status = BuddyHeap::Reserve(space, kind, arena_bytes);
    if (!status.ok()) return status;
    return std::make_unique<HeapGuard>(std::make_unique<BuddyHeap>(space, kind, arena_bytes),
                                       guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
  };
}

class BuddyTest : public testing::Test {
 protected:
  explicit BuddyTest(Kind kind = Kind::kBinary, std::uint32_t arena_bytes = 256, bool guarded = true)
      : machine_(MakeBuddy(kind, arena_bytes, guarded)) {}

  TestedHeap& heap() { return machine_.heap(); }
  std::uint32_t Malloc(std::uint32_t bytes) {
    const HeapResult result = heap().Malloc(bytes);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    return result.address - kHeapStart;
  }
  void Free(std::uint32_t block) { EXPECT_EQ(heap().Free(kHeapStart + block).outcome, Outcome::kOk); }
  std::uint32_t Word(std::uint32_t offset) { return machine_.Word(kHeapStart + offset); }
  void Poke(std::uint32_t offset, std::uint32_t word) { ASSERT_TRUE(machine_.space().StoreU32(kHeapStart + offset, word)); }
  void ExpectBroken(const char* invariant) {
    EXPECT_THAT(heap().CheckInvariants(), Contains(Field(&Violation::invariant, StrEq(invariant))));
  }

  HeapMachine machine_;
};

class FibonacciTest : public BuddyTest {
 protected:
  explicit FibonacciTest(std::uint32_t arena_bytes = 168) : BuddyTest(Kind::kFibonacci, arena_bytes) {}
};

class UnguardedBuddyTest : public BuddyTest {
 protected:
  UnguardedBuddyTest() : BuddyTest(Kind::kBinary, 256, false) {}
};

TEST_F(BuddyTest, ARequestHalvesDownToItsSize) {
  EXPECT_EQ(machine_.Draw(), "[.256]");
  EXPECT_EQ(Malloc(12), 4u);
  EXPECT_EQ(machine_.Draw(), "[A16][.16][.32][.64][.128]");
  EXPECT_EQ(heap().Counter("pairs_split"), 4u);
  EXPECT_EQ(heap().Counter("splits"), 1u);
  EXPECT_EQ(heap().costs().search_steps, 5u) << "heads 0 to 4";
  EXPECT_EQ(Malloc(13), 32u + 4) << "17 bytes take 32";
  EXPECT_EQ(Malloc(60), 64u + 4);
  EXPECT_EQ(machine_.Draw(), "[A16][.16][A32][A64][.128]");
  EXPECT_EQ(heap().Malloc(125).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(Malloc(124), 128u + 4);
  EXPECT_EQ(heap().Malloc(13).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(Malloc(1), 16u + 4);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

TEST_F(BuddyTest, AFreeJoinsBuddiesAndNoOtherNeighbours) {
  const std::uint32_t a = Malloc(12), b = Malloc(12), c = Malloc(28), d = Malloc(60);
  Free(b);
  Free(c);
  EXPECT_EQ(machine_.Draw(), "[A16][.16][.32][A64][.128]");
  EXPECT_EQ(heap().Counter("pairs_joined"), 0u);
  Free(a);
  EXPECT_EQ(machine_.Draw(), "[.64][A64][.128]");
  EXPECT_EQ(heap().Counter("pairs_joined"), 2u);
  EXPECT_EQ(heap().Counter("merges", "above"), 1u);
  Free(d);
  EXPECT_EQ(machine_.Draw(), "[.256]");
  EXPECT_EQ(heap().Counter("merges", "both"), 1u);
  EXPECT_EQ(Word(0), 4 + kAvailable);
  EXPECT_EQ(Word(4), 5u) << "linkf: head 4";
  EXPECT_EQ(Word(8), 5u);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

TEST_F(BuddyTest, AnOrderGivesWhatCameLast) {
  std::uint32_t blocks[4];
  for (std::uint32_t& block : blocks) block = Malloc(12);
  Free(blocks[0]);
  Free(blocks[2]);
  EXPECT_EQ(Word(32 + 4), kHeapStart.raw()) << "linkf of the block at 32";
  EXPECT_EQ(Word(8), kHeapStart.raw() + 32) << "linkb of the block at 0";
  EXPECT_EQ(Malloc(12), blocks[2]);
  EXPECT_EQ(Malloc(12), blocks[0]);
}

TEST_F(BuddyTest, BrokenWordsAreNamed) {
  Malloc(12);
  const std::uint32_t b = Malloc(12);
  Free(b);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
  Poke(0, 9);
  ExpectBroken("D1");
  Poke(0, kRight);
  ExpectBroken("D2");
  Poke(0, kAvailable);
  ExpectBroken("D3");
  ExpectBroken("D4");
  Poke(0, 0);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
  Poke(16 + 8, 7);
  ExpectBroken("D4");
}

TEST_F(FibonacciTest, ARequestIsCutFromTheSmallerPart) {
  EXPECT_EQ(machine_.Draw(), "[.168]");
  EXPECT_EQ(Malloc(12), 128u + 4);
  EXPECT_EQ(machine_.Draw(), "[.104][.24][A16][.24]") << "168 is 104 and 64, 64 is 40 and 24, 40 is 24 and 16";
  EXPECT_EQ(Word(0), 4 + kAvailable);
  EXPECT_EQ(Word(104), 1 + kAvailable);
  EXPECT_EQ(Word(128), kRight + kMemory);
  EXPECT_EQ(Word(144), 1 + kAvailable + kRight);
  EXPECT_EQ(Malloc(12), 104u + 4) << "order 1 is not split";
  EXPECT_EQ(Malloc(100), 4u);
  EXPECT_EQ(heap().Malloc(21).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(Malloc(20), 144u + 4);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

TEST_F(FibonacciTest, BitsLeadBackToThePiece) {
  const std::uint32_t block = Malloc(12);
  Free(block);
  EXPECT_EQ(machine_.Draw(), "[.168]");
  EXPECT_EQ(Word(0), 5 + kAvailable);
  EXPECT_EQ(heap().Counter("pairs_joined"), 3u);
  EXPECT_EQ(heap().Counter("merges", "both"), 1u);
  const std::uint32_t small = Malloc(12), large = Malloc(100), medium = Malloc(20);
  Free(medium);
  Free(large);
  EXPECT_EQ(machine_.Draw(), "[.104][.24][A16][.24]");
  Poke(144, 1 + kAvailable);
  ExpectBroken("D2");
  Poke(144, 1 + kAvailable + kRight);
  Free(small);
  EXPECT_EQ(machine_.Draw(), "[.168]");
}

TEST(BuddySizesTest, AnArenaFallsIntoPieces) {
  HeapMachine binary(MakeBuddy(Kind::kBinary, 341, true));
  EXPECT_EQ(binary.Draw(), "[.256][.64][.16]");
  EXPECT_EQ(binary.heap().Malloc(12).address, kHeapStart + 320 + 4);
  EXPECT_EQ(binary.heap().Malloc(60).address, kHeapStart + 256 + 4);
  EXPECT_EQ(binary.heap().Malloc(60).address, kHeapStart + 4);
  EXPECT_EQ(binary.heap().brk(), kHeapStart + 341);
  for (const std::uint32_t block : {320u, 256u, 0u})
    EXPECT_EQ(binary.heap().Free(kHeapStart + block + 4).outcome, Outcome::kOk);
  EXPECT_EQ(binary.Draw(), "[.256][.64][.16]") << "pieces have no buddies";
  EXPECT_THAT(binary.heap().CheckInvariants(), IsEmpty());
  HeapMachine fibonacci(MakeBuddy(Kind::kFibonacci, 256, true));
  EXPECT_EQ(fibonacci.Draw(), "[.168][.64][.24]");
  HeapMachine least(MakeBuddy(Kind::kFibonacci, 16, true));
  EXPECT_EQ(least.Draw(), "[.16]");
}

TEST(BuddySizesTest, WhatCannotBeMadeIsNamed) {
  PhysicalMemory memory(4 << 20);
  BudgetedFrames frames(memory.frame_count());
  const auto space = *AddressSpace::Create(memory, frames);
  EXPECT_EQ(BuddyHeap::Reserve(*space, Kind::kBinary, 15).message(),
            "heap.arena_bytes: 15; expected at least 16 bytes and at most 1065353216");
  EXPECT_EQ(BuddyHeapInfo().parameters.back().canonical("ternary").status().message(),
            "\"ternary\"; expected binary or fibonacci");
  frames.set_budget(4);
  EXPECT_EQ(BuddyHeap::Reserve(*space, Kind::kBinary, 3 << 20).message(),
            "no page frames left for the heap's first words, in up to 4 pages: give the machine more RAM");
}

// A request of a large piece writes to a page for each time it is split.
TEST(BuddySizesTest, ARequestThatRunsOutOfFramesOnItsWayDownIsUndone) {
  for (const auto& [kind, arena_bytes] : {std::pair(Kind::kBinary, 32u << 20), std::pair(Kind::kFibonacci, 8u * 3524578)}) {
    HeapMachine machine(
        [kind = kind, arena_bytes = arena_bytes](AddressSpace& space) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
          if (absl::Status status = BuddyHeap::Reserve(space, kind, arena_bytes); !status.ok()) return status;
          return std::make_unique<HeapGuard>(std::make_unique<BuddyHeap>(space, kind, arena_bytes), HeapGuard::Mode::kGuarded,
                                             BuddyHeap::EdgePages(BuddyHeap::PiecesOf(kind, arena_bytes)));
        });
    const std::string before = machine.Draw();
    std::uint32_t refused = 0;
    for (;; ++refused) {
      machine.frames().set_budget(refused);
      if (machine.heap().Malloc(12).outcome == Outcome::kOk) break;
      ASSERT_EQ(machine.Draw(), before);
    }
    EXPECT_GE(refused, 10u);
    EXPECT_THAT(machine.heap().CheckInvariants(), IsEmpty());
  }
}

TEST_F(UnguardedBuddyTest, ABlockFreedTwiceIsGivenForEver) {
  const std::uint32_t a = Malloc(12);
  Malloc(12);
  Free(a);
  Free(a);
  EXPECT_EQ(Word(4), kHeapStart.raw()) << "its own next";
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Malloc(12), a);
}

TEST_F(UnguardedBuddyTest, AnInteriorPointerMakesAPartOfALiveBlockFree) {
  const std::uint32_t block = Malloc(60);
  for (std::uint32_t word = 0; word < 60; word += 4) Poke(block + word, 0);
  Free(block + 16);
  EXPECT_EQ(Malloc(12), block + 16);
}

TEST_F(UnguardedBuddyTest, AnOverrunMakesAnOrderThatNoHeapHas) {
  const std::uint32_t a = Malloc(12), b = Malloc(12);
  Poke(a + 12, ~0u);
  Free(b);
  EXPECT_EQ(Word(16), 63 + kAvailable + kRight + kMemory);
  ExpectBroken("D1");
  Free(a);
  EXPECT_EQ(Malloc(12), a);
}

TEST_F(UnguardedBuddyTest, ASizeThatWrapsGivesTheLeastBlock) {
  EXPECT_EQ(Malloc(0xFFFFFFFC), 4u);
  EXPECT_EQ(Word(0), 0u);
  EXPECT_EQ(heap().Malloc(0xFFFFFFFB).outcome, Outcome::kOutOfMemory);
}

}  // namespace
}  // namespace alloclab
