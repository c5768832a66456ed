// What the heaps of FreeRTOS do when they are misused, worked out by hand: a free looks whether the header in front of the
// block is that of an allocated one, and believes it.
#include "allocators/heap/freertos/freertos_heap.h"

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

constexpr std::uint32_t kArenaBytes = 4096;

template <class Heap>
class FreeRtosMisuseTest : public testing::Test {
 protected:
  static HeapMachine::Make MakeHeap() {
    return [](AddressSpace& space) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
      if (absl::Status status = ReserveHeapRange(space, "heap.arena_bytes", kArenaBytes); !status.ok()) return status;
      return std::make_unique<HeapGuard>(std::make_unique<Heap>(space, kArenaBytes), HeapGuard::Mode::kUnguarded);
    };
  }

  TestedHeap& heap() { return machine_.heap(); }
  // Blocks by their offset from the heap's start.
  std::uint32_t Malloc(std::uint32_t bytes) {
    const HeapResult result = heap().Malloc(bytes);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    return result.address - kHeapStart;
  }
  HeapResult Free(std::uint32_t block) { return heap().Free(kHeapStart + block); }
  void Poke(std::uint32_t offset, std::uint32_t word) { ASSERT_TRUE(machine_.space().StoreU32(kHeapStart + offset, word)); }

  HeapMachine machine_{MakeHeap()};
};

using Heaps = testing::Types<FreeRtosHeap4, FreeRtosHeap2>;
TYPED_TEST_SUITE(FreeRtosMisuseTest, Heaps);

TYPED_TEST(FreeRtosMisuseTest, ADoubleFreeIsIgnored) {
  EXPECT_EQ(this->Malloc(24), 8u);
  EXPECT_EQ(this->Malloc(24), 40u);
  EXPECT_EQ(this->Free(8).outcome, Outcome::kOk);
  const auto words = this->machine_.Headers();
  EXPECT_EQ(this->Free(8).outcome, Outcome::kOk);
  EXPECT_EQ(this->machine_.Headers(), words);
  EXPECT_THAT(this->heap().CheckInvariants(), IsEmpty());
}

TYPED_TEST(FreeRtosMisuseTest, ALateDoubleFreeTakesTheBlockOfItsNextOwner) {
  EXPECT_EQ(this->Malloc(24), 8u);
  EXPECT_EQ(this->Malloc(24), 40u);
  EXPECT_EQ(this->Free(8).outcome, Outcome::kOk);
  EXPECT_EQ(this->Malloc(24), 8u);
  EXPECT_EQ(this->Free(8).outcome, Outcome::kOk);
  EXPECT_EQ(this->Malloc(24), 8u) << "two have it now";
  EXPECT_THAT(this->heap().CheckInvariants(), IsEmpty());
}

TYPED_TEST(FreeRtosMisuseTest, AnInteriorFreeOfCleanMemoryIsIgnored) {
  EXPECT_EQ(this->Malloc(24), 8u);
  const auto words = this->machine_.Headers();
  EXPECT_EQ(this->Free(16).outcome, Outcome::kOk);
  EXPECT_EQ(this->machine_.Headers(), words);
}

TYPED_TEST(FreeRtosMisuseTest, AnInteriorFreeTakesWhatThePayloadSays) {
  EXPECT_EQ(this->Malloc(24), 8u);
  this->Poke(8, 0);
  this->Poke(12, 0x80000010);  // like the header of an allocated block of 16 bytes
  EXPECT_EQ(this->Free(16).outcome, Outcome::kOk);
  EXPECT_THAT(this->heap().CheckInvariants(), Not(IsEmpty()));
  EXPECT_EQ(this->Malloc(8), 16u) << "in the middle of a live block";
}

TYPED_TEST(FreeRtosMisuseTest, AFreeOutsideTheHeapReadsItsHeader) {
  this->Malloc(24);
  const HeapResult result = this->heap().Free(VirtAddr(16));
  EXPECT_EQ(result.outcome, Outcome::kMachineFault);
  EXPECT_EQ(result.address, VirtAddr(12));
}

}  // namespace
}  // namespace alloclab
