// What page runs do in valid use, by picture. Every test runs on both engines.
#include "allocators/pages/runs/page_runs.h"

#include "allocators/pages/runs/page_runs_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;

constexpr std::uint32_t kMiB = 1 << 20;

PageCosts CostsOf(std::uint64_t search_steps, std::uint64_t words_loaded, std::uint64_t words_stored) {
  PageCosts costs;
  costs.search_steps = search_steps;
  costs.words_loaded = words_loaded;
  costs.words_stored = words_stored;
  return costs;
}

class PageRuns : public ::testing::TestWithParam<Engine> {
 protected:
  static constexpr std::uint32_t kFirst = 0x1000, kArenaPages = 8;

  PageResult Allocate(std::uint32_t count) { return pages_->Allocate(count * kPageBytes); }
  PageResult Free(std::uint32_t page, std::uint32_t count) { return pages_->Free(At(page), count * kPageBytes); }
  static PhysAddr At(std::uint32_t page) { return PhysAddr(kFirst + page * kPageBytes); }
  static PageResult Ok(std::uint32_t page) { return {Outcome::kOk, At(page)}; }
  std::uint32_t Word(PhysAddr address) { return memory_.LoadU32(address).value_or(0xDEAD); }

  // From all free to '.' free and '#' taken.
  void Arrange(const std::string& picture) {
    ASSERT_EQ(Allocate(kArenaPages), Ok(0));
    for (std::uint32_t page = 0; page < kArenaPages; ++page) {
      if (picture[page] == '.') {
        ASSERT_EQ(Free(page, 1).outcome, Outcome::kOk);
      }
    }
    ASSERT_EQ(Draw(*pages_), picture);
    pages_->ResetCosts();
  }

  void TearDown() override { EXPECT_THAT(pages_->CheckInvariants(), IsEmpty()); }

  PhysicalMemory memory_{kMiB};
  std::unique_ptr<TestedPages> pages_ =
      MakeOrDie(memory_, {.engine = GetParam(), .kernel_end = 0x123, .arena_pages = kArenaPages});
};
INSTANTIATE_TEST_SUITE_P(Engines, PageRuns, kBothEngines, EngineName);

TEST_P(PageRuns, BeginsAsOneRunFullOfJunk) {
  EXPECT_EQ(Draw(*pages_), "........");
  EXPECT_EQ(Word(At(0)), 0u);
  EXPECT_EQ(Word(At(0) + 4), 8 * kPageBytes);
  EXPECT_EQ(Word(At(0) + 8), 0x01010101u);
  EXPECT_EQ(Word(At(7) + 4092), 0x01010101u);
  EXPECT_EQ(Word(At(8)), 0u) << "beyond the arena";
  EXPECT_EQ(Word(PhysAddr(0xFFC)), 0u) << "before the arena";
  EXPECT_EQ(pages_->costs(), PageCosts{}) << "building it costs nothing";
}

TEST_P(PageRuns, CarvesFromTheTail) {
  EXPECT_EQ(Allocate(1), Ok(7));
  EXPECT_EQ(Allocate(3), Ok(4));
  EXPECT_EQ(Draw(*pages_), "....####");
  EXPECT_EQ(Word(At(0) + 4), 4 * kPageBytes);
}

TEST_P(PageRuns, UnlinksAnExactFit) {
  Arrange("..#..#.#");
  EXPECT_EQ(Allocate(2), Ok(0));
  EXPECT_EQ(Draw(*pages_), "###..#.#");
  EXPECT_EQ(Allocate(1), Ok(4)) << "the lowest run that is long enough, not the best";
  EXPECT_EQ(Allocate(1), Ok(3));
  EXPECT_EQ(Draw(*pages_), "######.#");
  EXPECT_EQ(Word(At(3)), At(6).raw()) << "an unlinked header stays in the block";
}

TEST_P(PageRuns, TakesTheFirstRunThatIsLongEnough) {
  Arrange(".#..#...");
  EXPECT_EQ(Allocate(2), Ok(2));
  EXPECT_EQ(Word(At(0)), At(5).raw());
  EXPECT_EQ(Allocate(3), Ok(5));
  EXPECT_EQ(Word(At(0)), 0u);
}

