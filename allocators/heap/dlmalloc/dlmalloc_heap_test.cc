// What is dlmalloc's own, worked out by hand. Offsets are from the heap's start, where the first chunk is; a request of 100
// bytes takes a chunk of 104.
#include "allocators/heap/dlmalloc/dlmalloc_heap.h"

#include <cstdint>

#include "allocators/heap/heap_guard.h"
#include "allocators/heap/heap_range.h"
#include "allocators/heap/heap_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::IsEmpty;

HeapMachine::Make MakeDlmalloc(HeapGuard::Mode mode, std::uint32_t limit_bytes) {
  return [=](AddressSpace& space) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
    if (absl::Status status = ReserveHeapRange(space, "heap.limit_bytes", limit_bytes); !status.ok()) return status;
    return std::make_unique<HeapGuard>(std::make_unique<DlmallocHeap>(space, limit_bytes), mode);
  };
}

class DlmallocTest : public testing::Test {
 protected:
  explicit DlmallocTest(HeapGuard::Mode mode = HeapGuard::Mode::kUnguarded) : machine_(MakeDlmalloc(mode, 8 << 20)) {}

  TestedHeap& heap() { return machine_.heap(); }
  // The offset of the chunk that it gives.
  std::uint32_t Malloc(std::uint32_t bytes) {
    const HeapResult result = heap().Malloc(bytes);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    return result.address - kHeapStart - 8;
  }
  Outcome Free(std::uint32_t chunk) { return heap().Free(kHeapStart + chunk + 8).outcome; }
  std::uint32_t Word(std::uint32_t offset) { return machine_.Word(kHeapStart + offset); }
  void Poke(std::uint32_t offset, std::uint32_t word) { ASSERT_TRUE(machine_.space().StoreU32(kHeapStart + offset, word)); }
  std::uint64_t Figure(std::string_view name) {
    for (const auto& figure : heap().allocator().Figures()) {
      if (figure.info->name == name) return figure.value;
    }
    return ~0ull;
  }
  void ExpectWell() { EXPECT_THAT(heap().CheckInvariants(), IsEmpty()); }
  // Two free chunks of 104 bytes in one small bin, at 0 and 208: the latter is first.
  void FillBin() {
    for (int i = 0; i < 4; ++i) Malloc(100);
    Free(0);
    Free(208);
  }

  HeapMachine machine_;
};

class GuardedDlmallocTest : public DlmallocTest {
 protected:
  GuardedDlmallocTest() : DlmallocTest(HeapGuard::Mode::kGuarded) {}
};

TEST_F(DlmallocTest, RoundsRequestsUp) {
  EXPECT_EQ(Malloc(0), 0u);
  EXPECT_EQ(Malloc(12), 16u);
  EXPECT_EQ(Malloc(13), 32u);
  EXPECT_EQ(Malloc(1), 56u);
  EXPECT_EQ(Word(4), 0x13u) << "16 bytes, this one and the one before in use";
  EXPECT_EQ(Word(36), 0x1Bu);
  EXPECT_EQ(heap().brk() - kHeapStart, 4096u);
  EXPECT_EQ(Word(4096 - 36), 40u) << "behind top";
  EXPECT_EQ(machine_.Draw(), "[A16][A16][A24][A16][.3984]");
  ExpectWell();
}

TEST_F(DlmallocTest, SmallBinsAreLastInFirstOut) {
  FillBin();
  ExpectWell();
  EXPECT_EQ(Malloc(100), 208u);
  EXPECT_EQ(Malloc(92), 0u) << "the next bin's chunk, whole";
  EXPECT_EQ(heap().Counter("small_exact"), 2u);
  EXPECT_EQ(Word(4), 0x6Bu);
}

TEST_F(DlmallocTest, TheRestOfASmallChunkIsTheVictim) {
  FillBin();
  EXPECT_EQ(Malloc(30), 208u);
  EXPECT_EQ(Figure("dv"), kHeapStart.raw() + 248);
  EXPECT_EQ(Figure("dvsize"), 64u);
  EXPECT_EQ(Malloc(100), 0u) << "its bin comes first";
  EXPECT_EQ(Malloc(20), 248u);
  EXPECT_EQ(Malloc(26), 272u) << "40 bytes: all that is left of it";
  EXPECT_EQ(Figure("dv"), 0u);
  EXPECT_EQ(heap().Counter("small_next_bin"), 1u);
  EXPECT_EQ(heap().Counter("dv_split"), 1u);
  EXPECT_EQ(heap().Counter("dv_whole"), 1u);
  ExpectWell();
}

