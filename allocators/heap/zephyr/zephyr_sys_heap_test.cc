// What is the own of Zephyr's heap, worked out by hand, and what the original does when it is misused. In the smallest arena
// the heap has 32,768 units; chunk 0 has 10, so the first chunk is 10 and its payload at 88.
#include "allocators/heap/zephyr/zephyr_sys_heap.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "allocators/heap/heap_range.h"
#include "allocators/heap/heap_testing.h"
#include "allocators/pages/runs/page_runs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::uint32_t kArena = ZephyrSysHeap::kArenaBytesMin;
constexpr std::uint32_t kLen = 0x8000;

HeapMachine::Make MakeZephyr(HeapGuard::Mode mode) {
  return [mode](AddressSpace& space) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
    if (absl::Status status = ReserveHeapRange(space, "heap.arena_bytes", kArena); !status.ok()) return status;
    return std::make_unique<HeapGuard>(std::make_unique<ZephyrSysHeap>(space, kArena, mode == HeapGuard::Mode::kGuarded), mode);
  };
}

class ZephyrTest : public testing::Test {
 protected:
  explicit ZephyrTest(HeapGuard::Mode mode = HeapGuard::Mode::kGuarded) : machine_(MakeZephyr(mode)) {}

  TestedHeap& heap() { return machine_.heap(); }
  // A block of so many units, by its chunk.
  std::uint32_t Malloc(std::uint32_t units) {
    const HeapResult result = heap().Malloc(units * 8 - 8);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    return (result.address - kHeapStart) / 8 - 1;
  }
  static VirtAddr Block(std::uint32_t chunk) { return kHeapStart + chunk * 8 + 8; }
  void Free(std::uint32_t chunk) { EXPECT_EQ(heap().Free(Block(chunk)).outcome, Outcome::kOk); }
  // The first and second word of a chunk's header.
  std::uint32_t Left(std::uint32_t chunk) { return machine_.Word(kHeapStart + chunk * 8); }
  std::uint32_t Size(std::uint32_t chunk) { return machine_.Word(kHeapStart + chunk * 8 + 4); }
  std::uint32_t Avail() { return machine_.Word(kHeapStart + 12); }
  std::uint32_t Entry(std::uint32_t bucket) { return machine_.Word(kHeapStart + 16 + bucket * 4); }
  void Poke(std::uint32_t offset, std::uint32_t word) { ASSERT_TRUE(machine_.space().StoreU32(kHeapStart + offset, word)); }
  // All that is free are four chunks of 5 units, which are returned.
  std::vector<std::uint32_t> LeaveFour() {
    std::vector<std::uint32_t> chunks;
    for (int i = 0; i < 4; ++i) {
      chunks.push_back(Malloc(5));
      Malloc(2);
    }
    Malloc(kLen - 10 - 4 * 7);
    for (const std::uint32_t chunk : chunks) Free(chunk);
    heap().guard().ResetCosts();
    return chunks;
  }
  std::uint64_t SoloFree() { return heap().allocator().FigureValues()[0]; }

  HeapMachine machine_;
};

class UnguardedZephyrTest : public ZephyrTest {
 protected:
  UnguardedZephyrTest() : ZephyrTest(HeapGuard::Mode::kUnguarded) {}
};

