// The indexed engine against the literal one: same addresses, outcomes, costs, runs and RAM, after every operation.
#include <algorithm>
#include <random>
#include <tuple>

#include "absl/strings/str_format.h"
#include "allocators/pages/runs/page_runs.h"
#include "allocators/pages/runs/page_runs_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::IsEmpty;

// One machine per engine, driven alike.
class Twins {
 public:
  explicit Twins(std::uint32_t arena_pages)
      : literal_(Engine::kLiteral, arena_pages), indexed_(Engine::kIndexed, arena_pages) {}

  PageResult Allocate(std::uint32_t bytes) {
    return Same(literal_.pages->Allocate(bytes), indexed_.pages->Allocate(bytes), absl::StrFormat("Allocate(%d)", bytes));
  }
  PageResult Free(PhysAddr first, std::uint32_t bytes) {
    return Same(literal_.pages->Free(first, bytes), indexed_.pages->Free(first, bytes),
                absl::StrFormat("Free(0x%x, %d)", first.raw(), bytes));
  }
  std::optional<PageFrame> TakeFrame() {
    const auto frame = indexed_.pages->TakeFrame();
    EXPECT_EQ(literal_.pages->TakeFrame(), frame);
    return frame;
  }
  void Write(PhysAddr address, std::uint32_t word) {
    EXPECT_TRUE(literal_.memory.StoreU32(address, word) && indexed_.memory.StoreU32(address, word));
  }

  // Everything but the bytes of the arena beyond the first three words of each frame.
  void ExpectSameRuns() {
    ASSERT_EQ(RunsOf(*literal_.pages), RunsOf(*indexed_.pages));
    const PageShape a = literal_.pages->Shape(), b = indexed_.pages->Shape();
    ASSERT_EQ(std::tuple(a.arena.first, a.arena.bytes, a.free_bytes, a.free_blocks, a.largest_free_bytes),
              std::tuple(b.arena.first, b.arena.bytes, b.free_bytes, b.free_blocks, b.largest_free_bytes));
    for (PhysAddr frame = a.arena.first; frame.raw() < a.arena.end(); frame = frame + kPageBytes) {
      for (const std::uint32_t word : {0u, 4u, 8u}) {
        ASSERT_EQ(literal_.memory.LoadU32(frame + word), indexed_.memory.LoadU32(frame + word)) << frame.raw() + word;
      }
    }
  }
  void ExpectSameRam() {
    const std::uint64_t bytes = literal_.memory.size_bytes();
    ASSERT_TRUE(Dump(literal_.memory, PhysAddr(), bytes) == Dump(indexed_.memory, PhysAddr(), bytes));
  }
  void ExpectInvariants() {
    ASSERT_THAT(literal_.pages->CheckInvariants(), IsEmpty());
    ASSERT_THAT(indexed_.pages->CheckInvariants(), IsEmpty());
  }

  const TestedPages& indexed() const { return *indexed_.pages; }
  bool differed() const { return differed_; }

 private:
  struct Machine {
    Machine(Engine engine, std::uint32_t arena_pages)
        : memory(std::max<std::uint64_t>(PhysicalMemory::kBytesMin, (arena_pages + 2) * std::uint64_t{kPageBytes})),
          pages(MakeOrDie(memory, {.engine = engine, .arena_pages = arena_pages})) {}
    PhysicalMemory memory;
    std::unique_ptr<TestedPages> pages;
  };

  PageResult Same(PageResult literal, PageResult indexed, const std::string& call) {
    const bool same = literal == indexed && literal_.pages->Counts() == indexed_.pages->Counts();
    EXPECT_EQ(literal, indexed) << call;
    EXPECT_TRUE(literal_.pages->Counts() == indexed_.pages->Counts()) << call;
    differed_ |= !same;
    return indexed;
  }

  Machine literal_, indexed_;
  bool differed_ = false;
};

// What a list of runs should do, on a row of pages: true is free.
using Row = std::vector<bool>;

bool IsFree(const Row& row, std::uint32_t page) { return page < row.size() && row[page]; }

// First fit, from the tail: the page that Allocate(count pages) returns, taken out of the row; row.size() when nothing fits.
std::uint32_t TakeFrom(Row& row, std::uint32_t count) {
  for (std::uint32_t page = 0; page < row.size();) {
    std::uint32_t end = page;
    while (IsFree(row, end)) ++end;
    if (end - page >= count) {
      std::fill(row.begin() + (end - count), row.begin() + end, false);
      return end - count;
    }
    page = end + 1;
  }
  return static_cast<std::uint32_t>(row.size());
}