TEST_F(DlmallocTest, LargeRequestsTakeTheBestOfTheTrees) {
  const std::uint32_t large = Malloc(792);  // 800 bytes
  Malloc(0);
  const std::uint32_t first = Malloc(600);  // 608 bytes, in another tree
  Malloc(0);
  const std::uint32_t second = Malloc(600);
  Malloc(0);
  for (const std::uint32_t chunk : {large, first, second}) EXPECT_EQ(Free(chunk), Outcome::kOk);
  EXPECT_EQ(heap().Counter("place_steps"), 1u) << "the second one joins the first one's ring";
  ExpectWell();
  EXPECT_EQ(Malloc(592), first) << "600 bytes, and the rest of 8 stays with them";
  EXPECT_EQ(heap().Counter("search_steps"), 1u + 1);
  EXPECT_EQ(Malloc(592), second);
  EXPECT_EQ(Malloc(592), large) << "the next tree's";
  EXPECT_EQ(heap().Counter("tree_large"), 3u);
  EXPECT_EQ(Figure("dv"), 0u) << "the rest of a large request goes into a bin";
  EXPECT_EQ(Malloc(192), large + 600);
  ExpectWell();
}

TEST_F(DlmallocTest, ASmallRequestTakesTheSmallestOfTheTrees) {
  const std::uint32_t smaller = Malloc(800);
  Malloc(0);
  const std::uint32_t larger = Malloc(1000);
  Malloc(0);
  Free(larger);
  Free(smaller);
  EXPECT_EQ(heap().Counter("place_steps"), 1u) << "below the larger one";
  EXPECT_EQ(Malloc(100), smaller);
  EXPECT_EQ(heap().Counter("search_steps"), 1u + 1) << "the root is not counted";
  EXPECT_EQ(heap().Counter("tree_small"), 1u);
  EXPECT_EQ(Figure("dv"), kHeapStart.raw() + smaller + 104);
  ExpectWell();
}

TEST_F(DlmallocTest, FreesJoinBothNeighbours) {
  for (int i = 0; i < 4; ++i) Malloc(100);
  Free(0);
  Free(208);
  EXPECT_EQ(Free(104), Outcome::kOk);
  EXPECT_EQ(machine_.Draw(), "[.312][A104][.3640]");
  EXPECT_EQ(Word(312), 312u) << "its size behind it";
  EXPECT_EQ(Word(316), 104u | 2) << "the one before is free";
  ExpectWell();
  EXPECT_EQ(Free(312), Outcome::kOk);
  EXPECT_EQ(machine_.Draw(), "[.4056]") << "all of it is top";
  ExpectWell();
}

TEST_F(GuardedDlmallocTest, GivesTheEndOfTheHeapBack) {
  const std::uint32_t chunk = Malloc(3 << 20);
  EXPECT_EQ(heap().brk() - kHeapStart, 769u * 4096);
  EXPECT_EQ(Free(chunk), Outcome::kOk);
  EXPECT_EQ(heap().Counter("trims"), 1u);
  EXPECT_EQ(heap().brk() - kHeapStart, 4096u);
  EXPECT_EQ(Figure("footprint"), 4096u);
  EXPECT_EQ(Figure("max_footprint"), 769u * 4096);
  EXPECT_EQ(machine_.Draw(), "[.4056]");
  ExpectWell();
  EXPECT_EQ(Free(chunk), Outcome::kDoubleFree);
  EXPECT_EQ(Malloc(3 << 20), chunk);
  ExpectWell();
}

