// Replays vectors made by running the original, on both engines: addresses, final run list, and every byte of the arena.
//
//   NAME.ops     m PAGES: the arena, from 0x10001000; a ID PAGES: allocate; f ID: free the whole block; p ID OFF N: free N
//                pages from page OFF of the block; OFF 0 moves the block's start up, otherwise the block ends at OFF
//   NAME.golden  one line per operation (the address, 00000000 when out of memory, "." for a free), then "= free START BYTES"
//                for each run, "= runs N free_bytes N" and "= ops N allocs N oom N locks_held N arena_fnv1a64 HASH"
//                (allocs: all calls)
//
// Two vectors are beside this file; ALLOCLAB_GOLDEN_DIR names a folder whose page-runs/ holds all.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "allocators/pages/runs/page_runs.h"
#include "allocators/pages/runs/page_runs_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

constexpr std::uint32_t kKernelEnd = 0x10000000, kArenaFirst = 0x10001000;

std::vector<std::string> LinesWithoutComments(const fs::path& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (!absl::StartsWith(line, "#")) lines.push_back(line);
  }
  return lines;
}

std::string ArenaHash(const PhysicalMemory& memory, PhysAddr first, std::uint64_t bytes) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const std::uint8_t byte : Dump(memory, first, bytes)) hash = (hash ^ byte) * 0x100000001B3;
  return absl::StrFormat("%016x", hash);
}

std::vector<std::string> Replay(const std::vector<std::string>& ops, Engine engine) {
  std::uint32_t arena_pages = 0;
  if (ops.empty() || std::sscanf(ops[0].c_str(), "m %u", &arena_pages) != 1) return {"the vector does not begin with m PAGES"};
  PhysicalMemory memory(kArenaFirst + arena_pages * std::uint64_t{kPageBytes});
  const auto pages = MakeOrDie(memory, {.engine = engine, .kernel_end = kKernelEnd, .arena_pages = arena_pages});
  std::map<std::uint32_t, FreeRun> blocks;
  std::vector<std::string> seen;
  int allocs = 0, oom = 0;
  for (std::size_t i = 1; i < ops.size(); ++i) {
    std::uint32_t id = 0, count = 0;
    if (std::sscanf(ops[i].c_str(), "a %u %u", &id, &count) == 2) {
      const PageResult result = pages->Allocate(count * kPageBytes);
      ++allocs;
      oom += result.outcome != Outcome::kOk;
      blocks[id] = {result.address, count * kPageBytes};
      seen.push_back(absl::StrFormat("%08x", result.address.raw()));
    } else if (std::sscanf(ops[i].c_str(), "f %u", &id) == 1) {
      const PageResult result = pages->Free(blocks[id].first, blocks[id].bytes);
      seen.emplace_back(result.outcome == Outcome::kOk ? "." : OutcomeName(result.outcome));
    } else if (std::uint32_t offset = 0; std::sscanf(ops[i].c_str(), "p %u %u %u", &id, &offset, &count) == 3) {
      FreeRun& block = blocks[id];
      const PageResult result = pages->Free(block.first + offset * kPageBytes, count * kPageBytes);
      seen.emplace_back(result.outcome == Outcome::kOk ? "." : OutcomeName(result.outcome));
      block = offset == 0 ? FreeRun{block.first + count * kPageBytes, block.bytes - count * kPageBytes}
                          : FreeRun{block.first, offset * kPageBytes};
    } else {
      return {absl::StrCat("unknown operation: ", ops[i])};
    }
  }
  for (const FreeRun& run : RunsOf(*pages)) seen.push_back(absl::StrFormat("= free %08x %d", run.first.raw(), run.bytes));
  const PageShape shape = pages->Shape();
  seen.push_back(absl::StrFormat("= runs %d free_bytes %d", shape.free_blocks, shape.free_bytes));
  seen.push_back(absl::StrFormat("= ops %d allocs %d oom %d locks_held 0 arena_fnv1a64 %s", ops.size() - 1, allocs, oom,
                                 ArenaHash(memory, shape.arena.first, shape.arena.bytes)));
  EXPECT_THAT(pages->CheckInvariants(), IsEmpty());
  return seen;
}

std::vector<fs::path> Vectors() {
  std::vector<fs::path> folders = {fs::path(ALLOCLAB_SOURCE_DIR) / "allocators/pages/runs/testdata"};
  if (const char* golden = std::getenv("ALLOCLAB_GOLDEN_DIR")) folders = {fs::path(golden) / "page-runs"};
  std::vector<fs::path> vectors;
  for (const fs::path& folder : folders) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".ops") vectors.push_back(entry.path());
    }
  }
  return vectors;
}

class PageRunsGolden : public ::testing::TestWithParam<std::tuple<fs::path, Engine>> {};

TEST_P(PageRunsGolden, ReplaysAsTheOriginal) {
  const auto& [vector, engine] = GetParam();
  const std::vector<std::string> golden = LinesWithoutComments(fs::path(vector).replace_extension(".golden"));
  const std::vector<std::string> seen = Replay(LinesWithoutComments(vector), engine);
  ASSERT_EQ(seen.size(), golden.size()) << vector;
  for (std::size_t i = 0; i < golden.size(); ++i) ASSERT_EQ(seen[i], golden[i]) << vector << ", line " << i;
}

std::string VectorName(const ::testing::TestParamInfo<std::tuple<fs::path, Engine>>& test) {
  const auto& [vector, engine] = test.param;
  return absl::StrCat(vector.stem().string(), engine == Engine::kLiteral ? "Literal" : "Indexed", test.index);
}
INSTANTIATE_TEST_SUITE_P(Vectors, PageRunsGolden, ::testing::Combine(::testing::ValuesIn(Vectors()), kBothEngines), VectorName);

TEST(PageRunsGoldenVectors, AreAllThere) {
  if (std::getenv("ALLOCLAB_GOLDEN_DIR") == nullptr) {
    GTEST_SKIP() << "only the vectors beside this file were compared: ALLOCLAB_GOLDEN_DIR names the folder of all";
  }
}

}  // namespace
}  // namespace alloclab
