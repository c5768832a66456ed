// Why operations ended as they did, on small machines whose blocks are known.
#include "allocators/workload/explain.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "allocators/workload/timeline.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ExplainTest : public ::testing::Test {
 protected:
  void Open(std::vector<Operation> operations, const InstanceConfig& config = {1 << 20, "", "implicit-heap", true, {}}) {
    Trace trace;
    trace.operation_sites = sites_;
    trace.sites = {.frames = {{.function = "grow"}, {.function = "main"}}, .sites = {{0, 1}}};
    trace.operations = std::move(operations);
    trace.heap_handles = trace.page_handles = 16;
    instance_ = *Instance::Create(config);
    driver_ = std::make_unique<Driver>(*instance_);
    timeline_ = *Timeline::Create(std::make_shared<const Trace>(std::move(trace)), *driver_);
  }
  Explanation Why(std::uint64_t operation) { return *Explain(*timeline_, operation); }

  std::vector<std::uint32_t> sites_;  // of the operations: 1 is grow < main; empty: not told
  std::unique_ptr<Instance> instance_;
  std::unique_ptr<Driver> driver_;
  std::unique_ptr<Timeline> timeline_;
};

constexpr Operation Malloc(std::uint32_t block, std::uint32_t bytes) { return {OpKind::kMalloc, block, bytes, 0}; }
constexpr Operation Free(std::uint32_t block) { return {OpKind::kFree, block, 0, 0}; }

TEST_F(ExplainTest, OfAnAddressTheFreeBlockAndTheOnesThatWereTooSmall) {
  Open({Malloc(0, 60), Malloc(1, 20), Malloc(2, 400), Malloc(3, 20), Free(0), Free(2), Malloc(4, 100)});
  const Explanation e = Why(7);
  EXPECT_EQ(e.result.outcome, Outcome::kOk);
  EXPECT_EQ(e.needed_bytes, 104u);
  EXPECT_EQ(e.block_bytes, 104u);
  EXPECT_EQ(e.taken_bytes, 404u);
  EXPECT_EQ(e.found->too_small_below, 1u);
  EXPECT_EQ(e.found->passed_over_below, 0u);
  EXPECT_EQ(e.grown_bytes, 0u);
  EXPECT_EQ(e.page_faults, 0u);
  EXPECT_GT(e.search_steps, 0u);
  EXPECT_THAT(e.sentences, Contains(HasSubstr("out of a free block of 404 bytes; 300 are left of that")));
  EXPECT_THAT(e.sentences, Contains("1 free block at lower addresses was too small for 104 bytes."));
}