TEST_P(PageRuns, SaysWhyNothingFits) {
  Arrange(".#.#.#.#");
  EXPECT_EQ(Allocate(2), (PageResult{Outcome::kFragmented, {}}));
  EXPECT_EQ(Allocate(4), (PageResult{Outcome::kFragmented, {}}));
  EXPECT_EQ(Allocate(5), (PageResult{Outcome::kOutOfMemory, {}}));
  EXPECT_EQ(Draw(*pages_), ".#.#.#.#");
}

TEST_P(PageRuns, OutOfMemoryWithNoRunAtAll) {
  Arrange("########");
  EXPECT_EQ(Allocate(1), (PageResult{Outcome::kOutOfMemory, {}}));
  EXPECT_EQ(pages_->TakeFrame(), std::nullopt);
  EXPECT_EQ(pages_->costs(), PageCosts{}) << "an empty list is not walked";
  EXPECT_THAT(RunsOf(*pages_), IsEmpty());
}

struct FreeCase {
  const char *before, *after;
  std::uint32_t page, count;
  std::size_t merge;
  std::uint64_t visited, loaded, stored;
};

TEST_P(PageRuns, FreesIntoEveryNeighbourhood) {
  const FreeCase cases[] = {
      {"########", "###.####", 3, 1, 0, 0, 0, 2},           // the first run
      {".#######", ".###.###", 4, 1, 0, 1, 1 + 1, 3},       // at the end
      {".#.#####", ".#.#..##", 4, 2, 0, 2, 1 + 8 + 1, 3},   // at the end of two
      {"#######.", "##.####.", 2, 1, 0, 1, 1, 2},           // before the first
      {".######.", ".#.####.", 2, 1, 0, 2, 1 + 8, 3},       // between two
      {"###..###", "##...###", 2, 1, 2, 1, 3, 2},           // merged above, first run
      {".##..###", ".#...###", 2, 1, 2, 2, 1 + 10, 3},      // merged above, second
      {"..######", "...#####", 2, 1, 1, 1, 3, 1},           // merged below, only run
      {"..#####.", "...####.", 2, 1, 1, 1, 4, 1},           // merged below, a run behind
      {".#.#####", ".#..####", 3, 1, 1, 2, 1 + 11, 1},      // merged below the last of two
      {".#.###.#", ".#..##.#", 3, 1, 1, 2, 1 + 13, 1},      // merged below the second of three
      {"..##..##", "......##", 2, 2, 3, 1, 9, 3},           // merged with both, first run
      {".#.##.##", ".#....##", 3, 2, 3, 2, 1 + 22, 3},      // merged with both, second
      {".#.#.##.", ".#.#..#.", 5, 1, 1, 3, 1 + 8 + 13, 1},  // merged below the third
  };
  for (const FreeCase& c : cases) {
    SCOPED_TRACE(testing::Message() << c.before << " -> " << c.after);
    pages_ = MakeOrDie(memory_, {.engine = GetParam(), .kernel_end = 0x123, .arena_pages = kArenaPages});
    Arrange(c.before);
    EXPECT_EQ(Free(c.page, c.count), PageResult{});
    EXPECT_EQ(Draw(*pages_), c.after);
    EXPECT_EQ(pages_->costs(), CostsOf(c.visited, c.loaded, c.stored));
    EXPECT_EQ(pages_->Counter("filled_bytes"), c.count * kPageBytes);
    constexpr const char* kMerges[] = {"none", "below", "above", "both"};
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(pages_->Counter("merges", kMerges[i]), i == c.merge ? 1u : 0u) << kMerges[i];
    EXPECT_THAT(pages_->CheckInvariants(), IsEmpty());
  }
}

struct AllocateCase {
  const char* before;
  std::uint32_t count;
  std::uint64_t visited, loaded, stored, splits;
};