class EveryState : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kPages = 8, kStates = 1u << kPages;

  static PhysAddr At(std::uint32_t page) { return PhysAddr((1 + page) * kPageBytes); }
  static Row RowOf(std::uint32_t state) {
    Row row;
    for (std::uint32_t page = 0; page < kPages; ++page) row.push_back(state >> page & 1);
    return row;
  }
  static std::string Picture(const Row& row) {
    std::string picture;
    for (const bool free : row) picture += free ? '.' : '#';
    return picture;
  }
  static void Arrange(Twins& twins, const Row& row) {
    ASSERT_EQ(twins.Allocate(kPages * kPageBytes).outcome, Outcome::kOk);
    for (std::uint32_t page = 0; page < kPages; ++page) {
      if (row[page]) {
        ASSERT_EQ(twins.Free(At(page), kPageBytes).outcome, Outcome::kOk);
      }
    }
  }
};

TEST_F(EveryState, Allocates) {
  for (std::uint32_t state = 0; state < kStates; ++state) {
    for (std::uint32_t count = 1; count <= kPages + 1; ++count) {
      Row row = RowOf(state);
      SCOPED_TRACE(testing::Message() << Picture(row) << " allocate " << count);
      Twins twins(kPages);
      Arrange(twins, row);
      const auto free = static_cast<std::uint32_t>(std::count(row.begin(), row.end(), true));
      const std::uint32_t page = TakeFrom(row, count);
      const PageResult expected = page < kPages   ? PageResult{Outcome::kOk, At(page)}
                                  : free >= count ? PageResult{Outcome::kFragmented, {}}
                                                  : PageResult{Outcome::kOutOfMemory, {}};
      ASSERT_EQ(twins.Allocate(count * kPageBytes), expected);
      ASSERT_EQ(Draw(twins.indexed()), Picture(row));
      twins.ExpectSameRuns();
      twins.ExpectInvariants();
      ASSERT_FALSE(HasFailure());
    }
  }
}

TEST_F(EveryState, FreesEveryRange) {
  for (std::uint32_t state = 0; state < kStates; ++state) {
    for (std::uint32_t page = 0; page < kPages; ++page) {
      for (std::uint32_t count = 1; page + count <= kPages; ++count) {
        Row row = RowOf(state);
        SCOPED_TRACE(testing::Message() << Picture(row) << " free " << page << "+" << count);
        Twins twins(kPages);
        Arrange(twins, row);
        const auto first = row.begin() + page;
        const bool any_free = std::find(first, first + count, true) != first + count;
        const Outcome expected = row[page] ? Outcome::kDoubleFree : any_free ? Outcome::kOverlapsFree : Outcome::kOk;
        if (expected == Outcome::kOk) std::fill(first, first + count, true);
        ASSERT_EQ(twins.Free(At(page), count * kPageBytes).outcome, expected);
        ASSERT_EQ(Draw(twins.indexed()), Picture(row));
        twins.ExpectSameRuns();
        twins.ExpectInvariants();
        ASSERT_FALSE(HasFailure());
      }
    }
  }
}

struct Workload {
  const char* name;
  std::uint32_t arena_pages;
  int operations;
  std::uint32_t pages_max;    // of a request
  std::uint32_t free_chance;  // frees in 100 operations while the arena is not full
  int compare_every;          // operations between two comparisons of all runs
};

void PrintTo(const Workload& workload, std::ostream* os) { *os << workload.name; }

class EnginesTest : public ::testing::TestWithParam<Workload> {
 protected:
  std::uint32_t Below(std::uint32_t end) { return static_cast<std::uint32_t>(random_()) % end; }

