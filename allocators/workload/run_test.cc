#include "allocators/workload/run.h"

#include <algorithm>
#include <ctime>
#include <string>
#include <vector>

#include "allocators/common/cost_model.h"
#include "allocators/workload/builtins.h"
#include "allocators/workload/checkpoints.h"
#include "allocators/workload/difference.h"
#include "allocators/workload/pacer.h"
#include "allocators/workload/workload_spec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

InstanceConfig WithEngine(std::string engine) { return {0, "", "", true, {{"heap.engine", engine}, {"pages.engine", engine}}}; }

RunResult Execute(const Trace& trace, const InstanceConfig& config = {}, const RunOptions& options = {}) {
  auto result = ExecuteRun(trace, config, options);
  EXPECT_TRUE(result.ok()) << result.status();
  return *std::move(result);
}

template <class T>
std::string Error(const absl::StatusOr<T>& result) {
  return result.ok() ? "no error" : std::string(result.status().message());
}

TEST(ParseCheckpointsTest, ReadsCountsAndFractions) {
  EXPECT_THAT(*ParseCheckpoints("", 100), IsEmpty());
  EXPECT_THAT(*ParseCheckpoints("1/4,1/2,3/4", 26), ElementsAre(6, 13, 19));  // rounded down
  EXPECT_THAT(*ParseCheckpoints("50,1/2,7,0,1/1", 100), ElementsAre(0, 7, 50, 100));
  EXPECT_THAT(*ParseCheckpoints("2/3", ~0ull), ElementsAre(12297829382473034410ull));
}

TEST(ParseCheckpointsTest, ErrorsNameTheItem) {
  const std::string expected = " is no checkpoint; expected a number of operations or a fraction like 1/4";
  for (const std::string bad : {"x", "-1", "1/x", "/2", "1/", "1/2/3", " 1", "99999999999999999999"}) {
    EXPECT_EQ(Error(ParseCheckpoints("1/2," + bad, 100)), "\"" + bad + "\"" + expected);
  }
  EXPECT_EQ(Error(ParseCheckpoints(",1", 100)), "\"\"" + expected);
  EXPECT_EQ(Error(ParseCheckpoints("1,", 100)), "\"\" is no checkpoint; expected one after the last comma");
  EXPECT_EQ(Error(ParseCheckpoints("101", 100)), "\"101\" is beyond the trace's 100 operations");
  EXPECT_EQ(Error(ParseCheckpoints("3/2", 100)), "\"3/2\" is no fraction between 0/1 and 1/1");
  EXPECT_EQ(Error(ParseCheckpoints("0/0", 100)), "\"0/0\" is no fraction between 0/1 and 1/1");
  EXPECT_EQ(Error(ParseCheckpoints("1/1000000001", 100)),
            "\"1/1000000001\" is too fine; expected a denominator of at most 1000000000");
  std::string many = "1";
  for (int i = 0; i < 1000; ++i) many += ",1";
  EXPECT_EQ(Error(ParseCheckpoints(many, 100)), "too many checkpoints; expected at most 1000");
}

