// Invalid use and refused requests on a guarded heap: each has its own outcome and changes nothing. Both engines.
#include <cstdint>
#include <functional>
#include <vector>

#include "allocators/heap/heap_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::IsEmpty;

class MisuseTest : public testing::TestWithParam<Engine> {
 protected:
  explicit MisuseTest(std::uint64_t ram_bytes = 16 << 20) : machine_(Guarded(GetParam()), ram_bytes) {}

  TestedHeap& heap() { return machine_.heap(); }
  VirtAddr Malloc(std::uint32_t bytes) {
    const HeapResult result = heap().Malloc(bytes);
    EXPECT_EQ(result.outcome, Outcome::kOk);
    return result.address;
  }

  // Expects the outcome, a null address, and that heap, break, RAM and page tables are as before. Only the search may be
  // counted.
  void ExpectRefused(const std::function<HeapResult()>& call, Outcome outcome) {
    const std::vector<std::uint32_t> headers = machine_.Headers();
    const bool small = heap().Shape().size_bytes() < 1 << 20;
    const std::vector<std::uint32_t> words = small ? machine_.Words() : std::vector<std::uint32_t>{};
    const HeapShape shape = heap().Shape();
    HeapCosts costs = heap().costs();
    const VmCosts vm = machine_.space().costs();
    const HeapResult result = call();
    EXPECT_EQ(result.outcome, outcome);
    EXPECT_EQ(result.address, VirtAddr{});
    EXPECT_EQ(heap().Shape(), shape);
    EXPECT_EQ(machine_.Headers(), headers);
    EXPECT_TRUE(!small || machine_.Words() == words);
    EXPECT_EQ(machine_.space().costs(), vm);
    const std::uint64_t visited = heap().costs().search_steps - costs.search_steps;
    costs.search_steps += visited;
    costs.words_loaded += visited;
    costs.search_pages = heap().costs().search_pages;
    EXPECT_TRUE(heap().costs() == costs);
    EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
  }
  void ExpectFreeRefused(VirtAddr block, Outcome outcome) {
    ExpectRefused([&] { return heap().Free(block); }, outcome);
    ExpectRefused([&] { return heap().Realloc(block, 100); }, outcome);
    ExpectRefused([&] { return heap().Realloc(block, 0); }, outcome);
  }

  HeapMachine machine_;
};

TEST_P(MisuseTest, DoubleFree) {
  Malloc(24);
  const VirtAddr b = Malloc(24);
  Malloc(24);
  heap().Free(b);
  ExpectFreeRefused(b, Outcome::kDoubleFree);
}

TEST_P(MisuseTest, DoubleFreeOfABlockThatWasMergedWithTheOneBefore) {
  const VirtAddr a = Malloc(24), b = Malloc(24);
  Malloc(24);
  heap().Free(a);
  heap().Free(b);
  ExpectFreeRefused(b, Outcome::kDoubleFree);
}

TEST_P(MisuseTest, DoubleFreeOfTheLastBlock) {
  const VirtAddr a = Malloc(24);
  heap().Free(a);
  ExpectFreeRefused(a, Outcome::kDoubleFree);
}

TEST_P(MisuseTest, FreeOfABlockGivenOutAgainIsAFree) {
  const VirtAddr a = Malloc(24);
  heap().Free(a);
  EXPECT_EQ(Malloc(24), a);
  EXPECT_EQ(heap().Free(a).outcome, Outcome::kOk) << "a stale pointer to a live block cannot be told from a good one";
}

TEST_P(MisuseTest, InteriorPointer) {
  const VirtAddr a = Malloc(24);
  ExpectFreeRefused(a + 8, Outcome::kInteriorPointer);
}

TEST_P(MisuseTest, InteriorPointerBehindAForgedHeader) {
  const VirtAddr a = Malloc(24);
  ASSERT_TRUE(machine_.space().StoreU32(a + 4, 0x21));
  ExpectFreeRefused(a + 8, Outcome::kInteriorPointer);
}

TEST_P(MisuseTest, InteriorPointerFarIntoABlockOfManyPages) {
  const VirtAddr a = Malloc(3 << 20);
  ExpectFreeRefused(a + (2 << 20), Outcome::kInteriorPointer);
}

TEST_P(MisuseTest, MetadataIsNoBlock) {
  ExpectFreeRefused(VirtAddr(0xC0400000), Outcome::kInteriorPointer);  // the prologue
  ExpectFreeRefused(VirtAddr(0xC0400004), Outcome::kDoubleFree);       // the header of the free chunk
  const VirtAddr a = Malloc(24);
  ExpectFreeRefused(a - 4, Outcome::kInteriorPointer);  // the header of a live one
}

