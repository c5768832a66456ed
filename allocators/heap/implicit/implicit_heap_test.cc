// The implicit heap in ordinary use, its options, and its invariants provoked one by one. See also the golden, engines, misuse,
// unguarded and exhaustive tests beside this one.
#include "allocators/heap/implicit/implicit_heap.h"

#include <cstdint>
#include <string>
#include <vector>

#include "allocators/heap/heap_testing.h"
#include "allocators/heap/implicit/boundary_tag.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr VirtAddr kStart{0xC0400000};

class ImplicitHeapTest : public testing::TestWithParam<Engine> {
 protected:
  TestedHeap& heap() { return machine_.heap(); }
  VirtAddr Malloc(std::uint32_t bytes) { return heap().Malloc(bytes).address; }
  void Poke(VirtAddr address, std::uint32_t value) { ASSERT_TRUE(machine_.space().StoreU32(address, value)); }

  HeapMachine machine_{Guarded(GetParam())};
};

INSTANTIATE_TEST_SUITE_P(Engines, ImplicitHeapTest, testing::Values(Engine::kLiteral, Engine::kIndexed),
                         [](const auto& engine) { return engine.param == Engine::kLiteral ? "literal" : "indexed"; });

TEST_P(ImplicitHeapTest, FreshHeapInRam) {
  EXPECT_EQ(machine_.Word(kStart), 5u) << "prologue";
  EXPECT_EQ(machine_.Word(kStart + 4), 4096u) << "header";
  EXPECT_EQ(machine_.Word(kStart + 4096), 4096u) << "footer";
  EXPECT_EQ(machine_.Word(kStart + 4100), 3u) << "epilogue";
  EXPECT_EQ(heap().brk(), kStart + 4100);
  EXPECT_EQ(machine_.space().costs().mapped_frames, 2u);
  EXPECT_EQ(machine_.space().costs().page_table_frames, 65u) << "64 tables for 256 MiB, and the directory";
  EXPECT_TRUE(heap().costs() == HeapCosts{}) << "making it costs nothing";
}

TEST_P(ImplicitHeapTest, CostsOfOneMallocAndFree) {
  const VirtAddr a = Malloc(24);
  HeapCosts costs;
  costs.search_steps = 2;  // prologue and the free chunk
  costs.search_pages = 1;
  costs.words_loaded = 2 + 1 + 2;  // search; place; coalesce: own and next header
  costs.words_stored = 3;          // header, remainder's header and footer
  EXPECT_EQ(heap().costs().words_loaded, costs.words_loaded);
  EXPECT_TRUE(heap().costs() == costs);
  EXPECT_EQ(heap().Counter("splits"), 1u);
  EXPECT_EQ(heap().Counter("merges", "none"), 1u);
  heap().Free(a);
  costs.words_loaded += 1 + 1 + 2;  // free: own and next header; coalesce
  costs.words_stored += 3 + 2;      // free: header, footer, next header; coalesce: header, footer
  EXPECT_EQ(heap().costs().words_loaded, costs.words_loaded);
  EXPECT_TRUE(heap().costs() == costs);
  EXPECT_EQ(heap().Counter("merges", "above"), 1u);
}

TEST_P(ImplicitHeapTest, CostsOfAGrowth) {
  ASSERT_EQ(Malloc(4092), kStart + 8);  // exact fit
  const HeapCosts before = heap().costs();
  ASSERT_EQ(Malloc(100), kStart + 4104);
  EXPECT_EQ(heap().costs().search_steps - before.search_steps, 2u);
  EXPECT_EQ(heap().Counter("grows"), 1u);
  EXPECT_EQ(heap().Counter("grown_bytes"), 104u);
  // Search 2; grow: old marker, header for the next address; coalesce 2; place: header, next header.
  EXPECT_EQ(heap().costs().words_loaded - before.words_loaded, 2u + 2 + 2 + 2);
  // Grow: header, footer, epilogue; place: header, next header.
  EXPECT_EQ(heap().costs().words_stored - before.words_stored, 3u + 2);
}