TEST(RunTest, BothEnginesFindTheSame) {
  for (const BuiltinWorkload& builtin : BuiltinWorkloads()) {
    const Trace trace = MakeBuiltin(builtin.name, 0, 20'000).value();
    const RunOptions options{.checkpoints = *ParseCheckpoints("1/4,1/2,3/4", trace.operations.size()), .progress = nullptr};
    const RunResult a = Execute(trace, WithEngine("indexed"), options), b = Execute(trace, WithEngine("literal"), options);
    SCOPED_TRACE(builtin.name);
    EXPECT_EQ(a.checkpoints, b.checkpoints);
    EXPECT_THAT(a.checkpoints, SizeIs(4));
    EXPECT_EQ(a.heap_counts, b.heap_counts);
    EXPECT_EQ(a.page_counts, b.page_counts);
    EXPECT_EQ(a.vm_costs, b.vm_costs);
    EXPECT_EQ(a.counters.outcomes, b.counters.outcomes);
    EXPECT_EQ(a.counters.cycles, b.counters.cycles);
    EXPECT_EQ(a.counters.heap_search_steps, b.counters.heap_search_steps);
    EXPECT_EQ(a.counters.page_search_steps, b.counters.page_search_steps);
    EXPECT_EQ(a.record, b.record);
    EXPECT_EQ(a.curve, b.curve);
    EXPECT_EQ(a.trace_sha256, b.trace_sha256);
    EXPECT_EQ(a.simulated_cycles_386, b.simulated_cycles_386);
    EXPECT_EQ(a.violations + b.violations, 0u);
    EXPECT_EQ(a.operations, trace.operations.size());
  }
}

TEST(RunTest, TheResultIsComplete) {
  const Trace trace = MakeBuiltin("sqlite", 0, 0).value();
  const RunResult result = Execute(trace);
  EXPECT_EQ(result.config.parameters.at("heap.engine"), "indexed");
  EXPECT_EQ(result.trace_sha256, TraceDigest(trace.operations));
  EXPECT_FALSE(result.cancelled);
  const std::uint64_t loads = CountOf(result.heap_counts, "words_loaded") + CountOf(result.page_counts, "words_loaded");
  const std::uint64_t stores = CountOf(result.heap_counts, "words_stored") + CountOf(result.page_counts, "words_stored");
  EXPECT_EQ(result.simulated_cycles_386, 4 * loads + 2 * stores + 4 * CountOf(result.heap_counts, "search_pages"));
  EXPECT_EQ(result.simulated_cycles_486, loads + stores + 8 * CountOf(result.heap_counts, "search_pages"));
  EXPECT_EQ(result.vm_costs.mapped_frames, result.vm_costs.demand_faults + 2);
  EXPECT_EQ(result.pages.arena.bytes, (512u << 20) - 4096);
  EXPECT_GT(result.wall_ns, 0u);
  ASSERT_THAT(result.checkpoints, SizeIs(1));
  EXPECT_EQ(result.checkpoints[0].after_operation, trace.operations.size());
}

TEST(RunTest, CheckpointsAreTakenWhereAskedAndOnce) {
  const Trace trace = MakeBuiltin("sqlite", 0, 1000).value();
  const RunResult result = Execute(trace, {}, {.checkpoints = {0, 10, 10, 1000}, .progress = nullptr});
  ASSERT_THAT(result.checkpoints, SizeIs(3));
  EXPECT_EQ(result.checkpoints[0].after_operation, 0u);
  EXPECT_EQ(result.checkpoints[0].heap.blocks, 2u);
  EXPECT_EQ(result.checkpoints[1].after_operation, 10u);
  EXPECT_EQ(result.checkpoints[2].after_operation, 1000u);
}

TEST(RunTest, AMachineWithoutAHeapHasNoCheckpoints) {
  const RunResult result = Execute(MakeBuiltin("fork-exec-exit", 0, 10'000).value(), {0, "", "none", true, {}});
  EXPECT_THAT(result.checkpoints, IsEmpty());
  EXPECT_THAT(result.heap_counts, IsEmpty());
  EXPECT_GT(CountOf(result.page_counts, "search_steps"), 0u);
}

TEST(RunTest, AMachineThatIsTooSmallGivesOutcomes) {
  const RunResult result = Execute(MakeBuiltin("ramp-and-drain", 0, 0).value(), {4 << 20, "", "", true, {}});
  EXPECT_GT(result.counters.outcomes[0][static_cast<std::size_t>(Outcome::kFragmented)], 0u);
  EXPECT_EQ(result.violations, 0u);
}

TEST(RunTest, OperationsAreAdmittedBeforeTheyAreAppliedAndARefusalEndsTheRun) {
  const Trace trace = MakeBuiltin("steady-state", 0, 1'000).value();
  std::uint64_t admitted = 0;
  RunOptions options;
  options.admit = [&](const Driver& driver, std::span<const Operation> next) -> absl::StatusOr<std::size_t> {
    EXPECT_EQ(driver.operations(), admitted);
    if (admitted >= 500) return absl::ResourceExhaustedError("no more");
    admitted += std::min<std::size_t>(next.size(), 7);
    return std::min<std::size_t>(next.size(), 7);
  };
  EXPECT_EQ(ExecuteRun(trace, {}, options).status().message(), "no more");
  EXPECT_GE(admitted, 500u);
  EXPECT_LT(admitted, 507u);
}

TEST(RunTest, WhatIsLongIsLeftOffWhenItIsInterrupted) {
  const Trace trace = MakeBuiltin("steady-state", 0, 1'000).value();
  RunOptions options;
  options.interrupt = [] { return true; };
  EXPECT_TRUE(absl::IsCancelled(ExecuteRun(trace, {}, options).status()));
}

TEST(RunTest, ProgressIsToldAndMayStopTheRun) {
  const Trace trace = MakeBuiltin("steady-state", 0, 10'000).value();
  std::vector<std::uint64_t> done;
  RunOptions options{.checkpoints = {}, .progress_every = 1000, .progress = nullptr};
  options.progress = [&done](const RunProgress& progress, const Driver& driver) {
    EXPECT_EQ(driver.operations(), progress.operations_done);
    done.push_back(progress.operations_done);
    return progress.operations_done < 5000;
  };
  const RunResult result = Execute(trace, {}, options);
  EXPECT_TRUE(result.cancelled);
  EXPECT_EQ(result.operations, done.back());
  EXPECT_GE(done.size(), 5u);
  EXPECT_LE(result.operations, 6000u);
  EXPECT_EQ(result.checkpoints.back().after_operation, result.operations);
  EXPECT_TRUE(result.checkpoints.back().metadata_sha256.empty()) << "it is stopped without a walk over the heap";
  EXPECT_GT(result.checkpoints.back().heap.blocks, 0u);
}

TEST(RunTest, ACancelIsHonouredInTimeHoweverSlowTheOperationsAre) {
  const Trace trace = MakeBuiltin("larson", 0, 0).value();
  // Of this process: other programs of a busy machine do not count.
  std::clock_t last = std::clock(), longest = 0;
  int calls = 0;
  RunOptions options;
  options.progress = [&](const RunProgress&, const Driver&) {
    longest = std::max(longest, std::clock() - last);
    last = std::clock();
    return ++calls < 30;
  };
  EXPECT_TRUE(Execute(trace, WithEngine("literal"), options).cancelled);
  EXPECT_LT(longest, CLOCKS_PER_SEC / 2) << "20 ms are aimed at; with a sanitizer everything takes ten times as long";
}

TEST(RunTest, OperationsThatBecomeSlowAtOnceShortenTheSliceUnderWay) {
  // Half a million quick pairs, for long slices; then a heap of 20,000 blocks that refuses, and walks over them all to say why.
  std::vector<Operation> operations;
  for (std::uint32_t i = 0; i < 500'000; ++i) {
    operations.push_back({.kind = OpKind::kMalloc, .block = 0, .size = 16});
    operations.push_back({.kind = OpKind::kFree, .block = 0});
  }
  for (std::uint32_t i = 0; i < 20'000; ++i) operations.push_back({.kind = OpKind::kMalloc, .block = i, .size = 16});
  const std::uint64_t slow_from = operations.size();
  for (std::uint32_t i = 0; i < 100'000; ++i) operations.push_back({.kind = OpKind::kMalloc, .block = 20'000, .size = 4 << 20});
  Trace trace;
  trace.operations = operations;
  trace.heap_handles = 20'001;
  std::uint64_t last = 0, longest = 0;
  RunOptions options;
  options.progress = [&](const RunProgress& progress, const Driver&) {
    if (last >= slow_from) longest = std::max(longest, progress.operations_done - last);
    // The slice in which it became slow, too.
    if (last < slow_from && progress.operations_done > slow_from) longest = progress.operations_done - slow_from;
    last = progress.operations_done;
    return last < slow_from + 300;
  };
  InstanceConfig config;
  config.heap_allocator = "segregated-fits";
  config.ram_bytes = 4 << 20;
  EXPECT_TRUE(Execute(trace, config, options).cancelled);
  EXPECT_GT(longest, 0u);
  EXPECT_LT(longest, 20'000u) << "a walk takes 10 us at the least";
}

TEST(PacerTest, SlicesFollowTheSpeed) {
  Pacer pacer(1'000'000);
  for (int i = 0; i < 40; ++i) pacer.Took(pacer.slice() * 50);  // 50 ns each
  EXPECT_NEAR(static_cast<double>(pacer.slice()), 200'000, 200);
  pacer.Took(pacer.slice() * 1'000'000);
  EXPECT_EQ(pacer.slice(), 10u);
  pacer.Took(0);
  EXPECT_EQ(pacer.slice(), 20u);
  EXPECT_EQ(Pacer(5).slice(), 5u);
}

TEST(RunTest, BadRunsAreRefused) {
  const Trace trace = MakeBuiltin("sqlite", 0, 100).value();
  const auto with = [&trace](std::vector<std::uint64_t> checkpoints) {
    return Error(ExecuteRun(trace, {}, {.checkpoints = std::move(checkpoints), .progress = nullptr}));
  };
  EXPECT_EQ(with({5, 4}), "checkpoints: expected ascending operation counts");
  EXPECT_EQ(with({101}), "checkpoints: 101 is beyond the trace; expected at most its 100 operations");
  EXPECT_THAT(Error(ExecuteRun(trace, {0, "x", "", true, {}}, {})),
              ::testing::StartsWith("page_allocator: unknown allocator \"x\"; expected one of "));
  Trace wild = trace;
  wild.operations.push_back({OpKind::kMalloc, kNoBlock, 1, 0});
  EXPECT_EQ(Error(ExecuteRun(wild, {}, {})), "operation 100 (malloc): handle 4294967295 is too large; expected below 67108864");
}

TEST(FindFirstDifferenceTest, EnginesDoNotDiffer) {
  const Trace trace = MakeBuiltin("sqlite", 0, 20'000).value();
  const auto difference = FindFirstDifference(trace, WithEngine("indexed"), WithEngine("literal"));
  ASSERT_TRUE(difference.ok()) << difference.status();
  EXPECT_EQ(difference->operation, 0u);
  EXPECT_EQ(difference->what, "");
  EXPECT_FALSE(difference->cancelled);
}

TEST(FindFirstDifferenceTest, TheFirstOperationIsNamedWithBothValues) {
  const Trace trace = MakeBuiltin("ramp-and-drain", 0, 0).value();
  const auto limit = FindFirstDifference(trace, {0, "", "", true, {{"heap.limit_bytes", "4Mi"}}}, {});
  ASSERT_TRUE(limit.ok()) << limit.status();
  EXPECT_GT(limit->operation, 1000u);
  EXPECT_EQ(limit->what, "operation " + std::to_string(limit->operation) + " (malloc): outcome: fragmented in a, ok in b");

  const auto grown = FindFirstDifference(trace, {}, {0, "", "", true, {{"heap.initial_bytes", "64Ki"}}});
  ASSERT_TRUE(grown.ok());
  EXPECT_THAT(grown->what, ::testing::StartsWith("operation " + std::to_string(grown->operation) + " (malloc): "));

  const Trace pages = MakeBuiltin("fork-exec-exit", 0, 100).value();
  const auto moved = FindFirstDifference(pages, {0, "", "none", true, {}}, {256 << 20, "", "none", true, {}});
  EXPECT_EQ(moved->operation, 1u);
  EXPECT_THAT(moved->what, ::testing::StartsWith("operation 1 (allocate_pages): address: 0x1FF"));
}

TEST(FindFirstDifferenceTest, TheTwoAreCalledAsTheCallerWishes) {
  const Trace trace = MakeBuiltin("ramp-and-drain", 0, 0).value();
  const auto limit =
      FindFirstDifference(trace, {0, "", "", true, {{"heap.limit_bytes", "4Mi"}}}, {}, nullptr, {.a = "run 7", .b = "run 8"});
  ASSERT_TRUE(limit.ok()) << limit.status();
  EXPECT_THAT(limit->what, ::testing::HasSubstr(": outcome: fragmented in run 7, ok in run 8"));
  EXPECT_THAT(Error(FindFirstDifference(trace, {1, "", "", true, {}}, {}, nullptr, {.a = "run 7", .b = "run 8"})),
              ::testing::StartsWith("run 7: ram_bytes: "));
}

TEST(FindFirstDifferenceTest, ErrorsNameTheSide) {
  const Trace trace = MakeBuiltin("sqlite", 0, 100).value();
  EXPECT_THAT(Error(FindFirstDifference(trace, {}, {0, "x", "", true, {}})),
              ::testing::StartsWith("b: page_allocator: unknown allocator \"x\"; expected one of "));
  EXPECT_THAT(Error(FindFirstDifference(trace, {1, "", "", true, {}}, {})), ::testing::StartsWith("a: ram_bytes: "));
}

TEST(FindFirstDifferenceTest, MayBeStopped) {
  const Trace trace = MakeBuiltin("larson", 0, 0).value();
  const auto difference = FindFirstDifference(trace, WithEngine("literal"), WithEngine("literal"),
                                              [](const RunProgress&, const Driver&) { return false; });
  EXPECT_TRUE(difference->cancelled);
  EXPECT_EQ(difference->operation, 0u);
}

// The deterministic part is the same on every machine, with every compiler and build type: these figures were got with g++ 12
// at -O3 and clang 14 at -O1, which agreed.
TEST(RunTest, BuiltinsCostTheSameEverywhere) {
  struct Expected {
    const char* workload;
    std::uint64_t heap_steps, page_steps, cycles;
    const char* digest;  // the beginning
  };
  for (const Expected& expected : {Expected{"steady-state", 3'273'363'938, 694, 13'308'520'224, "34cceedda0791cfc"},
                                   Expected{"ramp-and-drain", 4'220'020'417, 3'420, 17'685'794'654, "1f9048e2b3bd2d70"},
                                   Expected{"larson", 1'419'285'606, 705, 5'893'087'236, "e035272d306f37ec"},
                                   Expected{"checkerboard", 4'422'796'655, 1'405, 17'992'622'134, "c6523bc199348820"},
                                   Expected{"fork-exec-exit", 0, 11'186'326, 325'868'980, "03966d456eea9a55"},
                                   Expected{"sqlite", 6'766'638, 343, 30'395'746, "ed39ebcfb033140c"}}) {
    const RunResult result = Execute(*MakeBuiltin(expected.workload, 0, 0));
    EXPECT_EQ(CountOf(result.heap_counts, "search_steps"), expected.heap_steps) << expected.workload;
    EXPECT_EQ(CountOf(result.page_counts, "search_steps"), expected.page_steps) << expected.workload;
    EXPECT_EQ(result.simulated_cycles_386, expected.cycles) << expected.workload;
    EXPECT_THAT(result.checkpoints.back().metadata_sha256, StartsWith(expected.digest)) << expected.workload;
  }
}

TEST(RunTest, WhatAProgramWritesChangesWhatIsResidentAndNothingThatTheHeapDoes) {
  Phase phase{.name = "p", .operations = 100, .live_blocks = 100, .size = UniformSize{1, 60'000}};
  const Trace lazy = Generate({"w", 1, {phase}}).value();
  phase.touch = {Touch::Part::kPercent, 100};
  const Trace writing = Generate({"w", 1, {phase}}).value();
  const RunResult a = Execute(lazy), b = Execute(writing), literal = Execute(writing, WithEngine("literal"));
  EXPECT_GT(b.vm_costs.demand_faults, a.vm_costs.demand_faults + 100);
  EXPECT_EQ(b.counters.outcomes, a.counters.outcomes);
  EXPECT_EQ(b.heap_counts, a.heap_counts);
  EXPECT_EQ(b.checkpoints.back().metadata_sha256, a.checkpoints.back().metadata_sha256);
  EXPECT_NE(b.trace_sha256, a.trace_sha256);
  EXPECT_EQ(literal.vm_costs, b.vm_costs);
  EXPECT_EQ(literal.page_counts, b.page_counts);
}

}  // namespace
}  // namespace alloclab
