// The heaps of programs as blocks, with a walker of their own and without.
#include <algorithm>
#include <fstream>
#include <iterator>

#include "allocators/guest/guest_heap.h"
#include "allocators/heap/heap_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

HeapMachine::Make MakeGuest(const std::string& name) {
  return [=](AddressSpace& space) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
    std::ifstream file(ALLOCLAB_SOURCE_DIR "/allocators/guest/testdata/programs/" + name + ".elf", std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    auto heap = GuestHeap::Create(space, std::make_shared<const ElfProgram>(*ElfProgram::Parse(bytes)), {});
    if (!heap.ok()) return heap.status();
    return std::make_unique<HeapGuard>(*std::move(heap), HeapGuard::Mode::kGuarded);
  };
}

std::vector<Block> Walk(HeapMachine& machine, std::optional<BrokenWalk>& broken, BlockCursor from = {}) {
  std::vector<Block> blocks;
  broken = machine.heap().allocator().VisitBlocks(from, [&](const Block& block) {
    blocks.push_back(block);
    return true;
  });
  return blocks;
}
std::vector<Block> WalkWell(HeapMachine& machine, BlockCursor from = {}) {
  std::optional<BrokenWalk> broken;
  std::vector<Block> blocks = Walk(machine, broken, from);
  EXPECT_FALSE(broken) << broken->what;
  return blocks;
}

std::uint64_t Sum(const std::vector<Block>& blocks, BlockKind kind) {
  std::uint64_t bytes = 0;
  for (const Block& block : blocks) bytes += block.kind == kind ? block.bytes : 0;
  return bytes;
}

TEST(GuestHeapWalk, AWalkerTellsWhatIsFree) {
  HeapMachine machine(MakeGuest("explicit_list"));
  TestedHeap& heap = machine.heap();
  EXPECT_TRUE(heap.allocator().declaration().shows_blocks);
  const VirtAddr first = heap.Malloc(100).address, second = heap.Malloc(200).address;
  (void)heap.Malloc(300);
  ASSERT_EQ(heap.Free(second).outcome, Outcome::kOk);
  const std::vector<Block> blocks = WalkWell(machine);
  std::uint64_t at = heap.allocator().start().raw();
  for (const Block& block : blocks) {
    EXPECT_EQ(block.address, at);
    at += block.bytes;
  }
  EXPECT_EQ(at, heap.brk().raw());
  // 200 bytes and 8 of its own; and what is left of a page behind 8 bytes, 108, 208 and 308, rounded up to eights.
  const std::uint64_t rest = 4096 - 112 - 208 - 312;
  EXPECT_EQ(Sum(blocks, BlockKind::kFree), 208 + rest);
  EXPECT_EQ(Sum(blocks, BlockKind::kLive), 400u);
  const HeapShape shape = heap.Shape();
  EXPECT_EQ(shape.free_blocks, 2u);
  EXPECT_EQ(shape.largest_free_bytes, rest);
  EXPECT_EQ(shape.live_blocks, 2u);
  // Guarded, it is known what somebody frees who may not.
  EXPECT_EQ(heap.Free(first + 8).outcome, Outcome::kInteriorPointer);
  EXPECT_EQ(heap.Free(second).outcome, Outcome::kDoubleFree);
}

TEST(GuestHeapWalk, GoesOnAnywhereAndStopsWhenToldTo) {
  for (const char* name : {"explicit_list", "implicit"}) {
    HeapMachine machine(MakeGuest(name));
    std::vector<VirtAddr> live;
    for (std::uint32_t i = 0; i < 60; ++i) live.push_back(machine.heap().Malloc(40 + i * 37 % 500).address);
    for (std::size_t i = 0; i < live.size(); i += 3) ASSERT_EQ(machine.heap().Free(live[i]).outcome, Outcome::kOk);
    const std::vector<Block> all = WalkWell(machine);
    ASSERT_GT(all.size(), 50u);
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (const std::uint32_t offset : {0u, static_cast<std::uint32_t>(all[i].bytes - 1)}) {
        EXPECT_EQ(WalkWell(machine, {.address = all[i].address + offset}),
                  std::vector<Block>(all.begin() + static_cast<std::ptrdiff_t>(i), all.end()));
      }
    }
    int seen = 0;
    machine.heap().allocator().VisitBlocks({}, [&](const Block&) { return ++seen < 3; });
    EXPECT_EQ(seen, 3);
  }
}

