// The visits of single operations on heaps whose lists are known, and that every engine has the same.
#include "allocators/workload/search_path.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "allocators/catalog/catalog.h"
#include "allocators/workload/builtins.h"
#include "allocators/workload/explain.h"
#include "allocators/workload/timeline.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::ElementsAre;

constexpr Operation PathMalloc(std::uint32_t block, std::uint32_t bytes) { return {OpKind::kMalloc, block, bytes, 0}; }
constexpr Operation PathFree(std::uint32_t block) { return {OpKind::kFree, block, 0, 0}; }

class SearchPathTest : public ::testing::Test {
 protected:
  void Open(std::vector<Operation> operations, const InstanceConfig& config) {
    Trace trace;
    trace.operations = std::move(operations);
    trace.heap_handles = trace.page_handles = 300;
    Open(std::move(trace), config);
  }
  void Open(Trace trace, const InstanceConfig& config) {
    timeline_.reset();
    driver_.reset();
    instance_ = *Instance::Create(config);
    driver_ = std::make_unique<Driver>(*instance_);
    timeline_ = *Timeline::Create(std::make_shared<const Trace>(std::move(trace)), *driver_);
  }
  static InstanceConfig Config(const std::string& heap, const std::string& engine) {
    return {1 << 20, "", heap, true, {{"heap.engine", engine}}};
  }
  Explanation Why(std::uint64_t operation) { return *Explain(*timeline_, operation); }

  std::unique_ptr<Instance> instance_;
  std::unique_ptr<Driver> driver_;
  std::unique_ptr<Timeline> timeline_;
};

std::vector<std::uint64_t> BytesOf(const std::vector<Visit>& visits) {
  std::vector<std::uint64_t> bytes;
  for (const Visit& visit : visits) bytes.push_back(visit.bytes);
  return bytes;
}

// First fit walks from the heap's start, over live and free chunks, to the first that is large enough.
TEST_F(SearchPathTest, OfFirstFitIsTheWalkToTheBlockThatIsTaken) {
  for (const char* engine : {"literal", "indexed"}) {
    Open({PathMalloc(0, 60), PathMalloc(1, 20), PathMalloc(2, 400), PathMalloc(3, 20), PathFree(0), PathFree(2),
          PathMalloc(4, 100)},
         Config("implicit-heap", engine));
    const Explanation e = Why(7);
    ASSERT_TRUE(e.path.has_value());
    ASSERT_GE(e.path->visits, 3u);
    EXPECT_THAT(BytesOf({e.path->first.begin(), e.path->first.begin() + 3}), ElementsAre(64, 24, 404)) << engine;
    EXPECT_EQ(e.path->first[2].address, e.taken_address);
    EXPECT_FALSE(e.path->first[0].live);
    EXPECT_TRUE(e.path->first[1].live);
    EXPECT_TRUE(e.path->page_faults.empty());
  }
}

TEST_F(SearchPathTest, OfALongWalkItsEndsAreKept) {
  std::vector<Operation> operations;
  for (std::uint32_t i = 0; i < 300; ++i) operations.push_back(PathMalloc(i, 20));
  operations.push_back(PathFree(299));
  operations.push_back(PathMalloc(299, 20));
  Open(operations, Config("implicit-heap", "indexed"));
  const Explanation e = Why(operations.size());
  EXPECT_GE(e.path->visits, 300u);
  ASSERT_EQ(e.path->first.size(), SearchPath::kEndsMax);
  ASSERT_EQ(e.path->last.size(), SearchPath::kEndsMax);
  for (std::size_t i = 0; i < SearchPath::kEndsMax; ++i) {
    EXPECT_EQ(e.path->first[i].number, i + 1);
    EXPECT_EQ(e.path->last[i].number, e.path->visits - SearchPath::kEndsMax + 1 + i);
  }
}

TEST_F(SearchPathTest, AFreeVisitsItsNeighboursAndNamesWhatItMergedWith) {
  Open({PathMalloc(0, 60), PathMalloc(1, 20), PathMalloc(2, 400), PathMalloc(3, 20), PathFree(0), PathFree(2), PathFree(1)},
       Config("implicit-heap", "indexed"));
  const Explanation e = Why(7);
  ASSERT_EQ(e.merged.size(), 2u);
  EXPECT_EQ(e.merged[0].bytes, 64u);
  EXPECT_EQ(e.merged[1].bytes, 404u);
  EXPECT_GE(e.path->visits, 2u);
}

TEST_F(SearchPathTest, NamesThePagesThatFaulted) {
  Open({PathMalloc(0, 60), PathMalloc(1, 50'000)}, Config("implicit-heap", "literal"));
  const Explanation e = Why(2);
  EXPECT_EQ(e.path->page_faults.size(), e.page_faults);
  EXPECT_GT(e.page_faults, 0u);
}

// Whatever engine a run has, on any heap that has two: the same visits, and the machine goes on as if nobody had asked.
TEST_F(SearchPathTest, EveryEngineHasTheSamePath) {
  const Trace trace = MakeBuiltin("steady-state", 5, 3'000).value();
  for (const char* heap : {"implicit-heap", "next-fit", "knr", "freertos-heap4", "freertos-heap2", "lwip-mem", "newlib-nano"}) {
    SCOPED_TRACE(heap);
    std::vector<std::optional<SearchPath>> paths[2];
    std::uint64_t cycles[2], visits = 0;
    for (const int engine : {0, 1}) {
      Open(trace, {16 << 20, "", heap, true, {{"heap.engine", engine == 0 ? "literal" : "indexed"}}});
      for (std::uint64_t operation = 100; operation <= 3'000; operation += 145) {
        paths[engine].push_back(Why(operation).path);
        visits += paths[engine].back()->visits;
      }
      EXPECT_TRUE(timeline_->Seek(3'000).ok());
      cycles[engine] = Cycles(k386dx33, instance_->costs());
      EXPECT_TRUE(instance_->heap()->CheckInvariants().empty());
    }
    EXPECT_GT(visits, 100u) << "otherwise this test says nothing";
    EXPECT_EQ(paths[0], paths[1]);
    EXPECT_EQ(cycles[0], cycles[1]);
  }
}

TEST_F(SearchPathTest, TheSearchOfARefusalIsSeen) {
  std::vector<Operation> operations;
  for (std::uint32_t i = 0; i < 16; ++i) operations.push_back(PathMalloc(i, 976));
  for (std::uint32_t i = 0; i < 16; i += 2) operations.push_back(PathFree(i));
  operations.push_back(PathMalloc(0, 2'000));
  Open(operations, {1 << 20, "", "freertos-heap4", true, {{"heap.arena_bytes", "16384"}}});
  const Explanation e = Why(operations.size());
  EXPECT_TRUE(e.refusal.has_value());
  EXPECT_GE(e.path->visits, 8u) << "its list of free blocks";
  EXPECT_EQ(e.taken_address, 0u);
}

}  // namespace
}  // namespace alloclab
