// What is an explicit list's own: which block each policy gives, splits, merges and growth, words in memory, and what misuse
// does. Addresses are offsets of payloads from the heap's start; the first block's is 16. A request of 24 bytes takes a block
// of 32.
#include <cstdint>
#include <memory>
#include <vector>

#include "allocators/heap/explicit_list/explicit_list_heap.h"
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
using Order = ExplicitListHeap::Order;
using Fit = ExplicitListHeap::Fit;

constexpr std::uint32_t kLimitBytes = 64 << 10;

HeapMachine::Make MakeList(Order order, Fit fit, bool guarded = true) {
  return [=](AddressSpace& space) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
    if (absl::Status status = ExplicitListHeap::Reserve(space, kLimitBytes); !status.ok()) return status;
    return std::make_unique<HeapGuard>(std::make_unique<ExplicitListHeap>(space, kLimitBytes, order, fit),
                                       guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
  };
}

class ListMachine {
 public:
  ListMachine(Order order, Fit fit, bool guarded = true) : machine_(MakeList(order, fit, guarded)) {}

  TestedHeap& heap() { return machine_.heap(); }
  HeapMachine& machine() { return machine_; }
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
  // Free blocks of 64, 32, 48 and 32 bytes at 16, 112, 176 and 256, freed in the order 112, 256, 16, 176, between live ones of
  // 32; and what is left of the first growth, 3,792 bytes at 320.
  void MakeHoles() {
    std::vector<std::uint32_t> holes;
    for (const std::uint32_t bytes : {56, 24, 40, 24}) {
      holes.push_back(Malloc(bytes));
      Malloc(24);
    }
    ASSERT_EQ(holes, (std::vector<std::uint32_t>{16, 112, 176, 256}));
    for (const int hole : {1, 3, 0, 2}) Free(holes[hole]);
    ASSERT_EQ(machine_.Draw(), "[.64][A32][.32][A32][.48][A32][.32][A32][.3792]");
    EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
  }

 private:
  HeapMachine machine_;
};

TEST(ExplicitListTest, GrowsByAPageAtLeastAndCutsFromTheFront) {
  ListMachine list(Order::kLifo, Fit::kFirst);
  EXPECT_EQ(list.heap().brk() - kHeapStart, 16u);
  EXPECT_EQ(list.Word(4), 9u);
  EXPECT_EQ(list.Word(8), 9u);
  EXPECT_EQ(list.Word(12), 1u) << "the epilogue";
  EXPECT_EQ(list.Malloc(1), 16u);
  EXPECT_EQ(list.heap().brk() - kHeapStart, 16u + 4096);
  EXPECT_EQ(list.machine().Draw(), "[A16][.4080]");
  EXPECT_EQ(list.Word(12), 17u);
  EXPECT_EQ(list.Word(24), 17u);
  EXPECT_EQ(list.Word(28), 4080u);
  EXPECT_EQ(list.Word(4096 + 8), 4080u);
  EXPECT_EQ(list.Word(4096 + 12), 1u) << "the epilogue";
  EXPECT_EQ(list.Malloc(5000), 32u) << "5008 bytes, merged with the 4080 below";
  EXPECT_EQ(list.heap().brk() - kHeapStart, 16u + 4096 + 5008);
  EXPECT_EQ(list.machine().Draw(), "[A16][A5008][.4080]");
  EXPECT_EQ(list.heap().Counter("merges", "below"), 1u);
  EXPECT_EQ(list.heap().Counter("splits"), 2u);
  EXPECT_EQ(list.heap().costs().search_steps, 1u) << "the 4080, which are too few";
  EXPECT_THAT(list.heap().CheckInvariants(), IsEmpty());
}

TEST(ExplicitListTest, IsCutFromSixteenBytesOn) {
  ListMachine list(Order::kLifo, Fit::kFirst);
  const std::uint32_t small = list.Malloc(32);
  list.Malloc(24);
  const std::uint32_t large = list.Malloc(40);
  list.Malloc(24);
  list.Free(large);
  list.Free(small);
  EXPECT_EQ(list.Malloc(20), small);
  EXPECT_EQ(list.Malloc(20), large);
  EXPECT_EQ(list.machine().Draw(), "[A40][A32][A32][.16][A32][.3944]");
}

