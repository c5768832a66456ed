// Reference vectors: what the original allocator, compiled for 32-bit x86, did with the same operations. testdata/NAME.ops:
//   m BLOCK BYTES | c BLOCK COUNT BYTES | r BLOCK OLD BYTES (OLD "-": null) | f BLOCK
// testdata/NAME.golden: the address given by each of them but f, and lines "# checkpoint after_op N ..." and "# final ..." with
// break, chunks, free chunks and bytes, epilogue, and the SHA-256 over the header words from the start to the break.
#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "allocators/common/sha256.h"
#include "allocators/heap/heap_testing.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

enum class Kind { kLiteral, kIndexed, kUnguarded };

ImplicitHeapOptions OptionsFor(Kind kind) {
  if (kind == Kind::kUnguarded) return Unguarded();
  return Guarded(kind == Kind::kLiteral ? Engine::kLiteral : Engine::kIndexed);
}

std::vector<std::string> Lines(const std::string& file) {
  std::ifstream in(std::string(ALLOCLAB_SOURCE_DIR) + "/allocators/heap/implicit/testdata/" + file);
  EXPECT_TRUE(in.good()) << file;
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// "brk c0401004 chunks 3 ..." as the golden files write it.
std::string Describe(const HeapAllocator& heap) {
  Sha256 digest;
  heap.VisitMetadata([&](std::uint32_t word) { digest.UpdateU32(word); });
  const HeapShape shape = heap.Shape();
  return absl::StrFormat("brk %08x chunks %d free_chunks %d free_bytes %d largest_free %d epilogue %08x meta_sha256 %s",
                         shape.brk.raw(), shape.blocks, shape.free_blocks, shape.free_bytes, shape.largest_free_bytes,
                         heap.FigureValues().front(), digest.HexDigest());
}

class GoldenTest : public testing::TestWithParam<std::tuple<std::string, Kind>> {
 protected:
  void Read(const std::string& name) {
    for (const std::string& line : Lines(name + ".golden")) {
      if (line[0] != '#') addresses_.push_back(line);
      if (line.starts_with("# checkpoint after_op ")) states_[std::stoull(line.substr(22))] = line.substr(line.find("brk "));
      if (line.starts_with("# final ")) states_[kEnd] = line.substr(line.find("brk "));
    }
  }

  VirtAddr& Block(const std::string& name) { return blocks_[name == "-" ? "" : name]; }

  // The address that the operation gave, or "" for a free.
  std::string Apply(TestedHeap& heap, const std::string& line) {
    std::istringstream in(line);
    std::string kind, block, old;
    std::uint32_t bytes = 0, count = 0;
    in >> kind >> block;
    if (kind == "f") {
      EXPECT_EQ(heap.Free(Block(block)).outcome, Outcome::kOk) << line;
      return "";
    }
    HeapResult result;
    if (kind == "m") {
      in >> bytes;
      result = heap.Malloc(bytes);
    } else if (kind == "c") {
      in >> count >> bytes;
      result = heap.Calloc(count, bytes);
    } else {
      in >> old >> bytes;
      result = heap.Realloc(old == "-" ? VirtAddr{} : Block(old), bytes);
    }
    Block(block) = result.address;
    return absl::StrFormat("%08x", result.address.raw());
  }

  static constexpr std::uint64_t kEnd = ~std::uint64_t{0};

  std::vector<std::string> addresses_;
  std::map<std::uint64_t, std::string> states_;
  std::map<std::string, VirtAddr> blocks_;
};

TEST_P(GoldenTest, SameAddressesAndStates) {
  const auto& [name, kind] = GetParam();
  Read(name);
  HeapMachine machine(OptionsFor(kind));
  std::uint64_t operations = 0;
  std::size_t results = 0;
  for (const std::string& line : Lines(name + ".ops")) {
    const std::string address = Apply(machine.heap(), line);
    if (!address.empty()) {
      ASSERT_LT(results, addresses_.size());
      ASSERT_EQ(address, addresses_[results++]) << "operation " << operations << ": " << line;
    }
    if (const auto state = states_.find(++operations); state != states_.end()) {
      EXPECT_EQ(Describe(machine.heap().allocator()), state->second) << "after operation " << operations;
    }
  }
  EXPECT_EQ(results, addresses_.size());
  EXPECT_EQ(Describe(machine.heap().allocator()), states_.at(kEnd));
}

std::string NameOf(const testing::TestParamInfo<std::tuple<std::string, Kind>>& param) {
  static constexpr std::array kKinds = {"literal", "indexed", "unguarded"};
  std::string name = std::get<0>(param.param) + "_" + kKinds[static_cast<std::size_t>(std::get<1>(param.param))];
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

INSTANTIATE_TEST_SUITE_P(Vectors, GoldenTest,
                         testing::Combine(testing::Values("simple", "simple_calloc", "simple_realloc", "test", "test-zero",
                                                          "syn-mix-realloc"),
                                          testing::Values(Kind::kLiteral, Kind::kIndexed, Kind::kUnguarded)),
                         NameOf);

// Counts of the original over whole vectors; the first growth, at initialisation, is not in them.
struct Totals {
  std::string name;
  std::uint64_t search_steps, splits, grows;
  std::array<std::uint64_t, 4> merges;  // with the block below, above, both, none
};

class GoldenTotalsTest : public GoldenTest {};

TEST_P(GoldenTotalsTest, SameCounts) {
  static const std::vector<Totals> kTotals = {
      {"simple", 9, 3, 0, {0, 1, 1, 4}},          {"simple_calloc", 27052, 2133, 2, {13, 2112, 5, 2379}},
      {"simple_realloc", 20, 5, 1, {1, 1, 2, 7}}, {"test", 79, 13, 5, {6, 4, 4, 17}},
      {"test-zero", 9, 3, 1, {1, 1, 1, 4}},       {"syn-mix-realloc", 16249, 459, 12, {64, 283, 62, 564}}};
  const std::string name = std::get<0>(GetParam());
  const Kind kind = std::get<1>(GetParam());
  HeapMachine machine(OptionsFor(kind));
  for (const std::string& line : Lines(name + ".ops")) Apply(machine.heap(), line);
  const auto expected = std::find_if(kTotals.begin(), kTotals.end(), [&](const Totals& totals) { return totals.name == name; });
  EXPECT_EQ(machine.heap().costs().search_steps, expected->search_steps);
  EXPECT_EQ(machine.heap().Counter("splits"), expected->splits);
  EXPECT_EQ(machine.heap().Counter("grows"), expected->grows);
  const std::array<std::uint64_t, 4> merges{machine.heap().Counter("merges", "below"),
                                            machine.heap().Counter("merges", "above"), machine.heap().Counter("merges", "both"),
                                            machine.heap().Counter("merges", "none")};
  EXPECT_EQ(merges, expected->merges);
}

INSTANTIATE_TEST_SUITE_P(Vectors, GoldenTotalsTest,
                         testing::Combine(testing::Values("simple", "simple_calloc", "simple_realloc", "test", "test-zero",
                                                          "syn-mix-realloc"),
                                          testing::Values(Kind::kLiteral, Kind::kIndexed, Kind::kUnguarded)),
                         NameOf);

}  // namespace
}  // namespace alloclab