// Whatever a walker does is undone: words, pages, frames, counts.
TEST(GuestHeapWalk, ChangesNothing) {
  for (const std::uint32_t way : {7u, 8u}) {
    HeapMachine machine(MakeGuest("walks_wrongly"));
    ASSERT_EQ(machine.heap().Malloc(way).outcome, Outcome::kOk);
    const auto words = machine.Words();
    const auto counts = machine.heap().Counts();
    const HeapCosts costs = machine.heap().costs();
    const VmCosts vm = machine.space().costs();
    const std::uint32_t frames = machine.frames().budget();
    EXPECT_EQ(Sum(WalkWell(machine), BlockKind::kFree), way == 7 ? 0u : 64u);
    EXPECT_EQ(machine.Words(), words);
    EXPECT_EQ(machine.heap().Counts(), counts);
    EXPECT_EQ(machine.heap().costs(), costs);
    EXPECT_TRUE(machine.space().costs() == vm);
    EXPECT_EQ(machine.frames().budget(), frames);
    EXPECT_EQ(machine.heap().Malloc(8).outcome, Outcome::kOk);
    EXPECT_EQ(machine.heap().CheckInvariants().size(), 0u);
  }
}

TEST(GuestHeapWalk, SaysWhatAWalkerDoesWrong) {
  const struct {
    std::uint32_t way;
    const char* what;
  } kWrong[] = {
      {1, "(walks_wrongly.c:34): write at 0x00000000: a null pointer"},
      {2, "is not at its end after 10000000 instructions"},
      {3, "asks the lab for a service"},
      {4, "tells of 64 bytes at"},
      {5, "tells of 0 bytes at"},
      {6, "asks the lab for a service"},
      {9, "tells of 8 free bytes at"},
      {10, "there is the live block of 10 bytes"},
      {99, "mm_malloc died at mm_malloc+"},
  };
  for (const auto& wrong : kWrong) {
    HeapMachine machine(MakeGuest("walks_wrongly"));
    (void)machine.heap().Malloc(wrong.way);
    std::optional<BrokenWalk> broken;
    (void)Walk(machine, broken);
    ASSERT_TRUE(broken) << wrong.way;
    EXPECT_THAT(broken->what, HasSubstr(wrong.what));
    EXPECT_EQ(machine.heap().CheckInvariants().size(), wrong.way == 99 ? 1u : 0u);  // a walker is no part of the heap
    EXPECT_TRUE(machine.heap().Shape().broken);
  }
}

TEST(GuestHeapWalk, WithoutOneWhatIsLiveAndWhatIsUntouchedIsShown) {
  HeapMachine machine(MakeGuest("kr"));  // takes 64 KiB at a time, and writes headers alone
  EXPECT_FALSE(machine.heap().allocator().declaration().shows_blocks);
  const VirtAddr block = machine.heap().Malloc(1000).address;
  const std::vector<Block> blocks = WalkWell(machine);
  const std::uint32_t heap_bytes = machine.heap().brk() - machine.heap().allocator().start();
  EXPECT_EQ(Sum(blocks, BlockKind::kLive), 1000u);
  EXPECT_EQ(Sum(blocks, BlockKind::kFree), heap_bytes - 2 * kPageBytes) << "all pages but the first and the last are untouched";
  EXPECT_EQ(Sum(blocks, BlockKind::kLive) + Sum(blocks, BlockKind::kFree) + Sum(blocks, BlockKind::kMetadata), heap_bytes);
  const auto live = std::find_if(blocks.begin(), blocks.end(), [](const Block& each) { return each.kind == BlockKind::kLive; });
  EXPECT_EQ(live->payload, block.raw());
  EXPECT_EQ(machine.heap().Shape().live_blocks, 1u);
  EXPECT_EQ(machine.heap().Shape().free_bytes, 0u);  // not known
  EXPECT_EQ(machine.heap().Free(block + 8).outcome, Outcome::kDoubleFree);
}

TEST(GuestHeapWalk, ABlockOfNoBytesIsShownWithItsFirst) {
  HeapMachine machine(MakeGuest("kr"));
  const VirtAddr block = machine.heap().Malloc(0).address;
  ASSERT_FALSE(block.is_null());
  const std::vector<Block> blocks = WalkWell(machine);
  EXPECT_EQ(std::count_if(blocks.begin(), blocks.end(), [&](const Block& each) { return each.payload == block.raw(); }),
            block < machine.heap().brk() ? 1 : 0);
}

}  // namespace
}  // namespace alloclab
