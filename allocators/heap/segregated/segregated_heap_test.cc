// What is segregated fits' own: which class a block is in, and where a search goes. The rest is tested with the explicit list.
// Addresses are offsets of payloads from the heap's start.
#include "allocators/heap/segregated/segregated_heap.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "allocators/heap/heap_range.h"
#include "allocators/heap/heap_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::IsEmpty;
using Order = ExplicitListHeap::Order;

HeapMachine::Make MakeSegregated(Order order, bool guarded) {
  return [=](AddressSpace& space) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
    constexpr std::uint32_t kLimitBytes = 1 << 20;
    if (absl::Status status = ExplicitListHeap::Reserve(space, kLimitBytes); !status.ok()) return status;
    return std::make_unique<HeapGuard>(std::make_unique<SegregatedHeap>(space, kLimitBytes, order),
                                       guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
  };
}

class SegregatedTest : public testing::Test {
 protected:
  explicit SegregatedTest(Order order = Order::kLifo, bool guarded = true) : machine_(MakeSegregated(order, guarded)) {}

  TestedHeap& heap() { return machine_.heap(); }
  std::uint32_t Malloc(std::uint32_t bytes) {
    const HeapResult result = heap().Malloc(bytes);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    return result.address - kHeapStart;
  }
  void Free(std::uint32_t block) { EXPECT_EQ(heap().Free(kHeapStart + block).outcome, Outcome::kOk); }
  std::uint64_t FreeClasses() { return heap().allocator().FigureValues().front(); }
  // Free blocks of 64, 32, 48 and 32 bytes at 16, 112, 176 and 256, freed in the order 112, 256, 16, 176, between live ones of
  // 32; and what is left of the first growth, 3,792 bytes at 320.
  void MakeHoles() {
    std::vector<std::uint32_t> holes;
    for (const std::uint32_t bytes : {56, 24, 40, 24}) {
      holes.push_back(Malloc(bytes));
      Malloc(24);
    }
    ASSERT_EQ(holes, (std::vector<std::uint32_t>{16, 112, 176, 256}));
    for (const std::size_t hole : {1, 3, 0, 2}) Free(holes[hole]);
    EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
  }

  HeapMachine machine_;
};

class SegregatedByAddressTest : public SegregatedTest {
 protected:
  SegregatedByAddressTest() : SegregatedTest(Order::kAddress) {}
};
class UnguardedSegregatedTest : public SegregatedTest {
 protected:
  UnguardedSegregatedTest() : SegregatedTest(Order::kLifo, false) {}
};

TEST_F(SegregatedTest, ASearchBeginsInItsClassAndGoesOnInTheNext) {
  MakeHoles();
  EXPECT_EQ(FreeClasses(), 1u << 1 | 1u << 2 | 1u << 8);
  const std::uint64_t before = heap().costs().search_steps;
  EXPECT_EQ(Malloc(56), 16u) << "class 2 has 48 bytes at 176, and these 64";
  EXPECT_EQ(heap().costs().search_steps - before, 2u);
  EXPECT_EQ(Malloc(24), 256u) << "last in, first out";
  EXPECT_EQ(Malloc(24), 112u);
  EXPECT_EQ(heap().costs().search_steps - before, 4u);
  EXPECT_EQ(Malloc(24), 176u) << "class 1 is empty, class 2 is not";
  EXPECT_EQ(machine_.Draw(), "[A64][A32][A32][A32][A32][.16][A32][A32][A32][.3792]");
  EXPECT_EQ(FreeClasses(), 1u << 0 | 1u << 8);
  EXPECT_EQ(Malloc(24), 320u);
  EXPECT_EQ(Malloc(1), 208u);
  EXPECT_EQ(heap().costs().search_steps - before, 7u);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

TEST_F(SegregatedTest, AMergedBlockChangesItsClass) {
  MakeHoles();
  Free(144);  // 32 bytes at 112, 32, and 48 at 176
  EXPECT_EQ(machine_.Draw(), "[.64][A32][.112][A32][.32][A32][.3792]");
  EXPECT_EQ(FreeClasses(), 1u << 1 | 1u << 2 | 1u << 3 | 1u << 8);
  EXPECT_EQ(Malloc(100), 112u);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

TEST_F(SegregatedByAddressTest, TheLowestOfAClassIsGivenFirst) {
  MakeHoles();
  for (const std::uint32_t block : {112u, 256u, 16u, 48u}) EXPECT_EQ(Malloc(24), block);
  EXPECT_GT(heap().Counter("place_steps"), 0u);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

TEST(SegregatedClassesTest, AreBoundedByPowersOfTwo) {
  const struct {
    std::uint32_t size, its_class;
  } expected[] = {{16, 0},  {24, 1},   {32, 1},   {40, 2},      {64, 2},      {72, 3},
                  {128, 3}, {1024, 6}, {1032, 7}, {262144, 14}, {262152, 15}, {400000, 15}};
  for (const auto& [size, its_class] : expected) {
    HeapMachine machine(MakeSegregated(Order::kLifo, true));
    const VirtAddr block = machine.heap().Malloc(size - 8).address;
    machine.heap().Malloc(24);
    machine.heap().Free(block);
    EXPECT_EQ(machine.heap().allocator().FigureValues().front() & ~(1u << 8), 1u << its_class) << size;
  }
}

TEST_F(UnguardedSegregatedTest, ATagOfNoBytesIsOfTheLastClass) {
  const std::uint32_t block = Malloc(24);
  Malloc(24);
  ASSERT_TRUE(machine_.space().StoreU32(kHeapStart + block - 4, 1));
  EXPECT_EQ(heap().Free(kHeapStart + block).outcome, Outcome::kOk);
  EXPECT_NE(FreeClasses() >> 15, 0u);
}

}  // namespace
}  // namespace alloclab