TEST(ExplicitListTest, AFreeMergesWithBothNeighbours) {
  ListMachine list(Order::kLifo, Fit::kFirst);
  std::uint32_t blocks[5];
  for (std::uint32_t& block : blocks) block = list.Malloc(24);
  list.Free(blocks[0]);
  list.Free(blocks[2]);
  EXPECT_EQ(list.heap().Counter("merges", "none"), 1u + 2) << "the growth too";
  EXPECT_EQ(list.Word(blocks[2]), kHeapStart.raw() + blocks[0]) << "next";
  EXPECT_EQ(list.Word(blocks[0] + 4), kHeapStart.raw() + blocks[2]) << "prev";
  list.Free(blocks[1]);
  EXPECT_EQ(list.machine().Draw(), "[.96][A32][A32][.3936]");
  EXPECT_EQ(list.heap().Counter("merges", "both"), 1u);
  list.Free(blocks[3]);
  EXPECT_EQ(list.heap().Counter("merges", "below"), 1u);
  list.Free(blocks[4]);
  EXPECT_EQ(list.machine().Draw(), "[.4096]");
  EXPECT_EQ(list.Word(12), 4096u);
  EXPECT_THAT(list.heap().CheckInvariants(), IsEmpty());
}

// The holes in the order of the list: lifo 176 16 256 112 and the rest; fifo the rest, 112 256 16 176; by address 16 112 176
// 256 and the rest.
TEST(ExplicitListTest, EachPolicyGivesItsBlock) {
  const struct {
    Order order;
    Fit fit;
    std::uint32_t block;
  } expected[] = {
      {Order::kLifo, Fit::kFirst, 176}, {Order::kFifo, Fit::kFirst, 320}, {Order::kAddress, Fit::kFirst, 16},
      {Order::kLifo, Fit::kBest, 256},  {Order::kFifo, Fit::kBest, 112},  {Order::kAddress, Fit::kBest, 112},
      {Order::kLifo, Fit::kWorst, 320}, {Order::kFifo, Fit::kWorst, 320}, {Order::kAddress, Fit::kWorst, 320},
      {Order::kLifo, Fit::kNext, 176},  {Order::kFifo, Fit::kNext, 320},  {Order::kAddress, Fit::kNext, 16},
  };
  for (const auto& [order, fit, block] : expected) {
    SCOPED_TRACE(testing::Message() << static_cast<int>(order) << ' ' << static_cast<int>(fit));
    ListMachine list(order, fit);
    list.MakeHoles();
    EXPECT_EQ(list.Malloc(24), block);
    EXPECT_THAT(list.heap().CheckInvariants(), IsEmpty());
  }
}

TEST(ExplicitListTest, NextFitGoesOnBehindTheBlockItGave) {
  ListMachine list(Order::kAddress, Fit::kNext);
  list.MakeHoles();
  for (const std::uint32_t block : {16u, 112u, 176u, 256u}) EXPECT_EQ(list.Malloc(24), block);
  EXPECT_EQ(list.machine().Draw(), "[A32][.32][A32][A32][A32][A32][.16][A32][A32][A32][.3792]");
  EXPECT_EQ(list.heap().allocator().FigureValues().front(), kHeapStart.raw() + 320);
  EXPECT_EQ(list.Malloc(24), 320u);
  EXPECT_EQ(list.heap().allocator().FigureValues().front(), 0u) << "there is none behind it";
  EXPECT_EQ(list.Malloc(24), 48u);
}

TEST(ExplicitListTest, BestFitEndsAtAnExactBlock) {
  ListMachine list(Order::kAddress, Fit::kBest);
  list.MakeHoles();
  const std::uint64_t before = list.heap().costs().search_steps;
  EXPECT_EQ(list.Malloc(24), 112u);
  EXPECT_EQ(list.heap().costs().search_steps - before, 2u);
  EXPECT_EQ(list.Malloc(32), 176u);
  EXPECT_EQ(list.heap().costs().search_steps - before, 2u + 4) << "40 bytes: 64, 48, 32 and the rest";
}