TEST_P(PageRuns, ChargesAllocationsAsTheOriginalRuns) {
  const AllocateCase cases[] = {
      {"..######", 2, 1, 2, 0, 0},           // exact, first
      {".#..####", 2, 2, 2 + 4, 1, 0},       // exact, second
      {".#.#...#", 3, 3, 2 + 5 + 4, 1, 0},   // exact, third
      {"...#####", 2, 1, 4, 1, 1},           // split, first
      {".#...###", 2, 2, 2 + 6, 1, 1},       // split, second
      {".#.#...#", 2, 3, 2 + 5 + 6, 1, 1},   // split, third
      {".#######", 2, 1, 2 + 1, 0, 0},       // nothing fits, one run
      {".#.#.###", 2, 3, 2 + 10 + 1, 0, 0},  // nothing fits, three runs
  };
  for (const AllocateCase& c : cases) {
    SCOPED_TRACE(testing::Message() << c.before << " allocate " << c.count);
    pages_ = MakeOrDie(memory_, {.engine = GetParam(), .kernel_end = 0x123, .arena_pages = kArenaPages});
    Arrange(c.before);
    Allocate(c.count);
    EXPECT_EQ(pages_->costs(), CostsOf(c.visited, c.loaded, c.stored));
    EXPECT_EQ(pages_->Counter("splits"), c.splits);
  }
}

TEST_P(PageRuns, AFreeFillsWithJunk) {
  Arrange("########");
  ASSERT_TRUE(memory_.StoreU32(At(4) + 100, 0xCAFE));
  ASSERT_TRUE(memory_.StoreU32(At(5) + 100, 0xCAFE));
  EXPECT_EQ(Free(4, 1), PageResult{});
  EXPECT_EQ(Word(At(4) + 100), 0x01010101u);
  EXPECT_EQ(Word(At(5) + 100), 0xCAFEu);
  EXPECT_EQ(pages_->Counter("filled_bytes"), kPageBytes);
}

TEST_P(PageRuns, PartsOfABlockMayBeFreed) {
  Arrange("########");
  EXPECT_EQ(Free(2, 1), PageResult{});
  EXPECT_EQ(Free(4, 2), PageResult{});
  EXPECT_EQ(Draw(*pages_), "##.#..##");
}

TEST_P(PageRuns, AFrameIsAnAllocationOfOnePage) {
  Arrange(".#..####");
  EXPECT_THAT(pages_->TakeFrame(), Optional(FrameOf(At(0))));
  EXPECT_EQ(pages_->costs(), CostsOf(1, 2, 0));
  EXPECT_TRUE(pages_->CanTakeFrames(0));
  EXPECT_TRUE(pages_->CanTakeFrames(2));
  EXPECT_FALSE(pages_->CanTakeFrames(3));
  EXPECT_THAT(pages_->TakeFrame(), Optional(FrameOf(At(3))));
  EXPECT_THAT(pages_->TakeFrame(), Optional(FrameOf(At(2))));
  EXPECT_EQ(pages_->TakeFrame(), std::nullopt);
}

TEST_P(PageRuns, ShapeAndVisits) {
  Arrange(".#..#.##");
  const PageShape shape = pages_->Shape();
  EXPECT_EQ(shape.arena.first, At(0));
  EXPECT_EQ(shape.arena.bytes, 8 * kPageBytes);
  EXPECT_EQ(shape.free_bytes, 4 * kPageBytes);
  EXPECT_EQ(shape.free_blocks, 3u);
  EXPECT_EQ(shape.largest_free_bytes, 2 * kPageBytes);
  EXPECT_THAT(RunsOf(*pages_), ElementsAre(FreeRun{At(0), 4096}, FreeRun{At(2), 8192}, FreeRun{At(5), 4096}));

  std::vector<std::uint32_t> seen;
  const auto note = [&](const Block& block) {
    seen.push_back((block.address - At(0).raw()) / kPageBytes);
    return seen.size() < 2;
  };
  const auto visit = [&](BlockCursor from) { EXPECT_FALSE(pages_->allocator().VisitBlocks(from, note)); };
  visit({.address = At(1).raw()});
  EXPECT_THAT(seen, ElementsAre(2, 5));
  seen.clear();
  visit({});
  EXPECT_THAT(seen, ElementsAre(0, 2)) << "stops when told";
  seen.clear();
  visit({.address = At(3).raw()});
  EXPECT_THAT(seen, ElementsAre(2, 5)) << "the block that holds the address comes first";
  seen.clear();
  visit({.address = At(5).raw(), .exact = true});
  EXPECT_THAT(seen, ElementsAre(5)) << "goes on where a walk stopped";
  seen.clear();
  visit({.address = At(6).raw()});
  visit({.address = 0xFFFFFFFF});
  EXPECT_THAT(seen, IsEmpty());
  EXPECT_EQ(pages_->costs(), PageCosts{}) << "looking costs nothing";
}

