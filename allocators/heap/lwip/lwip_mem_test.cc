// What is lwIP's own: where searches begin, what they count, and what the original does, without assertions, when it is
// misused. The first block's payload is at 12; a request of 24 bytes takes a block of 36. Addresses are offsets from the heap's
// start.
#include "allocators/heap/lwip/lwip_mem.h"

#include <cstdint>
#include <memory>
#include <vector>

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

HeapMachine::Make MakeLwip(std::uint32_t arena_bytes, bool guarded) {
  return [=](AddressSpace& space) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
    const absl::Status status = ReserveArena(space, arena_bytes, LwipMem::kArenaBytesMin, LwipMem::BytesBehind(arena_bytes));
    if (!status.ok()) return status;
    return std::make_unique<HeapGuard>(std::make_unique<LwipMem>(space, arena_bytes),
                                       guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
  };
}

class LwipTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kArenaBytes = 4096;

  explicit LwipTest(bool guarded = true) : machine_(MakeLwip(kArenaBytes, guarded)) {}

  TestedHeap& heap() { return machine_.heap(); }
  std::uint32_t Malloc(std::uint32_t bytes) {
    const HeapResult result = heap().Malloc(bytes);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    return result.address - kHeapStart;
  }
  void Free(std::uint32_t block) { EXPECT_EQ(heap().Free(kHeapStart + block).outcome, Outcome::kOk); }
  // Three blocks for 24 bytes, one behind the other.
  void MallocThree() {
    for (std::uint32_t* block : {&a_, &b_, &c_}) *block = Malloc(24);
    ASSERT_EQ(machine_.Draw(), "[A36][A36][A36][.3988]");
  }
  std::uint64_t Lfree() { return heap().allocator().FigureValues().front(); }
  void Poke(std::uint32_t offset, std::uint32_t word) { ASSERT_TRUE(machine_.space().StoreU32(kHeapStart + offset, word)); }
  std::vector<std::uint32_t> Metadata() {
    std::vector<std::uint32_t> words;
    heap().allocator().VisitMetadata([&](std::uint32_t word) { words.push_back(word); });
    return words;
  }
  void ExpectBroken(const char* invariant) {
    EXPECT_THAT(heap().CheckInvariants(), Contains(Field(&Violation::invariant, StrEq(invariant))));
  }

  HeapMachine machine_;
  std::uint32_t a_ = 0, b_ = 0, c_ = 0;
};

class UnguardedLwipTest : public LwipTest {
 protected:
  UnguardedLwipTest() : LwipTest(false) {}
  void ExpectRefused(std::uint32_t block) {
    const std::vector<std::uint32_t> before = Metadata();
    Free(block);
    EXPECT_EQ(Metadata(), before) << "free of offset " << block;
  }
};

