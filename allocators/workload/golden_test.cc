// The driver against what the original kernel did: every address, the metadata at checkpoints, the totals; with both engines.
// testdata/ holds the small vectors. With ALLOCLAB_GOLDEN_DIR and ALLOCLAB_TRACES_DIR in the environment all that are there are
// replayed, save that the literal engine leaves out those of more than kLiteralHeadersMax headers.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "allocators/workload/driver.h"
#include "allocators/workload/run.h"
#include "allocators/workload/trace.h"
#include "allocators/workload/trace_bytes.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

constexpr std::uint64_t kLiteralHeadersMax = 2'000'000'000;

// Allocations, headers visited, splits, growths, coalesces of case 1 to 4.
using Totals = std::vector<std::uint64_t>;

struct Case {
  std::string name, golden_dir, traces_dir, engine;
  Totals totals;

  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name << " " << c.engine; }
};

struct Golden {
  std::vector<std::uint32_t> addresses;
  std::map<std::uint64_t, std::string> checkpoints;  // after_op -> state
  std::string final_state;
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string Inflate(const std::string& bytes) {
  TraceBytes input(bytes, "golden", ~0ull);
  std::string text;
  while (input.Fill().ok() && !input.Window().empty()) {
    text += input.Window();
    input.Consume(input.Window().size());
  }
  return text;
}

Golden ReadGolden(const std::string& path) {
  Golden golden;
  std::istringstream lines(Inflate(ReadFile(path)));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, what, skip;
    std::uint64_t after = 0;
    words >> hash >> what;
    if (hash != "#") {
      golden.addresses.push_back(static_cast<std::uint32_t>(std::stoul(hash, nullptr, 16)));
    } else if (what == "checkpoint") {
      words >> skip >> after;  // "after_op N"
      golden.checkpoints[after] = line.substr(line.find("brk"));
    } else if (what == "final") {
      golden.final_state = line.substr(line.find("brk"));
    }
  }
  return golden;
}

std::map<std::string, Totals> ReadTotals(const std::string& dir) {
  std::map<std::string, Totals> totals;
  std::istringstream lines(ReadFile(dir + "/README.md"));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| ")) continue;
    std::replace(line.begin(), line.end(), '|', ' ');
    std::istringstream words(line);
    std::string name;
    words >> name;
    const Totals numbers{std::istream_iterator<std::uint64_t>(words), {}};
    if (numbers.size() == 8) totals[name] = numbers;
  }
  return totals;
}

std::vector<Case> Cases(const std::string& golden_dir, const std::string& traces_dir) {
  std::vector<Case> cases;
  for (const auto& [name, totals] : ReadTotals(golden_dir)) {
    for (const char* engine : {"indexed", "literal"}) cases.push_back({name, golden_dir, traces_dir, engine, totals});
  }
  return cases;
}

std::vector<Case> AllCases() {
  const char* golden_dir = std::getenv("ALLOCLAB_GOLDEN_DIR");
  const char* traces_dir = std::getenv("ALLOCLAB_TRACES_DIR");
  if (golden_dir == nullptr || traces_dir == nullptr) return {};
  return Cases(golden_dir, traces_dir);
}

std::vector<Case> SmallCases() {
  if (!AllCases().empty()) return {};  // they are among those
  const std::string dir = ALLOCLAB_SOURCE_DIR "/allocators/workload/testdata";
  return Cases(dir, dir);
}

std::string State(Instance& instance) {
  const Checkpoint now = TakeCheckpoint(instance, 0);
  return absl::StrFormat("brk %08x chunks %d free_chunks %d free_bytes %d largest_free %d epilogue %08x meta_sha256 %s",
                         now.heap.brk.raw(), now.heap.blocks, now.heap.free_blocks, now.heap.free_bytes,
                         now.heap.largest_free_bytes, now.figures.front().value, now.metadata_sha256);
}

class GoldenTest : public ::testing::TestWithParam<Case> {};

TEST_P(GoldenTest, EveryAddressCheckpointAndTotal) {
  const Case& c = GetParam();
  if (c.engine == "literal" && c.totals[1] > kLiteralHeadersMax) {
    GTEST_SKIP() << c.totals[1] << " headers would take the literal engine minutes";
  }
  const Golden golden = ReadGolden(c.golden_dir + "/" + c.name + ".golden.gz");
  const auto trace = ReadTrace(ReadFile(c.traces_dir + "/" + c.name + ".trace.gz"), c.name);
  ASSERT_TRUE(trace.ok()) << trace.status();
  auto instance = Instance::Create({0, "", "", true, {{"heap.engine", c.engine}, {"pages.engine", c.engine}}});
  ASSERT_TRUE(instance.ok()) << instance.status();
  Driver driver(**instance);
  ASSERT_TRUE(driver.Admit(trace->operations).ok());

  std::size_t given = 0;  // addresses, null among them
  for (std::size_t i = 0; i < trace->operations.size(); ++i) {
    OpResult result;
    driver.Apply(std::span(&trace->operations[i], 1), std::span(&result, 1));
    ASSERT_TRUE(Succeeded(result.outcome)) << "operation " << i << ": " << OutcomeName(result.outcome);
    if (trace->operations[i].kind != OpKind::kFree) {
      ASSERT_LT(given, golden.addresses.size());
      ASSERT_EQ(result.address, golden.addresses[given]) << "operation " << i;
      ++given;
    }
    if (const auto it = golden.checkpoints.find(i + 1); it != golden.checkpoints.end()) {
      EXPECT_EQ(State(**instance), it->second) << "after operation " << i + 1;
    }
  }
  EXPECT_EQ(given, golden.addresses.size());
  EXPECT_GE(golden.checkpoints.size(), 3u);
  EXPECT_EQ(State(**instance), golden.final_state);
  const std::vector<Count> counts = (*instance)->heap()->Counts();
  EXPECT_EQ((Totals{given, CountOf(counts, "search_steps"), CountOf(counts, "splits"), CountOf(counts, "grows"),
                    CountOf(counts, "merges", "below"), CountOf(counts, "merges", "above"), CountOf(counts, "merges", "both"),
                    CountOf(counts, "merges", "none")}),
            c.totals);
  EXPECT_THAT((*instance)->heap()->CheckInvariants(), ::testing::IsEmpty());
}

std::string CaseName(const ::testing::TestParamInfo<Case>& info) {
  std::string name = info.param.name + "_" + info.param.engine;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Small, GoldenTest, ::testing::ValuesIn(SmallCases()), CaseName);
INSTANTIATE_TEST_SUITE_P(All, GoldenTest, ::testing::ValuesIn(AllCases()), CaseName);

TEST(GoldenVectors, AreAllThere) {
  if (AllCases().empty()) {
    GTEST_SKIP() << "only the small vectors were compared: ALLOCLAB_GOLDEN_DIR and ALLOCLAB_TRACES_DIR name the folders of all";
  }
}

}  // namespace
}  // namespace alloclab