TEST_P(PageRuns, AnAlignedKernelEndStillSkipsAPage) {
  pages_ = MakeOrDie(memory_, {.engine = GetParam(), .kernel_end = 0x2000});
  EXPECT_EQ(pages_->allocator().arena().first, PhysAddr(0x3000));
  EXPECT_EQ(pages_->allocator().arena().bytes, kMiB - 0x3000) << "all of RAM from there";
  pages_ = MakeOrDie(memory_, {.engine = GetParam(), .kernel_end = 0x2001});
  EXPECT_EQ(pages_->allocator().arena().first, PhysAddr(0x3000));
  pages_ = MakeOrDie(memory_, {.engine = GetParam(), .kernel_end = 0x1FFF});
  EXPECT_EQ(pages_->allocator().arena().first, PhysAddr(0x2000));
}

TEST_P(PageRuns, WorksAtTheTopOfFourGiB) {
  PhysicalMemory memory(PhysicalMemory::kBytesMax);
  auto pages = MakeOrDie(memory, {.engine = GetParam()});
  EXPECT_EQ(pages->Shape().largest_free_bytes, 0xFFFFF000u) << "longer than a signed length";
  const PhysAddr top(0xFFFFF000), below(0xFFFFD000);
  EXPECT_EQ(pages->Allocate(4096), (PageResult{Outcome::kOk, top}));
  EXPECT_EQ(pages->Allocate(8192), (PageResult{Outcome::kOk, below}));
  EXPECT_EQ(pages->Allocate(0x7FFFF000), (PageResult{Outcome::kOk, PhysAddr(0x7FFFE000)}));
  EXPECT_EQ(pages->Free(top, 4096), PageResult{});
  EXPECT_EQ(pages->Free(top, 4096).outcome, Outcome::kDoubleFree);
  EXPECT_EQ(pages->Free(below, 8192), PageResult{}) << "merges with the run above";
  EXPECT_EQ(pages->Free(top, 8192).outcome, Outcome::kOutsideArena);
  EXPECT_EQ(pages->Free(PhysAddr(0x7FFFE000), 0x7FFFF000), PageResult{}) << "merges with both";
  EXPECT_THAT(RunsOf(*pages), ElementsAre(FreeRun{PhysAddr(0x1000), 0xFFFFF000}));
  EXPECT_THAT(pages->CheckInvariants(), IsEmpty());
}

TEST_P(PageRuns, RefusesAnArenaThatDoesNotFit) {
  PhysicalMemory memory(kMiB);
  const auto error = [&](const PageRunsOptions& options) { return MakePageRuns(memory, options).status(); };
  const absl::Status beyond = error({.engine = GetParam(), .kernel_end = kMiB - 0x1000});
  EXPECT_EQ(beyond.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(beyond.message()), HasSubstr("kernel_end 0xff000"));
  EXPECT_EQ(error({.engine = GetParam(), .kernel_end = 0xFFFFFFFF}).code(), absl::StatusCode::kInvalidArgument);
  const absl::Status large = error({.engine = GetParam(), .kernel_end = 0, .arena_pages = 256});
  EXPECT_THAT(std::string(large.message()), HasSubstr("arena_pages 256: expected at most the 255 pages"));
  EXPECT_TRUE(error({.engine = GetParam(), .kernel_end = 0, .arena_pages = 255}).ok());
  EXPECT_FALSE(error({.engine = GetParam(), .kernel_end = 0, .arena_pages = 0xFFFFFFFF}).ok());
}

}  // namespace
}  // namespace alloclab