TEST_F(LwipTest, ASearchVisitsLiveBlocksToo) {
  MallocThree();
  EXPECT_EQ(Lfree(), 108u);
  EXPECT_EQ(heap().costs().search_steps, 6u) << "each finds the lowest free block and goes on to the next";
  EXPECT_EQ(heap().Counter("lfree_steps"), 3u);
  Free(a_);
  EXPECT_EQ(Lfree(), 0u);
  Malloc(100);
  EXPECT_EQ(heap().costs().search_steps, 6u + 4) << "a, which is too small, b and c, which are live, and the rest";
  EXPECT_EQ(Lfree(), 0u);
  EXPECT_EQ(Malloc(24), a_);
  EXPECT_EQ(heap().costs().search_steps, 10u + 1 + 4) << "a; and past a, b, c and the last block to the rest";
  EXPECT_EQ(Lfree(), 220u);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

// 48 bytes leave room for a header and 12 bytes behind 24, 44 do not.
TEST_F(LwipTest, IsCutFromTwentyFourBytesOn) {
  const std::uint32_t small = Malloc(44);
  Malloc(24);
  const std::uint32_t large = Malloc(48);
  Malloc(24);
  Free(small);
  Free(large);
  EXPECT_EQ(Malloc(24), small);
  EXPECT_EQ(Malloc(24), large);
  EXPECT_EQ(machine_.Draw(), "[A56][A36][A36][.24][A36][.3908]");
}

TEST_F(LwipTest, LfreeIsTheEndWhenNothingIsFree) {
  const std::uint32_t all = Malloc(kArenaBytes - 12);
  EXPECT_EQ(Lfree(), kArenaBytes);
  EXPECT_EQ(heap().Malloc(1).outcome, Outcome::kOutOfMemory);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
  Free(all);
  EXPECT_EQ(Lfree(), 0u);
  EXPECT_THAT(Metadata(), testing::ElementsAre(kArenaBytes, 0, 0, kArenaBytes, kArenaBytes, 1, 0));
}

TEST_F(LwipTest, BrokenWordsAreNamed) {
  MallocThree();
  Free(b_);
  Poke(72 + 4, 0);  // prev of c
  ExpectBroken("L2");
  Poke(72 + 4, 36);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
  Poke(8, 0);  // a is free
  ExpectBroken("L3");
  ExpectBroken("L4");
  Poke(0, 20);
  ExpectBroken("L1");
  Poke(0, 36);
  Poke(kArenaBytes + 8, 0);
  ExpectBroken("L1");
}

TEST(LwipSizesTest, AnyArenaFromOneLeastBlockOn) {
  HeapMachine least(MakeLwip(24, true));
  EXPECT_EQ(least.heap().Malloc(13).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(least.heap().Malloc(12).address, kHeapStart + 12);
  EXPECT_EQ(least.heap().Malloc(1).outcome, Outcome::kOutOfMemory);
  EXPECT_THAT(least.heap().CheckInvariants(), IsEmpty());
  HeapMachine odd(MakeLwip(101, true));
  EXPECT_EQ(odd.Draw(), "[.104]");
  EXPECT_EQ(odd.heap().brk(), kHeapStart + 116);
  PhysicalMemory memory(4 << 20);
  BudgetedFrames frames(memory.frame_count());
  const auto space = *AddressSpace::Create(memory, frames);
  EXPECT_EQ(MakeLwip(23, true)(*space).status().message(),
            "heap.arena_bytes: 23; expected at least 24 bytes and at most 1065353203");
  EXPECT_EQ(MakeLwip(kHeapRangeMax, true)(*space).status().message(),
            "heap.arena_bytes: 1065353216; expected at least 24 bytes and at most 1065353204");
  frames.set_budget(2);
  EXPECT_EQ(MakeLwip(4096, true)(*space).status().message(),
            "no page frames left for the heap's first and last page: give the machine more RAM");
}

TEST(LwipSizesTest, AllButOneHeaderCanBeHadInOnePiece) {
  HeapMachine machine(MakeLwip(64 << 20, true), 128 << 20);
  EXPECT_EQ(machine.heap().Malloc(67108856).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(machine.heap().Malloc(67108852).outcome, Outcome::kOk);
}

TEST_F(UnguardedLwipTest, MostInvalidFreesAreRefused) {
  MallocThree();
  const std::uint32_t d = Malloc(24);
  Free(b_);
  ExpectRefused(b_);  // double
  Free(c_);
  ExpectRefused(c_);  // merged into b
  ExpectRefused(a_ + 2);
  ExpectRefused(d + 12);            // no header in front of it
  ExpectRefused(kArenaBytes + 12);  // the end marker's
  ExpectRefused(0x100000);
  ExpectRefused(0u - 0x100000);
  EXPECT_EQ(heap().Free(VirtAddr{}).outcome, Outcome::kOk);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

TEST_F(UnguardedLwipTest, AStalePointerFreesWhoeverHasTheAddressNow) {
  MallocThree();
  Free(b_);
  EXPECT_EQ(Malloc(20), b_);
  Free(b_);
  EXPECT_EQ(machine_.Draw(), "[A36][.36][A36][.3988]");
}

TEST_F(UnguardedLwipTest, ABlockWithABrokenLinkIsLost) {
  MallocThree();
  Poke(36, 0xFFFFFFFF);  // next of b
  ExpectRefused(b_);
  Free(a_);
  EXPECT_EQ(Lfree(), 0u);
  EXPECT_EQ(heap().Malloc(100).outcome, Outcome::kOutOfMemory) << "the search ends behind b";
  EXPECT_EQ(Malloc(24), a_);
}

TEST_F(UnguardedLwipTest, ABrokenLinkThatLeadsBackIsFollowedForEver) {
  MallocThree();
  Free(a_);
  Poke(36, 0);  // next of b
  EXPECT_EQ(heap().Malloc(100).outcome, Outcome::kMachineHang);
}

TEST_F(UnguardedLwipTest, AnOverrunThatClearsUsedGivesALiveBlockAway) {
  MallocThree();
  Poke(36 + 8, 0);  // used of b
  ExpectRefused(b_);
  Free(a_);
  EXPECT_EQ(Malloc(24), a_);
  EXPECT_EQ(Malloc(24), b_) << "which is live";
}

TEST_F(UnguardedLwipTest, CallocsProductWraps) {
  EXPECT_EQ(heap().Calloc(0x10000, 0x10000).outcome, Outcome::kZeroSize);
  EXPECT_EQ(heap().Calloc(0x40000001, 64).address, kHeapStart + 12);
  EXPECT_EQ(heap().costs().zeroed_bytes, 64u);
}

TEST_F(UnguardedLwipTest, SizesThatWrapAreRefused) {
  for (const std::uint32_t bytes : {0xFFFFFFFFu, 0xFFFFFFFDu, 0xFFFFFFFCu, kArenaBytes - 11}) {
    EXPECT_EQ(heap().Malloc(bytes).outcome, Outcome::kOutOfMemory) << bytes;
  }
}

}  // namespace
}  // namespace alloclab