TEST_P(ImplicitHeapTest, FirstFitTakesTheLowestHole) {
  const VirtAddr a = Malloc(100), b = Malloc(20), c = Malloc(100);
  Malloc(20);
  heap().Free(c);
  heap().Free(a);
  EXPECT_EQ(Malloc(50), a);
  EXPECT_EQ(Malloc(60), c);
  static_cast<void>(b);
}

TEST_P(ImplicitHeapTest, CoalescesInAllFourCases) {
  std::vector<VirtAddr> blocks;
  for (int i = 0; i < 5; ++i) blocks.push_back(Malloc(20));
  heap().Free(blocks[1]);
  EXPECT_EQ(machine_.Draw(), "[A24][.24][A24][A24][A24][.3976]") << "neither";
  heap().Free(blocks[2]);
  EXPECT_EQ(machine_.Draw(), "[A24][.48][A24][A24][.3976]") << "previous";
  heap().Free(blocks[4]);
  EXPECT_EQ(machine_.Draw(), "[A24][.48][A24][.4000]") << "next";
  heap().Free(blocks[3]);
  EXPECT_EQ(machine_.Draw(), "[A24][.4072]") << "both";
  EXPECT_EQ(heap().Counter("merges", "below"), 1u);
  EXPECT_EQ(heap().Counter("merges", "above"), 1u);
  EXPECT_EQ(heap().Counter("merges", "both"), 1u);
  EXPECT_EQ(heap().Counter("merges", "none"), 5u + 1u);
}

TEST_P(ImplicitHeapTest, CallocClearsWhatWasThere) {
  const VirtAddr a = Malloc(100);
  for (std::uint32_t i = 0; i < 100; i += 4) Poke(a + i, 0xFFFFFFFF);
  heap().Free(a);
  const HeapResult cleared = heap().Calloc(5, 19);
  ASSERT_EQ(cleared.address, a);
  for (std::uint32_t i = 0; i < 92; i += 4) EXPECT_EQ(machine_.Word(a + i), 0u) << i;
  EXPECT_EQ(machine_.Word(a + 92) & 0x00FFFFFF, 0u) << "95 bytes";
  EXPECT_EQ(heap().costs().zeroed_bytes, 95u);
}

TEST_P(ImplicitHeapTest, ReallocCopiesTheSmallerPayload) {
  const VirtAddr a = Malloc(20);
  Malloc(4);
  for (std::uint32_t i = 0; i < 20; i += 4) Poke(a + i, i + 1);
  const VirtAddr larger = heap().Realloc(a, 200).address;
  for (std::uint32_t i = 0; i < 20; i += 4) EXPECT_EQ(machine_.Word(larger + i), i + 1);
  const VirtAddr smaller = heap().Realloc(larger, 8).address;
  EXPECT_EQ(smaller, a) << "the old block was freed only after the copy";
  EXPECT_EQ(machine_.Word(smaller + 4), 5u);
  EXPECT_EQ(heap().costs().copied_bytes, 28u);
}

TEST_P(ImplicitHeapTest, ReallocOfNullIsMalloc) { EXPECT_EQ(heap().Realloc(VirtAddr{}, 10).address, kStart + 8); }

