// The classic allocators against what their originals did, compiled for 32-bit x86, with the operations of recorded traces:
// every address, and at checkpoints the blocks, the allocator's own words and the digest of its metadata; at the end its
// counters. Heaps with two engines are replayed by both. testdata/classics/ holds the small vectors. With ALLOCLAB_GOLDEN_DIR
// and ALLOCLAB_TRACES_DIR in the environment all that are there are replayed. The program ends with a line that says how many
// were, and how many agree.
//
// The rules of replay: a malloc is passed on whatever its size; a realloc is a malloc and, if that gave a block, a free; a
// free of a handle that names null does nothing.
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
#include "allocators/catalog/catalog.h"
#include "allocators/catalog/instance.h"
#include "allocators/common/sha256.h"
#include "allocators/workload/trace.h"
#include "allocators/workload/trace_bytes.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

// Of the words of linux-0.11-bucket's digest, those of its map of pages, which the vectors do not count.
constexpr std::uint64_t kMemMapWords = 960;

struct Case {
  std::string allocator, vectors, trace, golden_file, trace_file;
  bool indexed = false;  // by the indexed engine, which needs a guarded instance
  friend void PrintTo(const Case& c, std::ostream* out) {
    *out << c.vectors << " " << c.trace << (c.indexed ? " indexed" : "");
  }
};

using Words = std::map<std::string, std::string>;

Words WordsOf(std::istream& line) {
  Words words;
  for (std::string name, value; line >> name >> value;) words[name] = value;
  return words;
}

struct Golden {
  std::vector<std::uint32_t> addresses;        // the first ones, where there are many
  std::map<std::uint64_t, Words> checkpoints;  // after so many operations
  Words arena, final, counts;
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

Golden ReadGolden(const std::string& path) {
  Golden golden;
  const std::string bytes = ReadFile(path);
  TraceBytes input(bytes, path, ~0ull);
  std::string text;
  while (input.Fill().ok() && !input.Window().empty()) {
    text += input.Window();
    input.Consume(input.Window().size());
  }
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, what, after;
    words >> hash;
    if (hash != "#") {
      golden.addresses.push_back(static_cast<std::uint32_t>(std::stoul(hash, nullptr, 16)));
      continue;
    }
    words >> what;
    if (what == "arena") {
      golden.arena = WordsOf(words);
    } else if (what == "checkpoint" || what == "panic_state") {
      std::uint64_t operations = 0;
      words >> after >> operations;
      golden.checkpoints[operations] = WordsOf(words);
    } else if (what == "final") {
      std::uint64_t operations = 0;
      words >> after >> operations;
      golden.final = WordsOf(words);
    } else if (what == "counts") {
      golden.counts = WordsOf(words);
    }
  }
  return golden;
}

// The lists of heap/implicit/testdata have the ids of the trace; a trace's reader gives the result of a realloc the old block's
// handle, which is another thing when a realloc fails.
std::vector<Operation> ReadOps(const std::string& path) {
  std::vector<Operation> operations;
  std::istringstream lines(ReadFile(path));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string kind, block, old;
    Operation op{};
    words >> kind >> block;
    op.block = block == "-" ? kNoBlock : static_cast<std::uint32_t>(std::stoul(block));
    if (kind == "f") {
      op.kind = OpKind::kFree;
    } else if (kind == "m") {
      op.kind = OpKind::kMalloc;
      words >> op.size;
    } else if (kind == "c") {
      op.kind = OpKind::kCalloc;
      words >> op.extra >> op.size;
    } else {
      op.kind = OpKind::kRealloc;
      words >> old >> op.size;
      op.extra = old == "-" ? kNoBlock : static_cast<std::uint32_t>(std::stoul(old));
    }
    operations.push_back(op);
  }
  return operations;
}

std::vector<Operation> OperationsOf(const Case& c) {
  const std::string ops = ALLOCLAB_SOURCE_DIR "/allocators/heap/implicit/testdata/" + c.trace + ".ops";
  if (std::filesystem::exists(ops)) return ReadOps(ops);
  const auto trace = ReadTrace(ReadFile(c.trace_file), c.trace);
  EXPECT_TRUE(trace.ok()) << trace.status();
  return trace.ok() ? trace->operations : std::vector<Operation>();
}

