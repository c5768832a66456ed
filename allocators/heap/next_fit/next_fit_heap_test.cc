// What is next fit's own: where its rover is, worked out by hand. Offsets are from the heap's start. A fresh heap is the
// prologue at 0 and a free chunk of 4096 bytes at 4; a request of 96 bytes takes a chunk of 100.
#include "allocators/heap/next_fit/next_fit_heap.h"

#include <cstdint>

#include "allocators/heap/heap_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

constexpr VirtAddr kStart{0xC0400000};

HeapMachine::Make MakeNextFit(bool guarded) {
  return [guarded](AddressSpace& space) { return MakeNextFitHeap(space, {.engine = Engine::kLiteral, .guarded = guarded}); };
}

class NextFitTest : public testing::Test {
 protected:
  explicit NextFitTest(bool guarded = true) : machine_(MakeNextFit(guarded)) {}
  void TearDown() override { EXPECT_THAT(heap().CheckInvariants(), IsEmpty()); }

  TestedHeap& heap() { return machine_.heap(); }
  // The offset of the chunk that it gives.
  std::uint32_t Malloc(std::uint32_t bytes) {
    const HeapResult result = heap().Malloc(bytes);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    return result.address - kStart - kWordBytes;
  }
  void Free(std::uint32_t chunk) { EXPECT_EQ(heap().Free(Block(chunk)).outcome, Outcome::kOk); }
  static VirtAddr Block(std::uint32_t chunk) { return kStart + chunk + kWordBytes; }
  std::uint64_t Rover() { return heap().allocator().FigureValues()[1]; }
  std::uint64_t Wraps() { return heap().Counter("wraps"); }
  std::uint64_t Steps() { return heap().costs().search_steps; }
  void Poke(std::uint32_t offset, std::uint32_t word) { ASSERT_TRUE(machine_.space().StoreU32(kStart + offset, word)); }

  HeapMachine machine_;
};

class UnguardedNextFitTest : public NextFitTest {
 protected:
  UnguardedNextFitTest() : NextFitTest(false) {}
  void TearDown() override {}
};

TEST_F(NextFitTest, ASearchBeginsWhereTheLastOneEnded) {
  EXPECT_EQ(Rover(), 0u);
  EXPECT_EQ(Malloc(96), 4u);
  EXPECT_EQ(Rover(), 4u);
  EXPECT_EQ(Steps(), 2u) << "the prologue and the free chunk";
  EXPECT_EQ(Malloc(96), 104u);
  EXPECT_EQ(Malloc(96), 204u);
  EXPECT_EQ(Rover(), 204u);
  Free(4);
  EXPECT_EQ(Rover(), 204u);
  EXPECT_EQ(Malloc(40), 304u) << "a first fit would take the chunk at 4";
  EXPECT_EQ(Rover(), 304u);
  EXPECT_EQ(Steps(), 2u * 4) << "each looks at the rover's chunk and the next";
  EXPECT_EQ(Wraps(), 0u);
}

TEST_F(NextFitTest, BeginsAgainAtTheStart) {
  Malloc(96);
  EXPECT_EQ(Malloc(3992), 104u) << "all that is left";
  Free(4);
  const HeapCosts before = heap().costs();
  EXPECT_EQ(Malloc(50), 4u);
  EXPECT_EQ(Rover(), 4u);
  EXPECT_EQ(Wraps(), 1u);
  EXPECT_EQ(Steps() - before.search_steps, 3u) << "the rover's chunk; the prologue and the free chunk";
  EXPECT_EQ(heap().costs().search_pages - before.search_pages, 1u) << "all of them in one page";
  EXPECT_EQ(machine_.Draw(), "[A56][.44][A3996]");
}

TEST_F(NextFitTest, AHeapThatGrowsLeavesTheRover) {
  Malloc(96);
  Malloc(3992);
  const std::uint64_t before = Steps();
  EXPECT_EQ(Malloc(2000), 4100u);
  EXPECT_EQ(Steps() - before, 1u + 2) << "the rover's chunk; the prologue and the chunk at 4, and not the rover's again";
  EXPECT_EQ(Rover(), 104u);
  EXPECT_EQ(Wraps(), 1u);
  EXPECT_EQ(Malloc(40), 6104u) << "behind the break that was: grown again";
  EXPECT_EQ(Rover(), 104u);
  EXPECT_EQ(Wraps(), 2u);
}