TEST_P(MisuseTest, EpilogueIsForeign) { ExpectFreeRefused(heap().brk() + 4, Outcome::kForeignPointer); }

TEST_P(MisuseTest, PointersOutsideTheHeap) {
  for (const std::uint32_t raw : {4u, 1u, 0xC03FFFFCu, 0xD0400000u, 0xFFFFFFFCu, 0xFFFFFFFFu}) {
    ExpectFreeRefused(VirtAddr(raw), Outcome::kForeignPointer);
  }
}

TEST_P(MisuseTest, MisalignedPointer) {
  const VirtAddr a = Malloc(24);
  for (const std::uint32_t off : {1u, 2u, 3u}) ExpectFreeRefused(a + off, Outcome::kMisalignedPointer);
}

TEST_P(MisuseTest, SizesThatWrapWithHeaderOrEpilogue) {
  for (std::uint32_t bytes = 0xFFFFFFF5; bytes != 0; ++bytes) {
    ExpectRefused([&] { return heap().Malloc(bytes); }, Outcome::kSizeOverflow);
    ExpectRefused([&] { return heap().Realloc(VirtAddr{}, bytes); }, Outcome::kSizeOverflow);
  }
  for (const std::uint32_t bytes : {0xFFFFFFF0u, 0xFFFFFFF4u, 0x80000000u}) {
    ExpectRefused([&] { return heap().Malloc(bytes); }, Outcome::kHeapLimit);
  }
}

TEST_P(MisuseTest, ReallocToASizeThatWraps) {
  const VirtAddr a = Malloc(24);
  ExpectRefused([&] { return heap().Realloc(a, 0xFFFFFFFE); }, Outcome::kSizeOverflow);
}

TEST_P(MisuseTest, CallocProductsThatDoNotFit) {
  const std::vector<std::pair<std::uint32_t, std::uint32_t>> products = {
      {0x10001, 0x10001}, {0x8001, 0x20001}, {0x11111, 0xF0F1}, {0xFE98, 0x1016B}, {3, 0x60000000}, {0x10000, 0x10000}};
  for (const auto& [count, bytes] : products) {
    ExpectRefused([&, n = count, e = bytes] { return heap().Calloc(n, e); }, Outcome::kSizeOverflow);
  }
}

TEST_P(MisuseTest, NullIsFreedInPeace) {
  const HeapCosts before = heap().costs();
  EXPECT_EQ(heap().Free(VirtAddr{}).outcome, Outcome::kOk);
  EXPECT_TRUE(heap().costs() == before);
}

TEST_P(MisuseTest, ZeroBytesAreNull) {
  ExpectRefused([&] { return heap().Malloc(0); }, Outcome::kZeroSize);
  ExpectRefused([&] { return heap().Calloc(0, 8); }, Outcome::kZeroSize);
  ExpectRefused([&] { return heap().Calloc(8, 0); }, Outcome::kZeroSize);
  ExpectRefused([&] { return heap().Realloc(VirtAddr{}, 0); }, Outcome::kZeroSize);
  const VirtAddr a = Malloc(24);
  ExpectRefused([&] { return heap().Realloc(a, 0); }, Outcome::kZeroSize);
  EXPECT_EQ(heap().Free(a).outcome, Outcome::kOk) << "still there";
}

TEST_P(MisuseTest, HeapLimit) {
  ExpectRefused([&] { return heap().Malloc(268431348); }, Outcome::kHeapLimit);
  EXPECT_EQ(heap().Malloc(268431344).address, VirtAddr(0xC0400008));
  EXPECT_EQ(heap().brk(), VirtAddr(0xD03FFFF8));
  ExpectRefused([&] { return heap().Malloc(5000); }, Outcome::kHeapLimit);
  EXPECT_EQ(heap().Malloc(4092).outcome, Outcome::kOk) << "what is free can be used";
}

TEST_P(MisuseTest, FragmentedAtTheLimit) {
  std::vector<VirtAddr> blocks;
  for (int i = 0; i < 8; ++i) blocks.push_back(Malloc(30 << 20));
  for (std::size_t i = 0; i < blocks.size(); i += 2) heap().Free(blocks[i]);
  ExpectRefused([&] { return heap().Malloc(100 << 20); }, Outcome::kFragmented);
  ExpectRefused([&] { return heap().Malloc(200 << 20); }, Outcome::kHeapLimit);
}

// Frames: `budget` is what the machine has left.