// What a vector calls a counter of ours; a name that is not here has the same there.
struct Alias {
  std::string_view theirs, ours, label = {};
};
constexpr Alias kAliases[] = {
    {"merge_none", "merges", "none"},
    {"merge_next", "merges", "above"},
    {"merge_prev", "merges", "below"},
    {"merge_both", "merges", "both"},
    {"merge_right", "merges", "above"},
    {"merge_left", "merges", "below"},
    {"free_steps", "place_steps"},
    {"insert_steps", "place_steps"},
    {"exact", "exact_fits"},
    {"hit_same_fl", "found_rows", "same"},
    {"hit_higher_fl", "found_rows", "higher"},
    {"tree_insert_steps", "place_steps"},
    {"whole", "exact_fits"},
    {"probe_steps", "search_steps"},
    {"double_free_seen", "double_frees_noticed"},
};

// Refusals, which the outcomes tell; parts of a counter.
constexpr std::string_view kNotCounted[] = {"grow_fails", "sys_fail", "no_fit", "refused_early", "insert_steps_free"};

std::uint64_t CountIn(const std::vector<Count>& counts, std::string_view theirs) {
  const auto* alias =
      std::find_if(std::begin(kAliases), std::end(kAliases), [&](const Alias& a) { return a.theirs == theirs; });
  if (alias != std::end(kAliases)) return CountOf(counts, alias->ours, alias->label);
  // Ours are all steps of walks over blocks; theirs are those of the search for a fit.
  if (theirs == "search_steps" || theirs == "tree_walk_steps" || theirs == "chain_steps") {
    return CountOf(counts, "search_steps") - CountOf(counts, "place_steps") - CountOf(counts, "lfree_steps");
  }
  return CountOf(counts, theirs);
}

bool HasCounter(const std::vector<Count>& counts, std::string_view name) {
  return std::any_of(counts.begin(), counts.end(), [&](const Count& count) { return count.info->name == name; });
}

struct Tally {
  int vectors = 0, agree = 0;
};

class ClassicsGoldenTest : public testing::TestWithParam<Case> {
 protected:
  static inline Tally literal_, indexed_;  // replays by either engine

  void TearDown() override {
    Tally& tally = GetParam().indexed ? indexed_ : literal_;
    ++tally.vectors;
    tally.agree += HasFailure() ? 0 : 1;
  }
  static void TearDownTestSuite() {
    absl::PrintF("%d of %d vectors agree with the literal engine, %d of the %d that have an index with the indexed one\n",
                 literal_.agree, literal_.vectors, indexed_.agree, indexed_.vectors);
  }

  void Make(const Golden& golden) {
    std::map<std::string, std::string> parameters;
    for (const char* size : {"configTOTAL_HEAP_SIZE", "heap_size", "MEM_SIZE", "bytes"}) {
      if (const auto found = golden.arena.find(size); found != golden.arena.end())
        parameters["heap.arena_bytes"] = found->second;
    }
    // "... memory ends at 00400000 + 16 pages, ..."
    for (const auto& [name, value] : golden.arena) {
      if (value == "pages,") parameters["heap.arena_bytes"] = absl::StrCat(std::stoul(name) * kPageBytes);
    }
    if (GetParam().indexed) parameters["heap.engine"] = "indexed";
    auto instance = Instance::Create({std::uint64_t{512} << 20, "", GetParam().allocator, GetParam().indexed, parameters});
    ASSERT_TRUE(instance.ok()) << instance.status();
    instance_ = *std::move(instance);
  }

  VirtAddr Malloc(std::uint32_t bytes) {
    const VirtAddr given = instance_->heap_guard()->Malloc(bytes).address;
    refused_ += bytes > instance_->heap()->declaration().request_max;
    for (int i = 0; i < 4; ++i) fnv_ = (fnv_ ^ (given.raw() >> 8 * i & 0xFF)) * 0x100000001B3;
    return given;
  }
  void Free(VirtAddr& block) {
    if (!block.is_null()) {
      ASSERT_EQ(instance_->heap_guard()->Free(block).outcome, Outcome::kOk);
    }
    block = VirtAddr{};
  }

  VirtAddr& Handle(std::uint32_t handle) {
    if (handle >= blocks_.size()) blocks_.resize(handle + 1);
    return blocks_[handle];
  }