TEST_F(NextFitTest, FromTheStartThereIsNothingToBeginAgain) {
  EXPECT_EQ(Malloc(5000), 4u) << "the first chunk and what has grown";
  EXPECT_EQ(Steps(), 2u);
  EXPECT_EQ(Rover(), 0u);
  EXPECT_EQ(Wraps(), 0u);
}

TEST_F(NextFitTest, AFreeChunkTakesTheRoverAlong) {
  for (const std::uint32_t chunk : {4u, 104u, 204u, 304u}) ASSERT_EQ(Malloc(96), chunk);
  Free(204);
  EXPECT_EQ(Rover(), 304u);
  Free(304);
  EXPECT_EQ(Rover(), 204u) << "merged with the chunks below and above";
  Free(104);
  EXPECT_EQ(Rover(), 104u) << "the rover's chunk was free itself";
  Free(4);
  EXPECT_EQ(Rover(), 4u);
  const std::uint64_t before = Steps();
  EXPECT_EQ(Malloc(10), 4u);
  EXPECT_EQ(Steps() - before, 1u);
}

TEST_F(NextFitTest, AFreeChunkAboveJoinsTheRovers) {
  Malloc(96);
  Malloc(96);
  EXPECT_EQ(Malloc(3892), 204u);
  Free(104);
  EXPECT_EQ(Malloc(96), 104u);
  EXPECT_EQ(Wraps(), 1u);
  Free(104);
  Free(204);
  EXPECT_EQ(machine_.Draw(), "[A100][.3996]");
  EXPECT_EQ(Rover(), 104u);
}

TEST_F(NextFitTest, ReallocMovesTheRoverToTheNewBlock) {
  Malloc(96);
  Malloc(96);
  EXPECT_EQ(heap().Realloc(Block(4), 200).address, Block(204));
  EXPECT_EQ(Rover(), 204u);
  EXPECT_EQ(heap().costs().copied_bytes, 96u);
  EXPECT_EQ(heap().Realloc(Block(204), 300).address, Block(408)) << "the old block is the one below";
  EXPECT_EQ(Rover(), 408u);
  EXPECT_EQ(machine_.Draw(), "[.100][A100][.204][A304][.3388]");
}

TEST_F(NextFitTest, ARefusedRequestLeavesTheRover) {
  Malloc(96);
  Malloc(3992);
  Free(4);
  machine_.frames().set_budget(0);
  const std::uint64_t before = Steps();
  EXPECT_EQ(heap().Malloc(50'000).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(Steps() - before, 3u) << "the search is paid for";
  EXPECT_EQ(Rover(), 104u);
  EXPECT_EQ(Wraps(), 0u);
}

TEST_F(NextFitTest, TheRoverIsSaved) {
  Malloc(96);
  Malloc(3992);
  Free(4);
  const auto saved = heap().guard().Save();
  Malloc(96);
  Free(4);  // RAM is as it was
  ASSERT_EQ(Rover(), 4u);
  heap().guard().Restore(*saved);
  EXPECT_EQ(Rover(), 104u);
  EXPECT_EQ(Wraps(), 0u);
}

TEST_F(UnguardedNextFitTest, ARoverOnNoChunkIsAViolation) {
  Malloc(96);
  Malloc(96);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
  Poke(4, 200 | tag::kAllocated);
  EXPECT_THAT(heap().CheckInvariants(),
              ElementsAre(AllOf(Field(&Violation::invariant, "N1"), Field(&Violation::address, (kStart + 104).raw()))));
}

TEST_F(UnguardedNextFitTest, AHeaderOfNothingAtTheRoverIsALoop) {
  Malloc(96);
  Malloc(96);
  Poke(104, 0);
  const HeapResult result = heap().Malloc(96);
  EXPECT_EQ(result.outcome, Outcome::kMachineHang);
  EXPECT_EQ(result.address, kStart + 104);
}

}  // namespace
}  // namespace alloclab
