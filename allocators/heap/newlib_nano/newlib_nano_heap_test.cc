// What is newlib-nano's own, worked out by hand, and what the original does when it is misused. A chunk at an offset that ends
// in 0 or 8 has its payload 8 bytes on, others 4.
#include "allocators/heap/newlib_nano/newlib_nano_heap.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "allocators/heap/heap_range.h"
#include "allocators/heap/heap_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::uint32_t kLimitBytes = 4 << 20;

HeapMachine::Make MakeNano(HeapGuard::Mode mode) {
  return [mode](AddressSpace& space) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
    if (absl::Status status = ReserveHeapRange(space, "heap.limit_bytes", kLimitBytes); !status.ok()) return status;
    return std::make_unique<HeapGuard>(std::make_unique<NewlibNanoHeap>(space, kLimitBytes), mode);
  };
}

class NewlibNanoTest : public testing::Test {
 protected:
  explicit NewlibNanoTest(HeapGuard::Mode mode = HeapGuard::Mode::kGuarded) : machine_(MakeNano(mode)) {}

  TestedHeap& heap() { return machine_.heap(); }
  // Blocks by their offset from the heap's start.
  std::uint32_t Malloc(std::uint32_t bytes) {
    const HeapResult result = heap().Malloc(bytes);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    return result.address - kHeapStart;
  }
  HeapResult TryFree(std::uint32_t block) { return heap().Free(kHeapStart + block); }
  void Free(std::uint32_t block) { EXPECT_EQ(TryFree(block).outcome, Outcome::kOk); }
  std::uint32_t Break() { return heap().brk() - kHeapStart; }
  std::uint32_t Word(std::uint32_t offset) { return machine_.Word(kHeapStart + offset); }
  void Poke(std::uint32_t offset, std::uint32_t word) { ASSERT_TRUE(machine_.space().StoreU32(kHeapStart + offset, word)); }
  std::uint64_t FreeList() { return heap().allocator().FigureValues()[0]; }

  HeapMachine machine_;
};

class UnguardedNewlibNanoTest : public NewlibNanoTest {
 protected:
  UnguardedNewlibNanoTest() : NewlibNanoTest(HeapGuard::Mode::kUnguarded) {}
};

std::vector<std::uint32_t> Metadata(const HeapAllocator& heap) {
  std::vector<std::uint32_t> words;
  heap.VisitMetadata([&words](std::uint32_t word) { words.push_back(word); });
  return words;
}