  // The address that the operation gave; nothing for a free.
  std::optional<VirtAddr> Apply(const Operation& op) {
    if (op.kind == OpKind::kFree) {
      Free(Handle(op.block));
      return std::nullopt;
    }
    const std::uint32_t bytes = op.kind == OpKind::kCalloc ? op.extra * op.size : op.size;
    const VirtAddr given = Malloc(bytes);
    if (op.kind == OpKind::kRealloc && op.extra != kNoBlock) {
      if (given.is_null() && op.extra == op.block) return given;  // the old block stays
      if (!given.is_null()) Free(Handle(op.extra));
    }
    if (op.block != kNoBlock) Handle(op.block) = given;
    return given;
  }

  // The value of a word of a checkpoint, as the vectors write it.
  std::string Word(const std::string& name, const HeapShape& shape) const {
    const HeapAllocator& heap = instance_->heap_guard()->allocator();
    if (name == "brk") return absl::StrFormat("%08x", shape.brk.raw());
    if (name == "blocks") return absl::StrCat(shape.live_blocks + shape.free_blocks);
    if (name == "chunks") {  // dlmalloc's without top
      return absl::StrCat(shape.live_blocks + shape.free_blocks - (GetParam().allocator == "dlmalloc" ? 1 : 0));
    }
    if (name == "free_blocks") return absl::StrCat(shape.free_blocks);
    // What the vectors do not count of a block.
    const std::uint32_t header = GetParam().allocator == "tlsf" ? kWordBytes : 0;
    if (name == "free_bytes") return absl::StrCat(shape.free_bytes - shape.free_blocks * header);
    if (name == "largest_free") return absl::StrCat(shape.largest_free_bytes - (shape.free_blocks != 0 ? header : 0));
    if (name == "addrs_fnv1a64") return absl::StrFormat("%016x", fnv_);
    if (name == "meta_words" || name == "meta_sha256") {
      Sha256 digest;
      std::uint64_t words = 0;
      heap.VisitMetadata([&](std::uint32_t word) {
        digest.UpdateU32(word);
        ++words;
      });
      if (IsBuckets()) words -= kMemMapWords;
      return name == "meta_words" ? absl::StrCat(words) : digest.HexDigest();
    }
    for (const Figure& figure : heap.Figures()) {
      if (figure.info->name != name) continue;
      const bool hexadecimal = figure.info->unit == FigureInfo::Unit::kAddress || figure.info->unit == FigureInfo::Unit::kWord;
      return hexadecimal ? absl::StrFormat("%08x", figure.value) : absl::StrCat(figure.value);
    }
    if (name == "used_bytes") return absl::StrCat(shape.live_block_bytes - shape.live_blocks * header);
    if (name == "refused") return absl::StrCat(refused_);
    return "no such figure";
  }

  bool IsBuckets() const { return GetParam().allocator == "linux-0.11-bucket"; }
  // Of the buckets without the free pages, which are not in the vectors.
  HeapShape Shape() const {
    const HeapAllocator& heap = instance_->heap_guard()->allocator();
    if (!IsBuckets()) return heap.Shape();
    HeapShape shape;
    heap.VisitBlocks({}, [&](const Block& block) {
      if (block.kind != BlockKind::kFree || block.fields[0] != 0) shape.Add(block);
      return true;
    });
    return shape;
  }

  void ExpectState(const Words& words, std::uint64_t after) const {
    const HeapShape shape = Shape();
    for (const auto& [name, value] : words) {
      if (name == "results") continue;
      EXPECT_EQ(Word(name, shape), value) << name << " after " << after << " operations";
    }
    EXPECT_TRUE(instance_->heap_guard()->allocator().CheckInvariants().empty()) << "after " << after << " operations";
  }

  std::unique_ptr<Instance> instance_;
  std::vector<VirtAddr> blocks_;
  std::uint64_t fnv_ = 0xCBF29CE484222325;
  std::uint64_t refused_ = 0;  // requests that are too large for the original to look at
};

