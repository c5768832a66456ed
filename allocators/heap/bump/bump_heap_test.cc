// What is the bump allocator's own: where blocks lie, that frees and their pointers mean nothing, what realloc copies.
#include "allocators/heap/bump/bump_heap.h"

#include <cstdint>
#include <memory>

#include "allocators/heap/heap_range.h"
#include "allocators/heap/heap_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::IsEmpty;

HeapMachine::Make MakeBump(std::uint32_t limit_bytes, bool guarded) {
  return [=](AddressSpace& space) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
    const absl::Status status = ReserveHeapRange(space, "heap.limit_bytes", limit_bytes);
    if (!status.ok()) return status;
    return std::make_unique<HeapGuard>(std::make_unique<BumpHeap>(space, limit_bytes),
                                       guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
  };
}

class BumpTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kLimitBytes = 16 << 10;

  explicit BumpTest(bool guarded = true) : machine_(MakeBump(kLimitBytes, guarded)) {}

  TestedHeap& heap() { return machine_.heap(); }
  // From the heap's start.
  std::uint32_t Malloc(std::uint32_t bytes) {
    const HeapResult result = heap().Malloc(bytes);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    return result.address - kHeapStart;
  }

  HeapMachine machine_;
};

class UnguardedBumpTest : public BumpTest {
 protected:
  UnguardedBumpTest() : BumpTest(false) {}
};

TEST_F(BumpTest, EachBlockBeginsWhereTheLastOneEnds) {
  EXPECT_EQ(Malloc(1), 0u);
  EXPECT_EQ(Malloc(8), 8u);
  EXPECT_EQ(Malloc(13), 16u);
  EXPECT_EQ(Malloc(1), 32u);
  EXPECT_EQ(heap().brk() - kHeapStart, 40u);
  EXPECT_EQ(heap().Counter("grows"), 4u);
  EXPECT_EQ(heap().Counter("grown_bytes"), 40u);
  EXPECT_EQ(heap().costs(), HeapCosts{});
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

TEST_F(BumpTest, WhatIsFreedIsNeverGivenAgain) {
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(Malloc(100), 104 * i);
    EXPECT_EQ(heap().Free(kHeapStart + 104 * i).outcome, Outcome::kOk);
  }
  EXPECT_EQ(heap().Counter("ignored_frees"), 4u);
  EXPECT_EQ(heap().Free(kHeapStart).outcome, Outcome::kDoubleFree) << "by the guard";
}

TEST_F(BumpTest, EndsAtItsLimit) {
  EXPECT_EQ(Malloc(kLimitBytes - 8), 0u);
  EXPECT_EQ(heap().Malloc(9).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(heap().brk() - kHeapStart, kLimitBytes - 8);
  EXPECT_EQ(Malloc(8), kLimitBytes - 8);
  EXPECT_EQ(heap().Malloc(1).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(heap().Malloc(0).outcome, Outcome::kZeroSize);
}

TEST_F(BumpTest, ReallocCopiesAsMuchAsIsAskedFor) {
  const std::uint32_t block = Malloc(8);
  ASSERT_TRUE(machine_.space().StoreU32(kHeapStart + block, 0x11111111));
  Malloc(8);
  ASSERT_TRUE(machine_.space().StoreU32(kHeapStart + block + 8, 0x22222222));
  const HeapResult moved = heap().Realloc(kHeapStart + block, 16);
  EXPECT_EQ(moved.address, kHeapStart + 16);
  EXPECT_EQ(machine_.Word(kHeapStart + 16), 0x11111111u);
  EXPECT_EQ(machine_.Word(kHeapStart + 24), 0x22222222u) << "what was behind the old block";
  EXPECT_EQ(heap().costs().copied_bytes, 16u);
  EXPECT_EQ(heap().Realloc(moved.address, 8).address, kHeapStart + 32) << "also of a smaller one";
  EXPECT_EQ(heap().Realloc(kHeapStart + 32, kLimitBytes).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(heap().Counter("ignored_frees"), 2u);
}

TEST_F(UnguardedBumpTest, NoFreeDoesHarm) {
  Malloc(8);
  for (const std::uint32_t pointer : {0xC0400000u, 0xC0400000u, 0xC0400003u, 0u, 12u, ~0u}) {
    EXPECT_EQ(heap().Free(VirtAddr(pointer)).outcome, Outcome::kOk);
  }
  EXPECT_EQ(Malloc(8), 8u);
}

TEST_F(UnguardedBumpTest, ASizeThatWrapsGivesNoBytes) {
  Malloc(8);
  EXPECT_EQ(Malloc(0xFFFFFFF9), 8u);
  EXPECT_EQ(Malloc(8), 8u);
  EXPECT_EQ(heap().Malloc(0xFFFFFFF8).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(heap().Malloc(0x80000000).outcome, Outcome::kOutOfMemory);
}

}  // namespace
}  // namespace alloclab