TEST_F(ExplainTest, OfARefusalTheBlocksThatStandInTheWay) {
  std::vector<Operation> operations;  // sixteen blocks fill the heap; every second one is freed
  for (std::uint32_t i = 0; i < 16; ++i) operations.push_back(Malloc(i, 976));
  for (std::uint32_t i = 0; i < 16; i += 2) operations.push_back(Free(i));
  operations.push_back(Malloc(0, 2'000));
  Open(operations, {1 << 20, "", "freertos-heap4", true, {{"heap.arena_bytes", "16384"}}});
  const Explanation e = Why(operations.size());
  EXPECT_EQ(e.result.outcome, Outcome::kFragmented);
  ASSERT_TRUE(e.refusal && e.gap);
  EXPECT_EQ(e.needed_bytes, 2'008u);
  EXPECT_GE(*e.refusal->free_bytes, 2'008u);
  EXPECT_LT(*e.refusal->largest_free_bytes, 2'008u);
  EXPECT_EQ(e.gap->bytes, 3u * 984);
  ASSERT_EQ(e.gap->between.size(), 1u);
  EXPECT_EQ(e.gap->between[0].bytes, 984u);
  EXPECT_EQ(e.gap->live_bytes, 984u);
  EXPECT_EQ(e.gap->between[0].allocated_by, 2u);
  EXPECT_THAT(e.sentences, Contains(HasSubstr("enough memory, but in pieces")));
  EXPECT_THAT(e.sentences, Contains(HasSubstr("(operation 2)")));
}

TEST_F(ExplainTest, OfABlockAtTheEndWhatTheHeapGrewBy) {
  Open({Malloc(0, 60), Malloc(1, 9'000)});
  const Explanation e = Why(2);
  ASSERT_TRUE(e.taken_bytes);
  EXPECT_LT(*e.taken_bytes, e.block_bytes) << "the free rest of the first page";
  EXPECT_GT(e.grown_bytes, 0u);
  EXPECT_EQ(e.found->large_enough, 0u);
  EXPECT_THAT(e.sentences, Contains(HasSubstr("begins with a free block of " + std::to_string(*e.taken_bytes) +
                                              " bytes; the heap grew by " + std::to_string(e.grown_bytes))));
  EXPECT_THAT(e.sentences, Not(Contains(HasSubstr("The tightest of 0"))));
}

TEST_F(ExplainTest, CallSitesOfTheOperationAndOfBlocks) {
  std::vector<Operation> operations;
  for (std::uint32_t i = 0; i < 16; ++i) operations.push_back(Malloc(i, 976));
  for (std::uint32_t i = 0; i < 16; i += 2) operations.push_back(Free(i));
  operations.push_back(Malloc(0, 2'000));
  sites_.assign(operations.size(), 0);
  sites_[1] = sites_.back() = 1;
  Open(operations, {1 << 20, "", "freertos-heap4", true, {{"heap.arena_bytes", "16384"}}});
  const Explanation refused = Why(operations.size());
  EXPECT_EQ(refused.called_by, "grow < main");
  ASSERT_TRUE(refused.gap);
  EXPECT_EQ(refused.gap->between.at(0).called_by, "grow < main");
  EXPECT_THAT(refused.sentences, Contains(HasSubstr("malloc of 2000 bytes, asked for by grow < main, which needs")));
  EXPECT_THAT(refused.sentences, Contains(HasSubstr("(operation 2, asked for by grow < main)")));
  EXPECT_EQ(Why(17).allocation_called_by, "") << "of the first block, whose site is not known";
  operations.push_back(Free(1));
  sites_.push_back(0);
  Open(operations);
  EXPECT_EQ(Why(operations.size()).allocation_called_by, "grow < main");
  EXPECT_THAT(Why(operations.size()).sentences, Contains(HasSubstr("allocated by operation 2, asked for by grow < main.")));
}

TEST_F(ExplainTest, OfARefusalTheMemoryThatIsMissing) {
  const std::vector<Operation> operations = {Malloc(0, 100), {OpKind::kCalloc, 1, 2'000'000, 1}};
  const auto config = [](std::uint64_t ram) { return InstanceConfig{ram, "", "implicit-heap", true, {}}; };
  constexpr std::uint64_t kRam = 1 << 20;
  Open(operations, config(kRam));
  const Explanation e = Why(2);
  EXPECT_EQ(e.result.outcome, Outcome::kOutOfMemory);
  ASSERT_TRUE(e.missing_bytes.has_value());
  EXPECT_TRUE(e.missing_ram);
  EXPECT_THAT(e.sentences, Contains(HasSubstr("would have let it pass: of RAM")));
  Open(operations, config(kRam + *e.missing_bytes));
  EXPECT_EQ(Why(2).result.outcome, Outcome::kOk);
  Open(operations, config(kRam + *e.missing_bytes - kPageBytes));
  EXPECT_EQ(Why(2).result.outcome, Outcome::kOutOfMemory);
}

TEST_F(ExplainTest, OfARefusalTheRoomThatIsMissing) {
  const std::vector<Operation> operations = {Malloc(0, 100), Malloc(1, 17'000)};
  const auto config = [](std::uint64_t arena) {
    return InstanceConfig{1 << 20, "", "freertos-heap4", true, {{"heap.arena_bytes", std::to_string(arena)}}};
  };
  Open(operations, config(16'384));
  const Explanation e = Why(2);
  ASSERT_TRUE(e.missing_bytes.has_value());
  EXPECT_FALSE(e.missing_ram);
  Open(operations, config(16'384 + (*e.missing_bytes + 7) / 8 * 8));
  EXPECT_EQ(Why(2).result.outcome, Outcome::kOk);
  Open(operations, config(16'384 + *e.missing_bytes / 8 * 8 - 64));
  EXPECT_NE(Why(2).result.outcome, Outcome::kOk);
}

TEST_F(ExplainTest, OfARefusalThatCoalescingWouldHavePassed) {
  Open({Malloc(0, 2'000'000), Malloc(1, 2'000'000), Free(0), Free(1), Malloc(2, 3'000'000)},
       {16 << 20, "", "implicit-heap", true, {{"heap.coalesce", "never"}, {"heap.limit_bytes", "4Mi"}}});
  const Explanation e = Why(5);
  EXPECT_TRUE(e.refusal.has_value()) << OutcomeName(e.result.outcome);
  ASSERT_TRUE(e.gap.has_value());
  EXPECT_EQ(e.gap->live_bytes, 0u);
  EXPECT_THAT(e.sentences, Contains(HasSubstr("Coalescing would have let it pass")));
}

TEST_F(ExplainTest, OfAFreeWhoMadeTheBlock) {
  Open({Malloc(0, 60), Malloc(1, 20), Malloc(0, 10), Free(0)});
  const Explanation e = Why(4);
  EXPECT_EQ(e.allocated_by, 3u);
  EXPECT_EQ(e.block_bytes, 16u);
  EXPECT_THAT(e.sentences, ElementsAre("Operation 4, free: gave back 16 bytes, allocated by operation 3."));
}

TEST_F(ExplainTest, OfMisuseTheOutcome) {
  Open({Malloc(0, 60), Free(0), Free(0)});
  EXPECT_THAT(Why(3).sentences, ElementsAre("Operation 3, free: double_free."));
}

TEST_F(ExplainTest, OfPages) {
  Open({{OpKind::kAllocatePages, 0, 8192, 0}, {OpKind::kFreePages, 0, 0, 0}, {OpKind::kAllocatePages, 1, 1 << 20, 0}});
  EXPECT_EQ(Why(1).block_bytes, 8192u);
  EXPECT_EQ(Why(2).allocated_by, 1u);
  const Explanation e = Why(3);
  EXPECT_TRUE(e.refusal);
  EXPECT_THAT(e.sentences, Contains(HasSubstr("fewer than needed")));
}

TEST_F(ExplainTest, AnyOrderOfQuestionsGetsTheSameAnswers) {
  Open({Malloc(0, 60), Malloc(1, 20), Malloc(2, 400), Malloc(3, 20), Free(0), Free(2), Malloc(4, 100)});
  const std::vector<std::string> last = Why(7).sentences, third = Why(3).sentences;
  EXPECT_EQ(Why(7).sentences, last);
  EXPECT_EQ(Why(3).sentences, third);
}

TEST_F(ExplainTest, NamesTheOperationsThereAre) {
  Open({Malloc(0, 60)});
  for (const std::uint64_t none : {0u, 2u}) {
    const absl::Status status = Explain(*timeline_, none).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
    EXPECT_THAT(status.message(), HasSubstr("expected 1 to 1"));
  }
}

}  // namespace
}  // namespace alloclab