TEST_P(ClassicsGoldenTest, EveryAddressStateAndCount) {
  Golden golden = ReadGolden(GetParam().golden_file);
  ASSERT_NO_FATAL_FAILURE(Make(golden));

  std::size_t results = 0;
  std::uint64_t after = 0;
  for (const Operation& op : OperationsOf(GetParam())) {
    if (const std::optional<VirtAddr> given = Apply(op)) {
      if (results < golden.addresses.size()) {
        ASSERT_EQ(absl::StrFormat("%08x", given->raw()), absl::StrFormat("%08x", golden.addresses[results]))
            << "operation " << after;
      }
      ++results;
    }
    if (const auto state = golden.checkpoints.find(++after); state != golden.checkpoints.end())
      ExpectState(state->second, after);
  }
  ExpectState(golden.final, after);
  EXPECT_EQ(absl::StrCat(results), golden.final.at("results"));
  const std::vector<Count> counts = instance_->heap_guard()->allocator().Counts();
  if (golden.counts.contains("insert_steps_malloc")) {
    golden.counts["insert_steps"] =
        absl::StrCat(std::stoull(golden.counts["insert_steps_malloc"]) + std::stoull(golden.counts["insert_steps_free"]));
    golden.counts.erase("insert_steps_malloc");
  }
  for (const auto& [name, value] : golden.counts) {
    if (std::find(std::begin(kNotCounted), std::end(kNotCounted), name) != std::end(kNotCounted)) continue;
    if (name == "whole" && !HasCounter(counts, "exact_fits")) continue;  // there it is all successes
    EXPECT_EQ(absl::StrCat(CountIn(counts, name)), value) << name;
  }
}

// Vectors of allocators of the catalogue: FOLDER/VECTORS/TRACE.golden.gz, VECTORS the allocator's name or that and "-oom".
void AddCases(const std::string& folder, const std::string& vectors, const std::string& traces, std::vector<Case>& cases) {
  const std::string allocator = vectors.ends_with("-oom") ? vectors.substr(0, vectors.size() - 4) : vectors;
  const auto heap = FindHeapAllocator(allocator);
  if (!heap.ok() || !std::filesystem::is_directory(folder)) return;
  const auto& parameters = (*heap)->parameters;
  const bool has_index = std::any_of(parameters.begin(), parameters.end(),
                                     [](const ParameterInfo& parameter) { return parameter.name == "heap.engine"; });
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string file = entry.path().filename();
    if (!file.ends_with(".golden.gz")) continue;
    const std::string trace = file.substr(0, file.find('.'));
    for (const bool indexed : {false, true}) {
      if (indexed && !has_index) continue;
      cases.push_back({allocator, vectors, trace, entry.path(), traces + "/" + trace + ".trace.gz", indexed});
    }
  }
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  const char* golden = std::getenv("ALLOCLAB_GOLDEN_DIR");
  const char* traces = std::getenv("ALLOCLAB_TRACES_DIR");
  if (golden != nullptr && traces != nullptr && std::filesystem::is_directory(std::string(golden) + "/allocators")) {
    for (const auto& entry : std::filesystem::directory_iterator(std::string(golden) + "/allocators")) {
      AddCases(entry.path(), entry.path().filename(), traces, cases);
    }
  } else {
    const std::string data = ALLOCLAB_SOURCE_DIR "/allocators/workload/testdata";
    for (const auto& entry : std::filesystem::directory_iterator(data + "/classics")) {
      AddCases(entry.path(), entry.path().filename(), data, cases);
    }
  }
  std::sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) {
    return std::tie(a.vectors, a.trace, a.indexed) < std::tie(b.vectors, b.trace, b.indexed);
  });
  return cases;
}

TEST(ClassicsVectorsTest, AllAreHere) {
  if (std::getenv("ALLOCLAB_GOLDEN_DIR") == nullptr || std::getenv("ALLOCLAB_TRACES_DIR") == nullptr) {
    GTEST_SKIP() << "only the small vectors of testdata/classics: ALLOCLAB_GOLDEN_DIR and ALLOCLAB_TRACES_DIR name no others";
  }
  EXPECT_FALSE(Cases().empty());
}

INSTANTIATE_TEST_SUITE_P(Vectors, ClassicsGoldenTest, testing::ValuesIn(Cases()),
                         [](const testing::TestParamInfo<Case>& param) {
                           std::string name =
                               param.param.vectors + "_" + param.param.trace + (param.param.indexed ? "_indexed" : "");
                           for (char& c : name) c = c == '-' || c == '.' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace alloclab