TEST_F(NewlibNanoTest, ARefusedFirstRequestLeavesNoTrace) {
  const std::vector<std::uint32_t> before = Metadata(heap().allocator());
  EXPECT_EQ(heap().Malloc(0x7000'0000).outcome, Outcome::kHeapLimit);
  EXPECT_EQ(Metadata(heap().allocator()), before);
}

TEST_F(UnguardedNewlibNanoTest, ARefusedFirstRequestNotesTheFirstBreak) {
  const std::vector<std::uint32_t> before = Metadata(heap().allocator());
  EXPECT_EQ(heap().Malloc(0x7000'0000).outcome, Outcome::kOutOfMemory);
  EXPECT_NE(Metadata(heap().allocator()), before);
}

TEST_F(NewlibNanoTest, APayloadIsAtAMultipleOfEight) {
  EXPECT_EQ(Malloc(0), 8u) << "of no bytes: a chunk of 12";
  EXPECT_EQ(Word(0), 12u);
  EXPECT_EQ(Word(4), 0xFFFFFFFCu) << "from the payload's place back to the size";
  EXPECT_EQ(Malloc(1), 16u) << "the chunk is at 12: its size is just in front";
  EXPECT_EQ(Word(12), 12u);
  EXPECT_EQ(Malloc(13), 32u) << "the chunk is at 24";
  EXPECT_EQ(Break(), 24u + 24) << "16 and 8";
  EXPECT_EQ(heap().Counter("grows"), 3u);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

TEST_F(NewlibNanoTest, TheEndOfAChunkIsHandedOutAndLittleRestsGoWithIt) {
  const std::uint32_t large = Malloc(112), wall = Malloc(4);  // of 120 and 12 bytes
  Free(large);
  EXPECT_EQ(Malloc(12), 104u) << "the chunk at 100, of 20";
  EXPECT_EQ(Word(0), 100u);
  EXPECT_EQ(Malloc(80), 16u) << "the chunk at 12, of 88; 12 bytes remain";
  EXPECT_EQ(machine_.Draw(), "[.12][A88][A20][A12]");
  EXPECT_EQ(heap().Counter("splits"), 2u);
  Free(16);
  EXPECT_EQ(Malloc(84), 8u) << "of 92 the 100 leave 8, which it has too";
  EXPECT_EQ(machine_.Draw(), "[A100][A20][A12]");
  EXPECT_EQ(heap().Counter("exact_fits"), 1u);
  EXPECT_EQ(FreeList(), 0u);
  EXPECT_EQ(wall, 128u) << "chunk 120";
}

TEST_F(NewlibNanoTest, TheBreakMovesByTheWholeRequestThoughTheEndIsFree) {
  const std::uint32_t block = Malloc(100);
  EXPECT_EQ(Break(), 108u);
  Free(block);
  EXPECT_EQ(Malloc(104), 112u);
  EXPECT_EQ(Break(), 108u + 112);
  EXPECT_EQ(machine_.Draw(), "[.108][A112]");
}

TEST_F(NewlibNanoTest, AFreeMergesWithBothNeighbours) {
  std::uint32_t blocks[6];
  for (std::uint32_t& block : blocks) block = Malloc(8);  // chunks of 16
  Free(blocks[1]);
  Free(blocks[0]);
  EXPECT_EQ(heap().Counter("merges", "above"), 1u) << "in front of the head";
  Free(blocks[4]);
  Free(blocks[3]);
  EXPECT_EQ(heap().Counter("merges", "above"), 2u) << "behind it";
  EXPECT_EQ(machine_.Draw(), "[.32][A16][.32][A16]");
  Free(blocks[2]);
  EXPECT_EQ(heap().Counter("merges", "both"), 1u);
  Free(blocks[5]);
  EXPECT_EQ(heap().Counter("merges", "below"), 1u);
  EXPECT_EQ(heap().Counter("merges", "none"), 2u);
  EXPECT_EQ(machine_.Draw(), "[.96]");
  EXPECT_EQ(FreeList(), kHeapStart.raw());
}

TEST_F(NewlibNanoTest, CountsWhatSearchesAndFreesLookAt) {
  std::uint32_t blocks[5];
  for (std::uint32_t& block : blocks) block = Malloc(8);  // chunks of 16 at 0, 16, 32, 48, 64
  Free(blocks[0]);
  Free(blocks[2]);
  heap().guard().ResetCosts();
  Free(blocks[4]);
  EXPECT_EQ(heap().costs().search_steps, 2u) << "from the head to the chunk at 32, and from there to the end";
  EXPECT_EQ(heap().Counter("place_steps"), 2u);
  EXPECT_EQ(heap().costs().words_loaded, 2u + 2 + 1 + 1) << "the block's -4 twice, two links, two sizes";
  EXPECT_EQ(heap().costs().words_stored, 2u);
  heap().guard().ResetCosts();
  Malloc(20);
  EXPECT_EQ(heap().costs().search_steps, 3u);
  EXPECT_EQ(heap().costs().search_pages, 1u);
  EXPECT_EQ(heap().costs().words_loaded, 6u) << "size and link of each";
  EXPECT_EQ(heap().costs().words_stored, 2u) << "the new chunk's size, and the -4 behind it";
}

TEST_F(NewlibNanoTest, RefusesWhatHasNoThirtyOneBits) {
  EXPECT_EQ(heap().Malloc(0x7FFFFFF4).outcome, Outcome::kHeapLimit);
  EXPECT_EQ(heap().Malloc(0x7FFFFFF5).outcome, Outcome::kSizeOverflow);
  EXPECT_EQ(Break(), 0u);
}

TEST_F(UnguardedNewlibNanoTest, NullForSizesThatWrap) {
  for (const std::uint32_t bytes : {0x7FFFFFF4u, 0x7FFFFFF5u, 0xFFFFFFF4u, 0xFFFFFFFCu, 0xFFFFFFFDu, 0xFFFFFFFFu}) {
    EXPECT_EQ(heap().Malloc(bytes), (HeapResult{Outcome::kOutOfMemory, VirtAddr{}})) << bytes;
  }
  EXPECT_EQ(Break(), 0u);
}

TEST_F(UnguardedNewlibNanoTest, AFreeOfAListedChunkIsNoticed) {
  const std::uint32_t block = Malloc(8);
  Malloc(8);
  Free(block);
  const std::vector<std::uint32_t> before = machine_.Headers();
  Free(block);
  EXPECT_EQ(heap().Counter("double_frees_noticed"), 1u);
  EXPECT_EQ(machine_.Headers(), before);
}

TEST_F(UnguardedNewlibNanoTest, TheLinkOfAListedChunkIsTakenForTheWayToItsSize) {
  std::uint32_t blocks[4];
  for (std::uint32_t& block : blocks) block = Malloc(8);  // chunks at 0, 16, 32, 48
  Free(blocks[2]);
  Free(blocks[0]);
  EXPECT_EQ(Word(4), kHeapStart.raw() + 32);
  // 0xC0400004 and the link's 0xC0400020, modulo 2^32.
  EXPECT_EQ(TryFree(blocks[0]), (HeapResult{Outcome::kMachineFault, VirtAddr(0x80800024)}));
}

TEST_F(UnguardedNewlibNanoTest, BelowTheHeadNothingIsChecked) {
  const std::uint32_t a = Malloc(8), b = Malloc(8), c = Malloc(8), wall = Malloc(8);
  Free(a);
  Free(b);
  EXPECT_EQ(Malloc(24), a) << "both chunks";
  Free(c);
  Free(b);
  EXPECT_EQ(FreeList(), kHeapStart.raw() + 16) << "in the middle of a live block";
  EXPECT_EQ(heap().Counter("double_frees_noticed"), 0u);
  EXPECT_EQ(Malloc(8), c) << "the end of the two that it was merged with";
  EXPECT_EQ(Malloc(8), b) << "handed out again";
  EXPECT_EQ(wall, 56u);
}

TEST_F(UnguardedNewlibNanoTest, AnInteriorPointerWithASmallWordInFrontIsAccepted) {
  const std::uint32_t block = Malloc(64);
  Poke(block + 20, 24);
  Free(block + 24);
  EXPECT_EQ(FreeList(), kHeapStart.raw() + block + 20);
  EXPECT_EQ(Malloc(12), block + 24) << "memory of a live block";
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty()) << "the piece has left the list again";
}

TEST_F(UnguardedNewlibNanoTest, AnOverrunMakesTheNextChunkAnySize) {
  const std::uint32_t block = Malloc(12), next = Malloc(16);  // chunks of 20 and 24; the second one's size is at 20
  Poke(block + 12, 4096);
  Free(next);
  EXPECT_THAT(heap().CheckInvariants(), Not(IsEmpty()));
  EXPECT_EQ(Malloc(2000), 20u + 4096 - 2008 + 4) << "beyond the break";
}

TEST_F(UnguardedNewlibNanoTest, AListThatRunsInACircleHangs) {
  const std::uint32_t block = Malloc(8);
  Malloc(8);
  Free(block);
  Poke(4, kHeapStart.raw());
  EXPECT_EQ(heap().Malloc(100).outcome, Outcome::kMachineHang);
  EXPECT_EQ(TryFree(24).outcome, Outcome::kMachineHang);
}

TEST_F(UnguardedNewlibNanoTest, InvariantsNameWhatIsBroken) {
  const std::uint32_t block = Malloc(8);
  Malloc(8);
  const auto broken = [&](std::uint32_t offset, std::uint32_t word) {
    const std::uint32_t before = Word(offset);
    Poke(offset, word);
    const std::vector<Violation> found = heap().CheckInvariants();
    Poke(offset, before);
    return found;
  };
  EXPECT_THAT(broken(0, 8), ElementsAre(Field(&Violation::invariant, "N1")));
  EXPECT_THAT(broken(4, 0), ElementsAre(Field(&Violation::invariant, "N4")));
  Free(block);
  EXPECT_THAT(broken(4, kHeapStart.raw() + 16), ElementsAre(Field(&Violation::invariant, "N3")));
  EXPECT_THAT(broken(4, kHeapStart.raw() + 12), ElementsAre(Field(&Violation::invariant, "N2")));
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

}  // namespace
}  // namespace alloclab
