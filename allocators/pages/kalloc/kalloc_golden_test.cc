// Replays vectors made by running the original: addresses, the list, and every byte of the arena.
//
//   NAME.ops     m PAGES: the arena, from 0x10001000, of a kernel that ends at 0x10000800; a ID 1: allocate a page; f ID: free
//                it, which does nothing if there was none
//   NAME.golden  "# init" and "# checkpoint after_op N": what is free; one line per operation (the address, 00000000 when there
//                is no page, "." for a free); then "= free ADDRESS" for each page of the list, "= final ..." and "= ops ..."
//
// Two vectors are beside this file; ALLOCLAB_GOLDEN_DIR names a folder whose allocators/xv6-kalloc/ holds all.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "allocators/pages/kalloc/kalloc_pages.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

constexpr std::uint32_t kKernelEnd = 0x10000800, kArenaFirst = 0x10001000;

class Fnv {
 public:
  void Add(std::uint8_t byte) { hash_ = (hash_ ^ byte) * 0x100000001B3; }
  void AddWord(std::uint32_t word) {
    for (int i = 0; i < 4; ++i) Add(static_cast<std::uint8_t>(word >> 8 * i));
  }
  std::string Hex() const { return absl::StrFormat("%016x", hash_); }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325;
};

std::vector<std::string> Lines(const fs::path& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

class Replay {
 public:
  explicit Replay(std::uint32_t arena_pages)
      : memory_(kArenaFirst + arena_pages * std::uint64_t{kPageBytes}),
        pages_(*MakeKalloc(memory_, {.kernel_end = kKernelEnd, .arena_pages = arena_pages})) {}

  std::string Allocate(std::uint32_t id) {
    const PageResult result = pages_->Allocate(kPageBytes);
    ++(result.outcome == Outcome::kOk ? allocs_ : oom_);
    given_[id] = result.address;
    return absl::StrFormat("%08x", result.address.raw());
  }
  std::string Free(std::uint32_t id) {
    if (given_[id].is_null()) return ".";
    ++frees_;
    const PageResult result = pages_->Free(given_[id], kPageBytes);
    return result.outcome == Outcome::kOk ? "." : std::string(OutcomeName(result.outcome));
  }
  std::string FreePages() const { return absl::StrCat("free_pages ", pages_->allocator().Shape().free_blocks); }
  std::string Head() const { return absl::StrFormat("head %08x", pages_->allocator().FigureValues()[0]); }
  std::string ListHash() const {
    Fnv hash;
    for (const std::uint32_t page : List()) hash.AddWord(page);
    return "list_fnv1a64 " + hash.Hex();
  }
  std::string ArenaHash() const {
    const Arena& arena = pages_->allocator().arena();
    std::vector<std::uint8_t> bytes(arena.bytes);
    EXPECT_TRUE(memory_.Read(arena.first, bytes));
    Fnv hash;
    for (const std::uint8_t byte : bytes) hash.Add(byte);
    return "arena_fnv1a64 " + hash.Hex();
  }
  std::string Totals() const { return absl::StrFormat("allocs %d oom %d frees %d locks_held 0", allocs_, oom_, frees_); }
  std::vector<std::uint32_t> List() const {
    std::vector<std::uint32_t> list;
    pages_->allocator().VisitMetadata([&list](std::uint32_t page) { list.push_back(page); });
    return list;
  }
  std::vector<Violation> CheckInvariants() const { return pages_->allocator().CheckInvariants(); }

 private:
  PhysicalMemory memory_;
  const std::unique_ptr<PageGuard> pages_;
  std::map<std::uint32_t, PhysAddr> given_;
  int allocs_ = 0, oom_ = 0, frees_ = 0;
};

// The lines of NAME.golden that these operations make, the checkpoints at the operations that are asked for.
std::vector<std::string> GoldenOf(const std::vector<std::string>& ops, const std::vector<int>& checkpoints) {
  std::vector<std::string> seen;
  std::unique_ptr<Replay> replay;
  int after = 0;
  for (const std::string& op : ops) {
    std::uint32_t number = 0;
    if (absl::StartsWith(op, "#")) continue;
    if (std::sscanf(op.c_str(), "m %u", &number) == 1) {
      replay = std::make_unique<Replay>(number);
      seen.push_back(absl::StrJoin(
          {std::string("# init"), replay->FreePages(), replay->Head(), replay->ListHash(), replay->ArenaHash()}, " "));
      continue;
    }
    if (!replay) return {"the vector does not begin with m PAGES"};
    if (std::sscanf(op.c_str(), "a %u 1", &number) == 1) {
      seen.push_back(replay->Allocate(number));
    } else if (std::sscanf(op.c_str(), "f %u", &number) == 1) {
      seen.push_back(replay->Free(number));
    } else {
      return {"unknown operation: " + op};
    }
    if (std::find(checkpoints.begin(), checkpoints.end(), ++after) != checkpoints.end()) {
      seen.push_back(absl::StrJoin(
          {absl::StrCat("# checkpoint after_op ", after), replay->FreePages(), replay->Head(), replay->ListHash()}, " "));
    }
  }
  for (const std::uint32_t page : replay->List()) seen.push_back(absl::StrFormat("= free %08x", page));
  seen.push_back(absl::StrJoin({std::string("= final"), replay->FreePages(), replay->ListHash()}, " "));
  seen.push_back(absl::StrJoin({absl::StrCat("= ops ", after), replay->Totals(), replay->ArenaHash()}, " "));
  EXPECT_THAT(replay->CheckInvariants(), IsEmpty());
  return seen;
}

std::vector<fs::path> Vectors() {
  std::vector<fs::path> folders = {fs::path(ALLOCLAB_SOURCE_DIR) / "allocators/pages/kalloc/testdata"};
  if (const char* golden = std::getenv("ALLOCLAB_GOLDEN_DIR")) folders = {fs::path(golden) / "allocators/xv6-kalloc"};
  std::vector<fs::path> vectors;
  for (const fs::path& folder : folders) {
    if (!fs::is_directory(folder)) continue;
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".ops") vectors.push_back(entry.path());
    }
  }
  std::sort(vectors.begin(), vectors.end());
  return vectors;
}

class KallocGoldenTest : public ::testing::TestWithParam<fs::path> {};

TEST_P(KallocGoldenTest, ReplaysAsTheOriginal) {
  std::vector<std::string> golden;
  std::vector<int> checkpoints;
  for (std::string& line : Lines(fs::path(GetParam()).replace_extension(".golden"))) {
    const bool is_state = absl::StartsWith(line, "# init") || absl::StartsWith(line, "# checkpoint");
    if (int after = 0; std::sscanf(line.c_str(), "# checkpoint after_op %d", &after) == 1) checkpoints.push_back(after);
    if (is_state || !absl::StartsWith(line, "#")) golden.push_back(std::move(line));
  }
  const std::vector<std::string> seen = GoldenOf(Lines(GetParam()), checkpoints);
  ASSERT_EQ(seen.size(), golden.size());
  for (std::size_t i = 0; i < golden.size(); ++i) ASSERT_EQ(seen[i], golden[i]) << "line " << i;
}

INSTANTIATE_TEST_SUITE_P(Vectors, KallocGoldenTest, ::testing::ValuesIn(Vectors()),
                         [](const auto& vector) { return vector.param.stem().string(); });

}  // namespace
}  // namespace alloclab