TEST(ExplicitListTest, EndsAtItsLimit) {
  ListMachine list(Order::kLifo, Fit::kFirst);
  EXPECT_EQ(list.heap().Malloc(kLimitBytes - 16 - 7).outcome, Outcome::kHeapLimit);
  EXPECT_EQ(list.heap().brk() - kHeapStart, 16u);
  EXPECT_EQ(list.Malloc(kLimitBytes - 16 - 8), 16u);
  EXPECT_EQ(list.heap().Malloc(1).outcome, Outcome::kOutOfMemory) << "nothing is left to grow by";
  PhysicalMemory memory(4 << 20);
  BudgetedFrames frames(memory.frame_count());
  const auto space = *AddressSpace::Create(memory, frames);
  EXPECT_EQ(ExplicitListHeap::Reserve(*space, 15).message(), "heap.limit_bytes: 15; expected at least 16 bytes");
  frames.set_budget(1);
  EXPECT_EQ(ExplicitListHeap::Reserve(*space, 4096).message(),
            "no page frame left for the heap's first page: give the machine more RAM");
  const auto& parameters = ExplicitListHeapInfo().parameters;
  EXPECT_EQ(parameters[1].canonical("random").status().message(), "\"random\"; expected lifo, fifo or address");
  EXPECT_EQ(parameters[2].canonical("good").status().message(), "\"good\"; expected first, next, best or worst");
}

TEST(ExplicitListTest, BrokenWordsAreNamed) {
  ListMachine list(Order::kAddress, Fit::kNext);
  list.MakeHoles();
  const auto poke_and_expect = [&](std::uint32_t offset, std::uint32_t word, const char* invariant) {
    const std::uint32_t old = list.Word(offset);
    list.Poke(offset, word);
    list.ExpectBroken(invariant);
    list.Poke(offset, old);
    EXPECT_THAT(list.heap().CheckInvariants(), IsEmpty());
  };
  poke_and_expect(4, 0, "E1");
  poke_and_expect(16 - 4, 12, "E1");
  poke_and_expect(16 + 56, 65, "E2");
  poke_and_expect(80 - 4, 32, "E3");
  poke_and_expect(16, 0, "E4");
  poke_and_expect(112 + 4, 0, "E4");
  list.Malloc(24);
  poke_and_expect(112 - 4, 33, "E5");
}

TEST(UnguardedExplicitListTest, ABlockFreedTwiceIsGivenForEver) {
  ListMachine list(Order::kLifo, Fit::kFirst, false);
  const std::uint32_t block = list.Malloc(24);
  list.Malloc(24);
  list.Free(block);
  list.Free(block);
  EXPECT_EQ(list.Word(block), kHeapStart.raw() + block) << "its own next";
  for (int i = 0; i < 4; ++i) EXPECT_EQ(list.Malloc(24), block);
  EXPECT_EQ(list.heap().Malloc(100).outcome, Outcome::kMachineHang);
}

TEST(UnguardedExplicitListTest, AnOverrunSwallowsTheBlockBehind) {
  ListMachine list(Order::kLifo, Fit::kFirst, false);
  const std::uint32_t a = list.Malloc(24), b = list.Malloc(24), c = list.Malloc(24);
  list.Malloc(24);
  list.Poke(a + 28, 64 + 1);  // past its own end: the tag of b
  list.Free(b);
  EXPECT_EQ(list.Malloc(56), b) << "with all of c";
  list.Free(c);
  list.ExpectBroken("E2");
}

TEST(UnguardedExplicitListTest, ASizeThatWrapsGivesEightBytes) {
  ListMachine list(Order::kLifo, Fit::kFirst, false);
  EXPECT_EQ(list.Malloc(0xFFFFFFFF), 16u);
  EXPECT_EQ(list.Word(12), 9u);
  EXPECT_EQ(list.heap().Malloc(0xFFFFFFF0).outcome, Outcome::kOutOfMemory);
}

}  // namespace
}  // namespace alloclab