  void Allocate(Twins& twins) {
    const std::uint32_t pages = 1 + Below(1 + Below(GetParam().pages_max));
    const PageResult result = twins.Allocate(pages * kPageBytes);
    if (result.outcome != Outcome::kOk) return;
    blocks_.push_back({result.address, pages * kPageBytes});
    if (Below(4) == 0) twins.Write(result.address + Below(pages * kPageWords) * kWordBytes, 0xFEEDF00D);
  }
  // All of a block, or its first or last pages.
  void Free(Twins& twins) {
    if (blocks_.empty()) return;
    std::swap(blocks_[Below(static_cast<std::uint32_t>(blocks_.size()))], blocks_.back());
    FreeRun& block = blocks_.back();
    const std::uint32_t bytes = Below(3) == 0 ? (1 + Below(block.bytes / kPageBytes)) * kPageBytes : block.bytes;
    const bool from_the_end = Below(2) == 0;
    const PhysAddr first = from_the_end ? block.first + (block.bytes - bytes) : block.first;
    ASSERT_EQ(twins.Free(first, bytes).outcome, Outcome::kOk);
    if (!from_the_end) block.first = block.first + bytes;
    block.bytes -= bytes;
    if (block.bytes == 0) blocks_.pop_back();
  }
  void Misuse(Twins& twins) {
    const std::uint32_t arena = GetParam().arena_pages;
    const std::uint32_t odd = Below(3) == 0 ? Below(kPageBytes) : 0;
    twins.Free(PhysAddr(Below(arena + 3) * kPageBytes + odd), Below(2) == 0 ? Below(~0u) : 0);
    twins.Allocate(Below(2) == 0 ? 0x80000000 | Below(~0u) : Below(kPageBytes));
    // A range that touches free pages.
    const std::vector<FreeRun> runs = arena <= 64 ? RunsOf(twins.indexed()) : std::vector<FreeRun>{};
    if (runs.empty()) return;
    const FreeRun run = runs[Below(static_cast<std::uint32_t>(runs.size()))];
    EXPECT_NE(twins.Free(run.first, (1 + Below(arena)) * kPageBytes).outcome, Outcome::kOk);
    EXPECT_NE(twins.Free(run.first - kPageBytes, 2 * kPageBytes).outcome, Outcome::kOk);
  }

  static constexpr std::uint32_t kSeed = 20260103;
  std::mt19937 random_{kSeed};
  std::vector<FreeRun> blocks_;
};

TEST_P(EnginesTest, AgreeAfterEveryOperation) {
  const Workload& workload = GetParam();
  Twins twins(workload.arena_pages);
  for (int step = 0; step < workload.operations; ++step) {
    SCOPED_TRACE(testing::Message() << "seed " << kSeed << ", step " << step);
    if (Below(100) < workload.free_chance) {
      Free(twins);
    } else if (Below(20) == 0) {
      Misuse(twins);
    } else if (Below(20) == 0) {
      if (const auto frame = twins.TakeFrame()) blocks_.push_back({frame->base(), kPageBytes});
    } else {
      Allocate(twins);
    }
    if (step % workload.compare_every == 0) twins.ExpectSameRuns();
    if (step % (64 * workload.compare_every) == 0) twins.ExpectInvariants();
    ASSERT_FALSE(twins.differed() || HasFailure());
  }
  twins.ExpectSameRuns();
  twins.ExpectInvariants();
  twins.ExpectSameRam();
}

INSTANTIATE_TEST_SUITE_P(
    Workloads, EnginesTest,
    ::testing::Values(Workload{"tiny", 16, 300'000, 4, 50, 1}, Workload{"tiny_full", 16, 300'000, 3, 20, 1},
                      Workload{"one_word", 64, 100'000, 8, 50, 1}, Workload{"words", 300, 200'000, 12, 50, 50},
                      Workload{"near_full", 1024, 100'000, 5, 35, 200}, Workload{"leaves", 3000, 100'000, 40, 50, 500},
                      Workload{"single_pages", 2500, 50'000, 1, 45, 500}, Workload{"long_runs", 5000, 50'000, 2500, 50, 500}),
    [](const auto& test_info) { return std::string(test_info.param.name); });

// Every second page free, then filled again from below and above, over the borders of words and leaves of the index.
TEST(Engines, AgreeOnACheckerboard) {
  constexpr std::uint32_t kPages = 2100;
  Twins twins(kPages);
  const auto at = [](std::uint32_t page) { return PhysAddr((1 + page) * kPageBytes); };
  ASSERT_EQ(twins.Allocate(kPages * kPageBytes).outcome, Outcome::kOk);
  for (std::uint32_t page = 0; page < kPages; page += 2) ASSERT_EQ(twins.Free(at(page), kPageBytes).outcome, Outcome::kOk);
  EXPECT_EQ(twins.Allocate(2 * kPageBytes).outcome, Outcome::kFragmented);
  twins.ExpectSameRuns();
  for (const std::uint32_t page : {63u, 65u, 1023u, 1025u, 2047u, 1u, 2097u, 61u, 1021u}) {
    ASSERT_EQ(twins.Free(at(page), kPageBytes), PageResult{});
    twins.ExpectSameRuns();
  }
  EXPECT_EQ(twins.Allocate(5 * kPageBytes).address, at(62)) << "the tail of the run of pages 60 to 66";
  while (twins.TakeFrame()) {
  }
  twins.ExpectSameRuns();
  for (std::uint32_t page = kPages; page-- > 0;) ASSERT_EQ(twins.Free(at(page), kPageBytes).outcome, Outcome::kOk);
  EXPECT_EQ(RunsOf(twins.indexed()).size(), 1u);
  twins.ExpectSameRuns();
  twins.ExpectInvariants();
}

}  // namespace
}  // namespace alloclab