TEST_P(ImplicitHeapTest, PrefetchChangesNothing) {
  const VirtAddr a = Malloc(100'000);
  const HeapCosts costs = heap().costs();
  const VmCosts vm = machine_.space().costs();
  for (const VirtAddr block : {a, a + 2, a + 50'000, kStart, heap().brk(), VirtAddr{}, VirtAddr(1), VirtAddr(0xFFFFFFFF)}) {
    heap().allocator().Prefetch(block);
  }
  EXPECT_TRUE(heap().costs() == costs);
  EXPECT_EQ(machine_.space().costs(), vm);
}

TEST_P(ImplicitHeapTest, ShapeCountsEverything) {
  const VirtAddr a = Malloc(96);
  Malloc(40);
  heap().Free(a);
  const HeapShape shape = heap().Shape();
  EXPECT_EQ(shape.blocks, 4u);
  EXPECT_EQ(shape.live_blocks, 1u);
  EXPECT_EQ(shape.live_block_bytes, 44u);
  EXPECT_EQ(shape.free_blocks, 2u);
  EXPECT_EQ(shape.free_bytes, 4096u - 44);
  EXPECT_EQ(shape.largest_free_bytes, 4096u - 44 - 100);
  EXPECT_EQ(shape.free_blocks_by_size[static_cast<std::size_t>(Pow2Histogram::BucketOf(100))], 1u);
  EXPECT_EQ(shape.size_bytes(), 4100u);
  EXPECT_EQ(shape.limit, VirtAddr(0xD0400000));
}

TEST_P(ImplicitHeapTest, VisitStartsWhereAskedAndStopsWhenTold) {
  for (int i = 0; i < 200; ++i) Malloc(100);
  std::vector<std::uint32_t> seen;
  const auto visit = [&](const Block& block) {
    seen.push_back(block.address - kStart.raw());
    return seen.size() < 3;
  };
  const HeapAllocator& allocator = heap().allocator();
  EXPECT_FALSE(allocator.VisitBlocks({.address = (kStart + 4 + 104 * 50 + 60).raw()}, visit));
  EXPECT_THAT(seen, ElementsAre(4 + 104 * 50, 4 + 104 * 51, 4 + 104 * 52)) << "the block that holds the address comes first";
  seen.clear();
  EXPECT_FALSE(allocator.VisitBlocks({.address = (kStart + 4 + 104 * 53).raw(), .exact = true}, visit));
  EXPECT_THAT(seen, ElementsAre(4 + 104 * 53, 4 + 104 * 54, 4 + 104 * 55));
  seen.clear();
  EXPECT_FALSE(allocator.VisitBlocks({}, visit));
  EXPECT_THAT(seen, ElementsAre(0, 4, 108));
  seen.clear();
  EXPECT_FALSE(allocator.VisitBlocks({.address = heap().brk().raw()}, visit));
  EXPECT_THAT(seen, IsEmpty());
}

TEST_P(ImplicitHeapTest, WalkSaysWhereItBreaks) {
  const VirtAddr a = Malloc(40);
  Malloc(40);
  Poke(a - 4, 100'000 | tag::kAllocated);
  int seen = 0;
  const auto broken = heap().allocator().VisitBlocks({}, [&](const Block&) { return ++seen < 100; });
  ASSERT_TRUE(broken);
  EXPECT_EQ(seen, 1) << "the prologue";
  EXPECT_EQ(broken->address, (a - 4).raw());
  EXPECT_THAT(broken->what, HasSubstr("a size of 100000 does not lead to a next chunk"));
}

// Invariants: one word of RAM is changed, and the violation is found where it is.

auto Broken(const std::string& invariant, VirtAddr where, const std::string& what) {
  return AllOf(Field(&Violation::invariant, invariant), Field(&Violation::address, where.raw()),
               Field(&Violation::what, HasSubstr(what)));
}

TEST_P(ImplicitHeapTest, SoundHeapHasNoViolations) {
  const VirtAddr a = Malloc(40);
  Malloc(40);
  heap().Free(a);
  EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
}

TEST_P(ImplicitHeapTest, H1ChainThatLeadsPastTheBreak) {
  const VirtAddr a = Malloc(40);
  Poke(a - 4, 100'000 | tag::kAllocated);
  EXPECT_THAT(heap().CheckInvariants(), ElementsAre(Broken("H1", a - 4, "does not lead to a next chunk")));
}

TEST_P(ImplicitHeapTest, H1ChunkOfNoSize) {
  const VirtAddr a = Malloc(40);
  Poke(a - 4, tag::kAllocated);
  EXPECT_THAT(heap().CheckInvariants(), ElementsAre(Broken("H1", a - 4, "a size of 0")));
}

TEST_P(ImplicitHeapTest, H1Prologue) {
  Poke(kStart, 4);
  EXPECT_THAT(heap().CheckInvariants(), Contains(Broken("H1", kStart, "prologue is 0x4")));
}

TEST_P(ImplicitHeapTest, H1Epilogue) {
  Poke(heap().brk(), 8 | 3);
  EXPECT_THAT(heap().CheckInvariants(), ElementsAre(Broken("H1", heap().brk(), "epilogue")));
}

TEST_P(ImplicitHeapTest, H2Footer) {
  Poke(heap().brk() - 4, 4092);
  EXPECT_THAT(heap().CheckInvariants(), ElementsAre(Broken("H2", kStart + 4, "footer at 0xc0401000 says 4092")));
}

TEST_P(ImplicitHeapTest, H3PreviousFreeBit) {
  const VirtAddr a = Malloc(40);
  Poke(a - 4, 44 | tag::kAllocated | tag::kPreviousFree);
  EXPECT_THAT(heap().CheckInvariants(), ElementsAre(Broken("H3", a - 4, "chunk before is free, but it is not")));
}

TEST_P(ImplicitHeapTest, H3PreviousFreeBitOfTheEpilogue) {
  Poke(heap().brk(), 1);
  EXPECT_THAT(heap().CheckInvariants(), ElementsAre(Broken("H3", heap().brk(), "epilogue")));
}

TEST_P(ImplicitHeapTest, H4TwoFreeNeighbours) {
  const VirtAddr a = Malloc(40);
  Poke(a - 4, 44);
  Poke(a + 36, 44);
  Poke(a + 40, 4052 | tag::kPreviousFree);
  EXPECT_THAT(heap().CheckInvariants(), Contains(Broken("H4", a + 40, "so is the chunk before")));
}

TEST_P(ImplicitHeapTest, ViolationsAreCapped) {
  for (int i = 0; i < 300; ++i) Malloc(4);
  for (std::uint32_t i = 0; i < 300; ++i) Poke(kStart + 4 + 8 * i, 8 | tag::kAllocated | tag::kPreviousFree);
  EXPECT_THAT(heap().CheckInvariants(), SizeIs(kViolationsMax));
}

// A chain that is sound in itself, but not the one the index has seen.
TEST(ChunkIndexTest, H5IndexAgainstRam) {
  HeapMachine machine(Guarded(Engine::kIndexed));
  const VirtAddr a = machine.heap().Malloc(40).address;
  machine.heap().Malloc(40);
  ASSERT_TRUE(machine.space().StoreU32(a - 4, 20 | tag::kAllocated));
  ASSERT_TRUE(machine.space().StoreU32(a + 16, 24 | tag::kAllocated));
  const std::vector<Violation> found = machine.heap().CheckInvariants();
  ASSERT_THAT(found, Not(IsEmpty()));
  for (const Violation& violation : found) EXPECT_EQ(violation.invariant, "H5") << violation.what;
  EXPECT_THAT(found, Contains(Broken("H5", a + 16, "is not in the index")));
}

TEST(ChunkIndexTest, H5FreeChunkThatTheIndexThinksLive) {
  HeapMachine machine(Guarded(Engine::kIndexed));
  const VirtAddr a = machine.heap().Malloc(40).address;
  machine.heap().Malloc(40);
  ASSERT_TRUE(machine.space().StoreU32(a - 4, 44));
  ASSERT_TRUE(machine.space().StoreU32(a + 36, 44));
  ASSERT_TRUE(machine.space().StoreU32(a + 40, 44 | tag::kAllocated | tag::kPreviousFree));
  EXPECT_THAT(machine.heap().CheckInvariants(), Contains(Broken("H5", a - 4, "the index says otherwise")));
}

TEST(ChunkIndexTest, NextToNothingForPagesWithoutChunks) {
  HeapMachine machine(Guarded(Engine::kIndexed));
  EXPECT_LT(machine.heap().host_bytes(), 2'500u) << "idle";
  ASSERT_EQ(machine.heap().Malloc(200 << 20).outcome, Outcome::kOk);
  EXPECT_LT(machine.heap().host_bytes(), (200u << 20) / 2000);
}

TEST(ChunkIndexTest, AtMostATenthOfTheTouchedHeap) {
  HeapMachine machine(Guarded(Engine::kIndexed));
  for (int i = 0; i < 300'000; ++i) machine.heap().Malloc(60);
  EXPECT_LT(machine.heap().host_bytes(), std::uint64_t{machine.space().costs().mapped_frames} * 4096 / 10);
}

TEST(ChunkIndexTest, AtMostATenthOfTheTouchedHeapWhenChunksAreFarApart) {
  HeapMachine machine(Guarded(Engine::kIndexed));
  for (int i = 0; i < 2'000; ++i) machine.heap().Malloc(65'536);
  EXPECT_LT(machine.heap().host_bytes(), std::uint64_t{machine.space().costs().mapped_frames} * 4096 / 5)
      << "one page in 16 is touched, and each has its group to itself";
}

// Options.

absl::Status StatusOf(const ImplicitHeapOptions& options, std::uint64_t ram_bytes = 64 << 20) {
  PhysicalMemory memory(ram_bytes);
  BudgetedFrames frames(memory.frame_count());
  const auto space = AddressSpace::Create(memory, frames);
  return MakeImplicitHeap(**space, options).status();
}

TEST(ImplicitHeapOptionsTest, BadOnesAreNamed) {
  const std::vector<std::pair<ImplicitHeapOptions, std::string>> cases = {
      {{.engine = Engine::kIndexed, .guarded = false}, "engine"},
      {{.start = VirtAddr(0xC0401000)}, "start"},
      {{.start = VirtAddr(0)}, "start"},
      {{.limit_bytes = 0}, "limit_bytes"},
      {{.limit_bytes = (4 << 20) + 4096}, "limit_bytes"},
      {{.limit_bytes = 0x40000000}, "limit_bytes"},
      {{.start = VirtAddr(0x400000), .limit_bytes = 0x80000000}, "limit_bytes"},
      {{.initial_bytes = 0}, "initial_bytes"},
      {{.initial_bytes = 4098}, "initial_bytes"},
      {{.limit_bytes = 4 << 20, .initial_bytes = (4 << 20) - 8}, "initial_bytes"},
  };
  for (const auto& [options, field] : cases) {
    const absl::Status status = StatusOf(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field;
    EXPECT_THAT(std::string(status.message()), HasSubstr(field + ":"));
  }
}

TEST(ImplicitHeapOptionsTest, ExtremesThatFit) {
  EXPECT_TRUE(StatusOf({.limit_bytes = 4 << 20, .initial_bytes = (4 << 20) - 12}).ok());
  EXPECT_TRUE(StatusOf({.limit_bytes = 0x3F800000, .initial_bytes = 8}).ok());
  EXPECT_TRUE(StatusOf({.start = VirtAddr(0x400000), .limit_bytes = 0x7FC00000}).ok());
}

TEST(ImplicitHeapOptionsTest, TooLittleRam) {
  EXPECT_TRUE(StatusOf({}, 1 << 20).ok()) << "directory, 64 page tables and two pages fit 1 MiB";
  EXPECT_EQ(StatusOf({.limit_bytes = 0x3FC00000 - (4 << 20)}, 1 << 20).code(), absl::StatusCode::kResourceExhausted)
      << "tables";
  PhysicalMemory memory(1 << 20);
  BudgetedFrames frames(memory.frame_count());
  const auto space = AddressSpace::Create(memory, frames);
  frames.set_budget(65);
  EXPECT_EQ(MakeImplicitHeap(**space, {}).status().code(), absl::StatusCode::kResourceExhausted) << "one page short";
}

}  // namespace
}  // namespace alloclab
