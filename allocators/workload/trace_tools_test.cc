// What is found in a trace, what is made of one, and how one is shrunk.
#include <string>

#include "allocators/workload/builtins.h"
#include "allocators/workload/cmu_rep_writer.h"
#include "allocators/workload/malloc_bench_writer.h"
#include "allocators/workload/trace_minimize.h"
#include "allocators/workload/trace_summary.h"
#include "allocators/workload/trace_testing.h"
#include "allocators/workload/trace_transform.h"
#include "allocators/workload/xoshiro256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Trace Of(std::vector<Operation> operations, std::uint32_t handles = 8) {
  return {std::move(operations), handles, 2, "test", {}};
}

TraceSummary Summary(const Trace& trace, const std::vector<std::uint32_t>& threads = {}) {
  TraceSummarizer summarizer;
  summarizer.Add(trace.operations, threads);
  return summarizer.Finish();
}

TEST(TraceSummaryTest, CountsWhatIsThere) {
  const Trace trace = Of({Malloc(0, 100), Calloc(1, 4, 25), Realloc(0, 0, 300), Free(1), Malloc(2, 100), Free(0)});
  const TraceSummary summary = Summary(trace, {0, 1, 0, 1, 1, 0});
  EXPECT_EQ(summary.operations, 6u);
  EXPECT_EQ(summary.kinds[static_cast<int>(OpKind::kFree)], 2u);
  EXPECT_EQ(summary.requested_bytes, 600u);
  EXPECT_EQ(summary.peak_bytes, 400u);
  EXPECT_EQ(summary.peak_operation, 3u);
  EXPECT_EQ(summary.leaked_blocks, 1u);
  EXPECT_EQ(summary.leaked_bytes, 100u);
  EXPECT_THAT(summary.threads, ElementsAre(3u, 3u));
  EXPECT_EQ(summary.hot_sizes.front(), (std::pair<std::uint64_t, std::uint64_t>{100, 3}));
  EXPECT_EQ(summary.longest.front().born, 1u);
  EXPECT_EQ(summary.longest.front().lifetime, 5u);
  EXPECT_EQ(summary.course.back().operation, 6u);
}

TEST(TraceSummaryTest, TellsWhatCallSitesHold) {
  const Trace trace = Of({Malloc(0, 100), Malloc(1, 50), Realloc(1, 1, 300), Free(0), Malloc(2, 7), Free(1)});
  const std::vector<std::uint32_t> sites = {1, 2, 3, 0, 1, 0};
  TraceSummarizer summarizer;
  summarizer.Add(trace.operations, {}, sites);
  const TraceSummary summary = summarizer.Finish();
  ASSERT_EQ(summary.sites.size(), 3u);
  EXPECT_EQ(summary.sites[0].site, 3u);
  EXPECT_EQ(summary.sites[0].peak_bytes, 300u);
  EXPECT_EQ(summary.sites[0].end_bytes, 0u);
  EXPECT_EQ(summary.sites[1].site, 1u);
  EXPECT_EQ(summary.sites[1].peak_bytes, 100u);
  EXPECT_EQ(summary.sites[1].end_bytes, 7u);
  EXPECT_EQ(summary.sites[1].end_blocks, 1u);
  EXPECT_EQ(summary.sites[1].requests, 2u);
  EXPECT_EQ(summary.sites[2].peak_bytes, 0u);
}

TEST(TraceSummaryTest, SeesMisuse) {
  const TraceSummary summary = Summary(
      Of({Free(0), Malloc(0, 8), Malloc(0, 9), Free(0), Free(0), Realloc(1, 1, 7), Malloc(2, 0), Malloc(3, 0xFFFFFFFF)}));
  EXPECT_EQ(summary.wild_frees.first, 1u);
  EXPECT_EQ(summary.overwritten.first, 3u);
  EXPECT_EQ(summary.double_frees.first, 5u);
  EXPECT_EQ(summary.dead_reallocs.first, 6u);
  EXPECT_EQ(summary.zero_sizes.first, 7u);
  EXPECT_EQ(summary.too_large.first, 8u);
}

