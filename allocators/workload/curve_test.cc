#include "allocators/workload/curve.h"

#include <numeric>

#include "allocators/workload/builtins.h"
#include "allocators/workload/run.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::SizeIs;

Operation Malloc(std::uint32_t block, std::uint32_t size) { return {OpKind::kMalloc, block, size, 0}; }
Operation Free(std::uint32_t block) { return {OpKind::kFree, block, 0, 0}; }

RunResult Execute(const Trace& trace, const InstanceConfig& config = {}, const RunOptions& options = {}) {
  auto result = ExecuteRun(trace, config, options);
  EXPECT_TRUE(result.ok()) << result.status();
  return *std::move(result);
}

TEST(CurveStep, AFewOperationsHaveAPointEach) {
  EXPECT_EQ(CurveStep({}), 1u);
  EXPECT_EQ(CurveStep(std::vector<Operation>(1'000, Free(0))), 1u);
  EXPECT_EQ(CurveStep(std::vector<Operation>(1'001, Free(0))), 2u);
  EXPECT_EQ(CurveStep(std::vector<Operation>(1'000'000, Free(0))), 1'000u);
}

// 100,000 blocks are made and none is freed: 50,000 live in the mean, and a million looks are 20 points.
TEST(CurveStep, ManyLiveBlocksHaveFewerPoints) {
  std::vector<Operation> operations;
  for (std::uint32_t i = 0; i < 100'000; ++i) operations.push_back(Malloc(i, 8));
  EXPECT_EQ(CurveStep(operations), 5'264u);  // of 19
  for (std::uint32_t i = 100'000; i < 1'000'000; ++i) operations.push_back(Malloc(i, 8));
  EXPECT_EQ(CurveStep(operations), 1'000'000u / kCurvePointsMin);
}

// The seeds' heap: 4 bytes of header, blocks of multiples of 4, an epilogue.
TEST(Curve, HasEveryFigureOfEveryPoint) {
  Trace trace;
  trace.operations = {Malloc(0, 100), Malloc(1, 200), Free(0), Malloc(2, ~0u - 1'000'000'000)};
  trace.heap_handles = 3;
  const RunResult result = Execute(trace, {64 << 20, "", "", true, {}});
  EXPECT_THAT(result.curve, SizeIs(4));
  const auto column = [&result](auto field) {
    std::vector<std::uint64_t> values;
    for (const CurvePoint& point : result.curve) values.push_back(point.*field);
    return values;
  };
  EXPECT_THAT(column(&CurvePoint::operation), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(column(&CurvePoint::live_bytes), ElementsAre(100, 300, 200, 200));
  EXPECT_THAT(column(&CurvePoint::live_blocks), ElementsAre(1, 2, 1, 1));
  EXPECT_THAT(column(&CurvePoint::failed_operations), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(column(&CurvePoint::free_blocks), ElementsAre(1, 1, 2, 2));
  EXPECT_EQ(result.curve[0].free_bytes, result.curve[0].largest_free_bytes);
  EXPECT_EQ(result.curve[2].free_bytes - result.curve[2].largest_free_bytes, 104u);
  EXPECT_EQ(result.curve[3].heap_bytes, result.counters.heap_size_peak_bytes);
}

TEST(Curve, EndsInWhatTheRunFound) {
  for (const char* heap : {"", "tlsf", "none"}) {
    SCOPED_TRACE(heap);
    const Trace trace = MakeBuiltin(std::string(heap) == "none" ? "fork-exec-exit" : "steady-state", 0, 30'000).value();
    const RunResult result = Execute(trace, {64 << 20, "", heap, true, {}});
    ASSERT_GE(result.curve.size(), kCurvePointsMin);
    ASSERT_LE(result.curve.size(), kCurvePointsMax);
    for (std::size_t i = 1; i < result.curve.size(); ++i) {
      ASSERT_EQ(result.curve[i - 1].operation, i * CurveStep(trace.operations));
      ASSERT_LE(result.curve[i - 1].cycles_386, result.curve[i].cycles_386);
    }
    const CurvePoint& last = result.curve.back();
    EXPECT_EQ(last.operation, 30'000u);
    EXPECT_EQ(last.cycles_386, result.simulated_cycles_386);
    EXPECT_EQ(last.live_bytes, result.counters.live_requested_bytes);
    EXPECT_EQ(last.page_live_bytes, result.counters.page_live_bytes);
    EXPECT_EQ(last.search_steps, CountOf(result.heap_counts, "search_steps") + CountOf(result.page_counts, "search_steps"));
    if (!result.checkpoints.empty()) {
      EXPECT_EQ(last.free_bytes, result.checkpoints.back().heap.free_bytes);
      EXPECT_EQ(last.free_blocks, result.checkpoints.back().heap.free_blocks);
    }
  }
}

TEST(Curve, OfACancelledRunIsItsBeginning) {
  const Trace trace = MakeBuiltin("steady-state", 0, 10'000).value();
  RunOptions options{.checkpoints = {}, .progress_every = 100, .progress = nullptr};
  options.progress = [](const RunProgress& progress, const Driver&) { return progress.operations_done < 5'000; };
  const std::vector<CurvePoint> whole = Execute(trace).curve, part = Execute(trace, {}, options).curve;
  ASSERT_LT(part.size(), whole.size());
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin()));
}

// They are the histograms of the driver, finer.
TEST(OperationRecord, AgreeWithTheCountersOfTheSameRun) {
  const Trace trace = MakeBuiltin("sqlite", 0, 0).value();
  const RunResult result = Execute(trace);
  const OperationRecord& costs = result.record;
  std::uint64_t count = 0, cycles = 0;
  for (const Pow2Histogram& histogram : result.counters.cycles) count += histogram.count(), cycles += histogram.sum();
  EXPECT_EQ(costs.cycles_386.count(), count);
  EXPECT_EQ(costs.cycles_386.sum(), cycles);
  EXPECT_EQ(costs.cycles_386.sum(), result.simulated_cycles_386);
  EXPECT_EQ(costs.cycles_486.count(), count);
  EXPECT_EQ(costs.cycles_486.sum(), result.simulated_cycles_486);
  EXPECT_EQ(costs.search_steps.count(), count);
  EXPECT_EQ(costs.search_steps.sum(), result.counters.heap_search_steps.sum());
  EXPECT_EQ(costs.search_steps.max(), result.counters.search_max);
  EXPECT_LE(costs.cycles_386.Quantile(0.5), costs.cycles_386.Quantile(0.99));
}

TEST(PageCover, CountsEachPageOnce) {
  PageCover cover;
  cover.Cover(0xC0400000, 0);
  EXPECT_EQ(cover.pages(), 0u);
  cover.Cover(0xC0400FF0, 16);
  EXPECT_EQ(cover.pages(), 1u);
  cover.Cover(0xC0400FF0, 17);
  cover.Cover(0xC0401008, 4);
  EXPECT_EQ(cover.pages(), 2u);
  cover.Cover(0xFFFFF000, 0x2000);
  EXPECT_EQ(cover.pages(), 3u);
}

// A block of 1 MiB that nobody writes to: the allocator touches the page of its header alone.
TEST(OperationRecord, KnowsThePagesOfBlocksThatNobodyTouched) {
  Trace trace;
  trace.operations = {Malloc(0, 1 << 20), Free(0), Malloc(0, 100)};
  trace.heap_handles = 1;
  const RunResult result = Execute(trace, {64 << 20, "", "tlsf", true, {}});
  EXPECT_GE(result.record.blocks.pages(), 256u);
  EXPECT_LE(result.record.blocks.pages(), 257u);
  EXPECT_EQ(PeakRamBytes(result), result.record.blocks.pages() * kPageBytes);
}

TEST(PeakRam, OfAHeapThatGrowsIsItsSizeOfSlabsTheirPagesAndWithoutAHeapNone) {
  Trace trace;
  trace.operations = {Malloc(0, 1 << 20), Free(0)};
  trace.heap_handles = 1;
  const RunResult grown = Execute(trace, {64 << 20, "", "", true, {}});
  EXPECT_EQ(PeakRamBytes(grown), grown.counters.heap_size_peak_bytes);
  const RunResult slabs = Execute(trace, {0, "", "slab-caches", true, {}});
  EXPECT_EQ(PeakRamBytes(slabs), 1u << 20) << "what it had, though it gave it back";
  EXPECT_EQ(PeakRamBytes(Execute(MakeBuiltin("fork-exec-exit", 0, 100).value(), {0, "", "none", true, {}})), 0u);
}

}  // namespace
}  // namespace alloclab