TEST_F(ZephyrTest, ItsVariablesLieInFront) {
  EXPECT_EQ(machine_.Word(kHeapStart + 8), kLen);
  EXPECT_EQ(Avail(), 1u << 14) << "buckets 0 to 14";
  EXPECT_EQ(Entry(14), 10u);
  EXPECT_EQ(Size(0), 10u << 1 | 1);
  EXPECT_EQ(Left(10), 10u);
  EXPECT_EQ(Size(10), (kLen - 10) << 1);
  EXPECT_EQ(Left(kLen), kLen - 10);
  EXPECT_EQ(Size(kLen), 1u) << "of no units, in use";
  EXPECT_EQ(Malloc(2), 10u);
  EXPECT_EQ(Malloc(2), 12u);
  EXPECT_EQ(heap().Shape().live_block_bytes, 32u);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

TEST_F(ZephyrTest, TriesThreeChunksAndCutsALargerOne) {
  std::vector<std::uint32_t> chunks;
  for (const std::uint32_t units : {5u, 5u, 5u, 8u}) {  // all of bucket 2
    chunks.push_back(Malloc(units));
    Malloc(2);
  }
  for (const std::uint32_t chunk : chunks) Free(chunk);
  EXPECT_EQ(Entry(2), chunks[0]);
  heap().guard().ResetCosts();
  const std::uint32_t behind = chunks[3] + 8 + 2;
  EXPECT_EQ(Malloc(8), behind) << "the fourth would fit";
  EXPECT_EQ(heap().costs().search_steps, 3u);
  EXPECT_EQ(heap().Counter("higher_bucket"), 1u);
  EXPECT_EQ(Entry(2), chunks[3]) << "the entry has moved";
  EXPECT_EQ(Malloc(8), chunks[3]);
  EXPECT_EQ(heap().costs().search_steps, 4u);
  EXPECT_EQ(heap().Counter("probe_hits"), 1u);
  EXPECT_EQ(Malloc(6), behind + 8) << "the ring has three, none large enough";
  EXPECT_EQ(heap().costs().search_steps, 7u);
  EXPECT_EQ(Entry(2), chunks[0]) << "once round";
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

TEST_F(ZephyrTest, TheEntryBecomesTheNextOfWhateverLeaves) {
  const std::uint32_t a = Malloc(5);
  Malloc(2);
  const std::uint32_t wall = Malloc(8), b = Malloc(5);
  Malloc(2);
  const std::uint32_t c = Malloc(5);
  Malloc(2);
  for (const std::uint32_t chunk : {a, b, c}) Free(chunk);
  EXPECT_EQ(Entry(2), a);
  Free(wall);
  EXPECT_EQ(heap().Counter("merges", "above"), 1u) << "with the second one";
  EXPECT_EQ(Entry(3), wall) << "13 units";
  EXPECT_EQ(Entry(2), c);
  EXPECT_EQ(Malloc(5), c);
  EXPECT_EQ(Malloc(5), a);
  EXPECT_EQ(Entry(2), 0u);
  EXPECT_EQ(Avail() & 1u << 2, 0u);
}

TEST_F(ZephyrTest, ARestOfOneUnitIsInNoRing) {
  const std::uint32_t chunk = Malloc(5);
  Malloc(2);
  Free(chunk);
  EXPECT_EQ(Malloc(4), chunk);
  EXPECT_EQ(SoloFree(), 1u);
  EXPECT_EQ(Size(chunk + 4), 1u << 1);
  EXPECT_EQ(Avail(), 1u << 14);
  EXPECT_EQ(heap().Shape().free_blocks, 2u);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
  Free(chunk);
  EXPECT_EQ(heap().Counter("merges", "above"), 1u);
  EXPECT_EQ(Entry(2), chunk);
  EXPECT_EQ(SoloFree(), 0u);
}

TEST_F(ZephyrTest, CountsEachUseOfAWord) {
  heap().guard().ResetCosts();
  const std::uint32_t chunk = Malloc(4);
  EXPECT_EQ(heap().costs().search_steps, 0u) << "its own bucket is empty";
  // len twice, entry, avail, entry; next, avail: the chunk leaves its ring; size; size, size: split; size, entry, avail: the
  // rest comes into one; size: in use.
  EXPECT_EQ(heap().costs().words_loaded, 14u);
  EXPECT_EQ(heap().costs().words_stored, 2u + 4 + 4 + 1);
  heap().guard().ResetCosts();
  Free(chunk);
  EXPECT_EQ(heap().costs().search_steps, 0u);
  // size; size, size: is the one above used? size, next, avail: it leaves; size, size, size: merge; left, size: is the one
  // below used? size, entry, avail.
  EXPECT_EQ(heap().costs().words_loaded, 14u);
  EXPECT_EQ(heap().costs().words_stored, 1u + 2 + 2 + 4);
}

TEST_F(ZephyrTest, RefusesWhatIsNotThere) {
  EXPECT_EQ(heap().Malloc(0).outcome, Outcome::kZeroSize);
  EXPECT_EQ(heap().Malloc(kLen * 8).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(heap().Malloc(0xFFFFFFF0).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(heap().Malloc(0xFFFFFFF1).outcome, Outcome::kSizeOverflow);
  EXPECT_EQ(Malloc(kLen - 10), 10u);
  EXPECT_EQ(heap().Malloc(1).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(Avail(), 0u);
}

TEST_F(ZephyrTest, ARefusedRequestLeavesTheEntry) {
  const std::vector<std::uint32_t> chunks = LeaveFour();
  EXPECT_EQ(heap().Malloc(40).outcome, Outcome::kFragmented);
  EXPECT_EQ(Entry(2), chunks[0]);
  EXPECT_EQ(heap().costs().search_steps, 3u);
  EXPECT_EQ(heap().costs().words_stored, 0u);
}

TEST_F(UnguardedZephyrTest, ARefusedRequestHasMovedTheEntry) {
  const std::vector<std::uint32_t> chunks = LeaveFour();
  EXPECT_EQ(heap().Malloc(40).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(Entry(2), chunks[3]);
  EXPECT_EQ(heap().costs().search_steps, 3u);
  EXPECT_EQ(heap().costs().words_stored, 3u);
}

TEST(ZephyrInfoTest, AnArenaForFourByteHeadersIsRefused) {
  PhysicalMemory memory(4 << 20);
  const auto pages = MakePageRuns(memory, {});
  ASSERT_TRUE(pages.ok());
  const auto space = AddressSpace::Create(memory, **pages);
  ASSERT_TRUE(space.ok());
  const auto make = [&](std::uint32_t arena) {
    return ZephyrSysHeapInfo().make({**space, **pages}, true, {{"heap.arena_bytes", absl::StrCat(arena)}}).status();
  };
  EXPECT_EQ(make(262151).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(make(262151).message()), HasSubstr("heap.arena_bytes: 262151; expected at least 262152 bytes"));
  EXPECT_TRUE(make(262152).ok());
  while ((*pages)->TakeFrame()) {
  }
  EXPECT_EQ(make(262152).code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(UnguardedZephyrTest, ADoubleFreeOfAChunkThatIsAloneIsAbsorbed) {
  const std::uint32_t chunk = Malloc(4);
  Malloc(2);
  Free(chunk);
  const std::vector<std::uint32_t> words = machine_.Words();
  Free(chunk);
  EXPECT_EQ(machine_.Words(), words) << "it is linked to itself again";
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

TEST_F(UnguardedZephyrTest, ADoubleFreeAfterAMergeSwallowsALiveBlock) {
  const std::uint32_t a = Malloc(4), b = Malloc(4), c = Malloc(4);
  Malloc(2);
  Free(a);
  Free(b);
  Free(b);
  EXPECT_EQ(Size(a), 12u << 1);
  EXPECT_EQ(Malloc(4), a);
  EXPECT_EQ(Malloc(4), b);
  EXPECT_EQ(Malloc(4), c) << "which was never freed";
}

TEST_F(UnguardedZephyrTest, AnInteriorPointerWithAPlausibleHeaderIsAccepted) {
  const std::uint32_t chunk = Malloc(8), offset = chunk * 8 + 8;  // of the payload
  Poke(offset, 1);                                                // left: the live block
  Poke(offset + 4, 2 << 1 | 1);                                   // 2 units, in use
  Poke(offset + 16 + 4, 1);                                       // what comes then is in use
  Free(chunk + 1);
  EXPECT_EQ(Entry(0), chunk + 1);
  EXPECT_EQ(Malloc(2), chunk + 1) << "memory of a live block";
}

TEST_F(UnguardedZephyrTest, ChunkZeroCanBecomeFree) {
  Malloc(2);
  Poke(12, 0);  // avail, which is taken for chunk 0's link: so it is alone in its ring
  EXPECT_EQ(heap().Free(kHeapStart + 8).outcome, Outcome::kOk);
  EXPECT_THAT(heap().CheckInvariants(), Not(IsEmpty()));
  EXPECT_EQ(Size(0), 20u << 1) << "it was its own neighbour, and merged with itself";
}

TEST_F(UnguardedZephyrTest, AnOverrunMakesALinkLeadAnywhere) {
  const std::uint32_t block = Malloc(4), next = Malloc(4);
  Poke(block * 8 + 32, 0x10000000);  // the next chunk's left
  EXPECT_EQ(heap().Free(Block(next)), (HeapResult{Outcome::kMachineFault, VirtAddr(0x40400074)}));
  EXPECT_THAT(heap().CheckInvariants(), Contains(Field(&Violation::invariant, "Z1")));
}

TEST_F(UnguardedZephyrTest, InvariantsNameWhatIsBroken) {
  const std::uint32_t chunk = Malloc(4);
  Malloc(2);
  Free(chunk);
  const auto broken = [&](std::uint32_t offset, std::uint32_t word) {
    const std::uint32_t before = machine_.Word(kHeapStart + offset);
    Poke(offset, word);
    std::vector<std::string> found;
    for (const Violation& violation : heap().CheckInvariants()) found.push_back(violation.invariant);
    Poke(offset, before);
    return found;
  };
  EXPECT_THAT(broken(chunk * 8, 9), ElementsAre("Z1")) << "left";
  EXPECT_THAT(broken(chunk * 8 + 4, 0), Contains("Z1")) << "size";
  EXPECT_THAT(broken(kLen * 8 + 4, 0), ElementsAre("Z1")) << "the end marker's";
  EXPECT_THAT(broken((chunk + 4) * 8 + 4, 2 << 1), Contains("Z2"));
  EXPECT_THAT(broken(chunk * 8 + 8, 12), Contains("Z3")) << "a link back";
  EXPECT_THAT(broken(chunk * 8 + 12, chunk + 4), Contains("Z3")) << "a link to a live chunk";
  EXPECT_THAT(broken(12, 0), ElementsAre("Z4", "Z4"));
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

}  // namespace
}  // namespace alloclab