TEST(TraceSummaryTest, TheCourseStaysSmallAndKeepsThePeak) {
  TraceSummarizer summarizer;
  for (std::uint32_t i = 0; i < 50'000; ++i) {
    const Operation pair[] = {Malloc(0, i == 31'337 ? 1'000'000 : 8), Free(0)};
    summarizer.Add(pair, {});
  }
  const TraceSummary summary = summarizer.Finish();
  EXPECT_LE(summary.course.size(), TraceSummarizer::kCoursePointsMax);
  std::uint64_t most = 0;
  for (const LivePoint& point : summary.course) most = std::max(most, point.bytes);
  EXPECT_EQ(most, 1'000'000u);
}

TEST(TraceTransformTest, ASliceBeginsWithWhatWasLive) {
  const Trace trace = Of({Malloc(0, 10), Malloc(1, 20), Realloc(0, 0, 30), Free(1), Calloc(2, 2, 4), Malloc(1, 40), Free(0)});
  EXPECT_THAT(SliceTrace(trace, 6, 7)->operations, ElementsAre(Malloc(0, 30), Calloc(2, 2, 4), Malloc(1, 40), Free(0)));
  EXPECT_THAT(SliceTrace(trace, 1, 2)->operations, ElementsAre(Malloc(0, 10), Malloc(1, 20)));
  EXPECT_EQ(SliceTrace(trace, 8, 9).status().message(),
            "operations 8 to 9; expected two of 1 to 7, the first not behind the second");
}

TEST(TraceTransformTest, AFilterTakesWholeLives) {
  TraceFilter large, short_lived, none;
  large.size_min = 100;
  short_lived.lifetime_max = 2;
  none.size_min = 1000;
  const Trace trace = Of({Malloc(0, 10), Malloc(1, 200), Realloc(1, 1, 3), Free(0), Free(1), Malloc(0, 500)});
  EXPECT_THAT(FilterTrace(trace, {}, large)->operations,
              ElementsAre(Malloc(1, 200), Realloc(1, 1, 3), Free(1), Malloc(0, 500)));
  EXPECT_THAT(FilterTrace(trace, {}, short_lived)->operations, ElementsAre(Malloc(0, 500)));
  TraceFilter threads;
  threads.threads = {1};
  EXPECT_THAT(FilterTrace(trace, {0, 1, 0, 0, 0, 0}, threads)->operations,
              ElementsAre(Malloc(1, 200), Realloc(1, 1, 3), Free(1)));
  EXPECT_THAT(std::string(FilterTrace(trace, {}, threads).status().message()), HasSubstr("does not tell them"));
  EXPECT_FALSE(FilterTrace(trace, {}, none).ok());
}

TEST(TraceTransformTest, AFilterKeepsCallSites) {
  Trace trace = Of({Malloc(0, 10), Malloc(1, 200), Realloc(1, 1, 3), Free(0), Free(1)});
  TraceFilter by_site;
  by_site.sites = {2};
  EXPECT_THAT(std::string(FilterTrace(trace, {}, by_site).status().message()), HasSubstr("the trace does not tell them"));
  trace.operation_sites = {1, 2, 3, 0, 0};
  trace.sites = {.frames = {{.function = "a"}, {.function = "b"}}, .sites = {{0}, {1}}};
  Trace filtered = FilterTrace(trace, {}, by_site).value();
  EXPECT_THAT(filtered.operations, ElementsAre(Malloc(1, 200), Realloc(1, 1, 3), Free(1)));
  EXPECT_THAT(filtered.operation_sites, ElementsAre(2u, 3u, 0u));
  NumberByFirstUse(filtered);
  EXPECT_THAT(filtered.operation_sites, ElementsAre(1u, 2u, 0u));
  EXPECT_EQ(filtered.sites.frames.size(), 1u);
  EXPECT_EQ(SiteName(filtered.sites, 1, 4), "b");
  EXPECT_EQ(SiteName(filtered.sites, 2, 4), "site 2");
}

// Two blocks of sites 1 and 2, and a realloc of site 3, of which nothing is told.
Trace WithSites(const std::string& second = "b") {
  Trace trace = Of({Malloc(0, 10), Malloc(1, 20), Realloc(1, 1, 30), Free(0), Free(1)}, 2);
  trace.operation_sites = {1, 2, 3, 0, 0};
  trace.sites = {.frames = {{.function = "a"}, {.function = second}}, .sites = {{0}, {1, 0}}};
  return trace;
}

TEST(TraceTransformTest, ASliceAndCopiesKeepCallSites) {
  const Trace slice = SliceTrace(WithSites(), 4, 5).value();
  EXPECT_THAT(slice.operations, ElementsAre(Malloc(0, 10), Malloc(1, 30), Free(0), Free(1)));
  EXPECT_THAT(slice.operation_sites, ElementsAre(1u, 3u, 0u, 0u)) << "the realloc's for what it made";
  EXPECT_EQ(slice.sites, WithSites().sites);
  const Trace scaled = ScaleTrace(WithSites(), {.sizes = 2, .copies = 2}).value();
  EXPECT_THAT(scaled.operation_sites, ElementsAre(1u, 1u, 2u, 2u, 3u, 3u, 0u, 0u, 0u, 0u));
  EXPECT_EQ(scaled.sites, WithSites().sites);
}

TEST(TraceTransformTest, InterleavedTracesHaveTheSitesOfBothEachOnce) {
  const Trace both = InterleaveTraces(WithSites(), WithSites("c")).value();
  EXPECT_THAT(both.operation_sites, ElementsAre(1u, 1u, 2u, 4u, 3u, 5u, 0u, 0u, 0u, 0u));
  EXPECT_EQ(both.sites.frames.size(), 3u);
  EXPECT_EQ(SiteName(both.sites, 4, 4), "c < a");
  EXPECT_EQ(SiteName(both.sites, 5, 4), "site 5") << "of one that is not told none is another";
  const Trace silent = Of({Malloc(0, 1)}, 1);
  EXPECT_THAT(InterleaveTraces(silent, WithSites())->operation_sites, ElementsAre(0u, 1u, 2u, 3u, 0u, 0u));
  EXPECT_TRUE(InterleaveTraces(silent, silent)->operation_sites.empty());
  Trace many = WithSites("d");
  many.sites.sites.resize(kSitesMax);
  EXPECT_THAT(std::string(InterleaveTraces(many, WithSites()).status().message()),
              HasSubstr("65538 call sites of 3 calls; expected at most 65536"));
}

TEST(TraceTransformTest, ScalesAndInterleaves) {
  const Trace trace = Of({Malloc(0, 10), Free(0)}, 1);
  EXPECT_THAT(ScaleTrace(trace, {.sizes = 1.25, .copies = 2})->operations,
              ElementsAre(Malloc(0, 13), Malloc(1, 13), Free(0), Free(1)));
  EXPECT_EQ(ScaleTrace(trace, {.sizes = 1e12, .copies = 1})->operations[0].size, 0xFFFFFFFF);
  const Trace other = Of({Malloc(0, 1), Malloc(1, 2), Free(1), Free(0)}, 2);
  EXPECT_THAT(InterleaveTraces(trace, other)->operations,
              ElementsAre(Malloc(0, 10), Malloc(1, 1), Malloc(2, 2), Free(0), Free(2), Free(1)));
}

TEST(TraceWriterTest, EveryDialectIsReadAsItself) {
  const Trace trace = Of({Malloc(0, 10), Realloc(0, 0, 20), Malloc(1, 5), Free(0), Malloc(0, 3)}, 2);
  const std::pair<RepDialect, const char*> dialects[] = {
      {RepDialect::kA, "cmu-rep-a"}, {RepDialect::kB, "cmu-rep-b"}, {RepDialect::kC, "cmu-rep-c"}};
  for (const auto& [dialect, format] : dialects) {
    const Trace again = Read(WriteCmuRep(trace, dialect).value());
    EXPECT_EQ(again.format, format);
    EXPECT_EQ(again.operations, trace.operations);
  }
  EXPECT_EQ(WriteCmuRep(trace, RepDialect::kC).value().substr(0, 9), "1\n3\n5\n25\n");
}

TEST(TraceWriterTest, MallocBenchIsReadAsItWas) {
  const Trace trace =
      Of({Malloc(0, 10), Calloc(1, 2, 300), Realloc(0, 0, 20), Realloc(2, kNoBlock, 5), Free(0), Free(1), Malloc(1, 0)}, 3);
  const Trace again = Read(WriteMallocBench(trace).value());
  EXPECT_EQ(again.operations, trace.operations);
  EXPECT_EQ(again.format, "malloc-bench");
  EXPECT_EQ(WriteMallocBench(Of({Free(0)})).status().message(),
            "operation 1 is a free of a block that is not live, which a trace of malloc-bench cannot say");
}

TEST(TraceTransformTest, ACTestDoesTheSame) {
  EXPECT_THAT(
      WriteCTest(Of({Malloc(0, 10), Realloc(0, 0, 20), Calloc(1, 2, 3), Free(0), Free(kNoBlock)})).value(),
      HasSubstr(
          "  b[0] = malloc(10u);\n  b[0] = realloc(b[0], 20u);\n  b[1] = calloc(2u, 3u);\n  free(b[0]);\n  free(NULL);\n"));
}

// Among many operations that do nothing of the kind, three that end in a double free.
TEST(TraceMinimizeTest, FindsThePlantedCause) {
  Trace trace = MakeBuiltin("steady-state", 0, 20'000).value();
  const std::uint32_t mine = trace.heap_handles;
  trace.heap_handles += 2;
  const auto plant = [&](std::size_t at, const Operation& op) {
    trace.operations.insert(trace.operations.begin() + static_cast<std::ptrdiff_t>(at), op);
  };
  plant(12'000, Free(mine));  // later it would be another's block
  plant(12'000, Free(mine));
  plant(3'000, Malloc(mine, 77));
  InstanceConfig config;
  config.ram_bytes = 64 << 20;
  const absl::StatusOr<Minimized> least = MinimizeTrace(trace, ParseTraceCondition("outcome=double_free", config).value());
  ASSERT_TRUE(least.ok()) << least.status();
  EXPECT_TRUE(least->complete);
  EXPECT_THAT(least->trace.operations, ElementsAre(Malloc(0, 77), Free(0), Free(0)));
  EXPECT_LT(least->tests, 400u);
}

TEST(TraceMinimizeTest, WhatIsLeftKeepsItsCallSites) {
  Trace trace = WithSites();
  trace.operations = {Malloc(0, 10), Malloc(1, 20), Free(0), Free(1), Free(1)};
  trace.operation_sites = {1, 2, 0, 0, 0};
  InstanceConfig config;
  config.ram_bytes = 4 << 20;
  const Trace least = MinimizeTrace(trace, ParseTraceCondition("outcome=double_free", config).value())->trace;
  EXPECT_THAT(least.operations, ElementsAre(Malloc(0, 20), Free(0), Free(0)));
  EXPECT_THAT(least.operation_sites, ElementsAre(1u, 0u, 0u));
  EXPECT_EQ(SiteName(least.sites, 1, 4), "b < a");
}

TEST(TraceMinimizeTest, SaysWhenThereIsNothingToFind) {
  InstanceConfig config;
  config.ram_bytes = 4 << 20;
  const Trace trace = Of({Malloc(0, 8), Malloc(1, 8), Free(0), Malloc(2, 90)});
  EXPECT_EQ(MinimizeTrace(trace, ParseTraceCondition("outcome=double_free", config).value()).status().message(),
            "the trace does not show that; nothing to minimise");
  EXPECT_FALSE(MinimizeTrace(trace, ParseTraceCondition("differs:heap.engine=literal", config).value()).ok());
  EXPECT_TRUE(MinimizeTrace(trace, ParseTraceCondition("fragmentation>0.0001", config).value()).ok());
  EXPECT_THAT(std::string(ParseTraceCondition("outcome=double_fre", config).status().message()),
              HasSubstr("did you mean \"double_free\"?"));
  EXPECT_THAT(std::string(ParseTraceCondition("fragmentation>2", config).status().message()),
              HasSubstr("from 0 to less than 1"));
  EXPECT_THAT(std::string(ParseTraceCondition("x", config).status().message()), HasSubstr("expected outcome=NAME, violation"));
}

}  // namespace
}  // namespace alloclab