TEST_F(DlmallocTest, AfterAFailedGrowthEachAsksForAll) {
  Malloc(100);  // leaves 3952 bytes
  EXPECT_EQ(heap().Malloc(9 << 20).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(Malloc(4048), 104u);
  EXPECT_EQ(heap().brk() - kHeapStart, 4096u + 8192) << "4056 and 48 bytes; top has all but 152 of them";
  ExpectWell();
}

TEST_F(DlmallocTest, RefusesWhatWraps) {
  Malloc(0);
  for (const std::uint32_t bytes : {0x7FFFFFFFu, 0xFFFFFFBFu, 0xFFFFFFC0u, ~0u}) {
    EXPECT_EQ(heap().Malloc(bytes), (HeapResult{Outcome::kOutOfMemory, VirtAddr{}})) << bytes;
  }
  EXPECT_EQ(heap().Calloc(1 << 16, 1 << 16), (HeapResult{Outcome::kOutOfMemory, VirtAddr{}}));
  ExpectWell();
}

TEST_F(DlmallocTest, AbortsAtAFreeOfWhatIsNotInUse) {
  for (int i = 0; i < 3; ++i) Malloc(100);
  EXPECT_EQ(Free(0), Outcome::kOk);
  EXPECT_EQ(Free(0), Outcome::kPanic);
  EXPECT_EQ(Free(104), Outcome::kOk) << "joins the one before";
  EXPECT_EQ(Free(104), Outcome::kPanic);
  EXPECT_EQ(heap().Free(VirtAddr(0x1000)).outcome, Outcome::kPanic) << "below the heap";
  Poke(208 + 20, 0x69);
  EXPECT_EQ(Free(208 + 16), Outcome::kPanic) << "inside a block";
}

TEST_F(DlmallocTest, AbortsWhenTheNextHeadWasOverrun) {
  for (int i = 0; i < 2; ++i) Malloc(100);
  Poke(104 + 4, 0x41414140);
  EXPECT_EQ(Free(0), Outcome::kPanic);
  Poke(104 + 4, 0x41414143);
  EXPECT_EQ(Free(0), Outcome::kOk) << "its low bits say that both are in use";
}

TEST_F(DlmallocTest, AcceptsAPlausiblePieceOfABlock) {
  Malloc(100);
  Malloc(0);
  Poke(40 + 4, 0x13);   // a chunk of 16 bytes at 40
  Poke(40 + 20, 0x13);  // and one behind it
  EXPECT_EQ(Free(40), Outcome::kOk);
  EXPECT_EQ(Malloc(8), 40u) << "in the middle of a live block";
}

TEST_F(DlmallocTest, IgnoresABlockWithoutBits) {
  Malloc(100);
  EXPECT_EQ(Free(16), Outcome::kOk) << "a head of 0, as of a block of mmap";
  ExpectWell();
}

TEST_F(DlmallocTest, AbortsAtALinkThatDoesNotLeadBack) {
  FillBin();
  Poke(208 + 8, 0x10);
  EXPECT_EQ(heap().Malloc(100).outcome, Outcome::kPanic) << "below the heap";
  Poke(208 + 8, kHeapStart.raw() + 104);
  EXPECT_EQ(heap().Malloc(100).outcome, Outcome::kPanic);
  Poke(208 + 8, 0xF0000000);
  EXPECT_EQ(heap().Malloc(100), (HeapResult{Outcome::kMachineFault, VirtAddr(0xF000000C)}));
  Poke(208 + 8, kHeapStart.raw());
  EXPECT_EQ(Malloc(100), 208u);
}

TEST_F(DlmallocTest, ATreeThatIsALoopHangs) {
  const std::uint32_t large = Malloc(1000);
  Malloc(0);
  Free(large);
  Poke(large + 16, kHeapStart.raw() + large);  // its own child
  EXPECT_EQ(heap().Malloc(100).outcome, Outcome::kMachineHang);
}

TEST_F(DlmallocTest, SaysWhatIsBroken) {
  const auto breaks = [&](const char* invariant, std::uint32_t offset, std::uint32_t word) {
    const std::uint32_t before = Word(offset);
    Poke(offset, word);
    EXPECT_THAT(heap().CheckInvariants(), Contains(Field(&Violation::invariant, invariant))) << offset;
    Poke(offset, before);
    ExpectWell();
  };
  FillBin();  // chunks of 104 at 0 to 416
  const std::uint32_t large = Malloc(1000);
  Malloc(300);
  const std::uint32_t top = (Free(large), static_cast<std::uint32_t>(Figure("top")) - kHeapStart.raw());
  breaks("D1", 4, 0x1001 | 8);
  breaks("D1", 104 + 4, 0x6B);              // the one before in use
  breaks("D1", 104, 96);                    // foot
  breaks("D2", 104 + 4, 0x68);              // not in use
  breaks("D3", 208 + 8, 0);                 // fd
  breaks("D3", 8, kHeapStart.raw() + 208);  // round and round
  breaks("D3", 12, 0x10D);                  // bk
  breaks("D4", large + 24, 0);              // parent
  breaks("D4", large + 28, 7);              // index
  breaks("D4", large + 16, kHeapStart.raw());
  breaks("D4", large + 12, 0);  // bk
  breaks("D5", 312 + 4, 0x68);  // a free chunk that no bin has
  breaks("D6", top + 4, 0x11);
}

}  // namespace
}  // namespace alloclab
