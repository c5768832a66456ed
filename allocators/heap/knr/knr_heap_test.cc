// What Kernighan and Ritchie's allocator does when it is misused, worked out by hand. The first request grows the heap by
// 4,096 units of 8 bytes, and blocks are cut from the end: those of 8 bytes, two units each, have their payloads at 0x7FF8,
// 0x7FE8, 0x7FD8.
#include "allocators/heap/knr/knr_heap.h"

#include <cstdint>
#include <memory>

#include "allocators/heap/heap_range.h"
#include "allocators/heap/heap_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::uint32_t kLimitBytes = 4 << 20;

HeapMachine::Make MakeKnr(HeapGuard::Mode mode, Engine engine) {
  return [=](AddressSpace& space) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
    if (absl::Status status = ReserveHeapRange(space, "heap.limit_bytes", kLimitBytes); !status.ok()) return status;
    return std::make_unique<HeapGuard>(std::make_unique<KnrHeap>(space, kLimitBytes, engine), mode);
  };
}

class KnrTest : public testing::Test {
 protected:
  explicit KnrTest(HeapGuard::Mode mode = HeapGuard::Mode::kUnguarded, Engine engine = Engine::kLiteral)
      : machine_(MakeKnr(mode, engine)) {
    EXPECT_EQ(Malloc(8), 0x7FF8u);
    EXPECT_EQ(Malloc(8), 0x7FE8u);
    EXPECT_EQ(Malloc(8), 0x7FD8u);
  }

  TestedHeap& heap() { return machine_.heap(); }
  // Blocks by their offset from the heap's start.
  std::uint32_t Malloc(std::uint32_t bytes) {
    const HeapResult result = heap().Malloc(bytes);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    return result.address - kHeapStart;
  }
  HeapResult Free(std::uint32_t block) { return heap().Free(kHeapStart + block); }
  std::uint32_t Word(std::uint32_t offset) { return machine_.Word(kHeapStart + offset); }
  void Poke(std::uint32_t offset, std::uint32_t word) { ASSERT_TRUE(machine_.space().StoreU32(kHeapStart + offset, word)); }

  HeapMachine machine_;
};

TEST_F(KnrTest, ADoubleFreeBetweenLiveBlocksWalksTheRingForEver) {
  EXPECT_EQ(Free(0x7FE8).outcome, Outcome::kOk);
  EXPECT_EQ(Free(0x7FE8).outcome, Outcome::kMachineHang) << "no place in the ring is below and above the block";
}

TEST_F(KnrTest, ADoubleFreeOfAMergedBlockHandsItOutTwice) {
  EXPECT_EQ(Free(0x7FD8).outcome, Outcome::kOk);
  EXPECT_EQ(Word(4), 4092u) << "merged with the block below";
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());

  EXPECT_EQ(Free(0x7FD8).outcome, Outcome::kOk);
  EXPECT_EQ(Word(0), kHeapStart.raw() + 0x7FD0) << "the ring has a block that lies in the one before it";
  EXPECT_THAT(heap().CheckInvariants(), Not(IsEmpty()));
  EXPECT_EQ(Malloc(8), 0x7FD8u) << "from the ring";
  EXPECT_EQ(Malloc(8), 0x7FD8u) << "from the end of the block below";
}

TEST_F(KnrTest, AnInteriorFreeTakesWhatThePayloadSays) {
  Poke(0x7FEC, 1);  // in the payload of the block at 0x7FE0: a size of one unit
  EXPECT_EQ(Free(0x7FF0).outcome, Outcome::kOk);
  EXPECT_EQ(Word(0x7FE8), 1u) << "the payload is a link of the ring";
  EXPECT_EQ(Word(0), kHeapStart.raw() + 0x7FE8);
  EXPECT_THAT(heap().CheckInvariants(), Not(IsEmpty()));
  EXPECT_EQ(Malloc(0), 0x7FF0u) << "where the header of the next block is";
}

TEST_F(KnrTest, AFreeOfNullReadsTheWordInFrontOfIt) {
  const HeapResult result = heap().Free(VirtAddr{});
  EXPECT_EQ(result.outcome, Outcome::kMachineFault);
  EXPECT_EQ(result.address, VirtAddr(0xFFFFFFFC));
}

class GuardedKnrTest : public KnrTest {
 protected:
  GuardedKnrTest() : KnrTest(HeapGuard::Mode::kGuarded, Engine::kIndexed) {}
};

TEST_F(GuardedKnrTest, TheSameMisuseIsRefused) {
  EXPECT_EQ(Free(0x7FD8).outcome, Outcome::kOk);
  EXPECT_EQ(Free(0x7FD8).outcome, Outcome::kDoubleFree);
  EXPECT_EQ(Free(0x7FF0).outcome, Outcome::kInteriorPointer);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

}  // namespace
}  // namespace alloclab