TEST_P(MisuseTest, GrowthNeedsFramesForFooterAndEpilogue) {
  machine_.frames().set_budget(1);
  ExpectRefused([&] { return heap().Malloc(100'000); }, Outcome::kOutOfMemory);
  machine_.frames().set_budget(2);
  EXPECT_EQ(heap().Malloc(100'000).outcome, Outcome::kOk);
  EXPECT_EQ(machine_.frames().budget(), 0u) << "the place of the remainder's header is one of them";
}

TEST_P(MisuseTest, SplitNeedsAFrameForTheRemainder) {
  const VirtAddr big = Malloc(100'000);
  heap().Free(big);
  machine_.frames().set_budget(0);
  ExpectRefused([&] { return heap().Malloc(50'000); }, Outcome::kOutOfMemory);
  machine_.frames().set_budget(1);
  EXPECT_EQ(heap().Malloc(50'000).address, VirtAddr(0xC0400008));
}

TEST_P(MisuseTest, CallocNeedsAllFramesOfItsPayload) {
  machine_.frames().set_budget(23);
  ExpectRefused([&] { return heap().Calloc(1, 100'000); }, Outcome::kOutOfMemory);
  machine_.frames().set_budget(24);
  EXPECT_EQ(heap().Calloc(1, 100'000).outcome, Outcome::kOk) << "pages 0 to 25, two of which are there";
}

TEST_P(MisuseTest, ReallocNeedsTheFramesOfSourceAndTarget) {
  const VirtAddr a = Malloc(40'000);    // pages 0 to 9; 2 to 8 were never touched
  const std::uint32_t needed = 7 + 10;  // the new block: pages 9 to 19, 9 and 10 are there; and the new epilogue's
  machine_.frames().set_budget(needed - 1);
  ExpectRefused([&] { return heap().Realloc(a, 40'000); }, Outcome::kOutOfMemory);
  machine_.frames().set_budget(needed);
  EXPECT_EQ(heap().Realloc(a, 40'000).outcome, Outcome::kOk);
  EXPECT_EQ(machine_.frames().budget(), 0u);
}

TEST_P(MisuseTest, FreeMayNeedAFrameForItsFooter) {
  // The next header lies on a page border, and the page before it, where the footer goes, was never touched.
  const VirtAddr hole = Malloc(5 * 4096);
  Malloc(4);
  heap().Free(hole);
  const VirtAddr a = Malloc(3 * 4096 - 8);
  ASSERT_EQ(a + (3 * 4096 - 8), VirtAddr(0xC0403000));
  machine_.frames().set_budget(0);
  ExpectRefused([&] { return heap().Free(a); }, Outcome::kOutOfMemory);
  machine_.frames().set_budget(1);
  EXPECT_EQ(heap().Free(a).outcome, Outcome::kOk);
}

TEST_P(MisuseTest, FragmentedWhenFramesAreGone) {
  const VirtAddr a = Malloc(2000), b = Malloc(2000);
  Malloc(80);
  heap().Free(a);
  static_cast<void>(b);
  const VirtAddr c = Malloc(3000);
  Malloc(80);
  heap().Free(c);
  machine_.frames().set_budget(0);
  ExpectRefused([&] { return heap().Malloc(4500); }, Outcome::kFragmented);
  ExpectRefused([&] { return heap().Malloc(45'000); }, Outcome::kOutOfMemory);
}

// Fails the first request, then the first two, and so on, until the operation gets all it needs.
TEST_P(MisuseTest, EveryFrameRequestMayFail) {
  const VirtAddr a = Malloc(30'000);
  const std::vector<std::function<HeapResult()>> calls = {
      [&] { return heap().Malloc(70'000); },
      [&] { return heap().Calloc(3, 9'000); },
      [&] { return heap().Realloc(a, 60'000); },
  };
  for (const auto& call : calls) {
    std::uint32_t refused = 0;
    for (machine_.frames().set_budget(0);; machine_.frames().set_budget(++refused)) {
      ASSERT_LT(refused, 100u);
      const std::uint32_t taken = machine_.frames().taken();
      const VirtAddr brk = heap().brk();
      const HeapResult result = call();
      if (result.outcome == Outcome::kOk) {
        EXPECT_EQ(machine_.frames().taken() - taken, refused) << "exactly what was needed";
        break;
      }
      EXPECT_EQ(result.outcome, Outcome::kOutOfMemory);
      EXPECT_EQ(machine_.frames().taken(), taken);
      EXPECT_EQ(heap().brk(), brk);
      EXPECT_THAT(heap().CheckInvariants(), IsEmpty());
    }
    EXPECT_GT(refused, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, MisuseTest, testing::Values(Engine::kLiteral, Engine::kIndexed),
                         [](const auto& engine) { return engine.param == Engine::kLiteral ? "literal" : "indexed"; });

}  // namespace
}  // namespace alloclab
