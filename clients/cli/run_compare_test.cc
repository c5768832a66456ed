#include "clients/cli/run_compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alloclab::client {
namespace {

using testing::HasSubstr;

v1::Run RunOf(std::uint64_t id, std::uint64_t cycles, std::uint64_t heap_bytes, const std::string& trace = "aa") {
  v1::Run run;
  run.set_id(id);
  run.set_state(v1::Run::SUCCEEDED);
  v1::Exact& exact = *run.mutable_result()->mutable_exact();
  exact.set_trace_sha256(trace);
  exact.mutable_config()->set_heap_allocator("tlsf");
  exact.set_operations(100);
  exact.set_peak_ram_bytes(heap_bytes);
  exact.mutable_heap()->set_limit(1 << 20);
  exact.mutable_counters()->set_heap_size_peak_bytes(heap_bytes);
  exact.mutable_counters()->set_live_requested_peak_bytes(500);
  exact.mutable_cycles_386_per_operation()->set_count(100);
  exact.mutable_cycles_386_per_operation()->set_sum(100 * cycles);
  run.mutable_result()->mutable_measured()->set_replay_ns(id * 1000);
  return run;
}

std::vector<std::string> TextsOf(const Document& document, const std::string& figure) {
  std::vector<std::string> texts;
  for (const std::vector<Cell>& row : document.sections.at(0).rows) {
    if (row[0].text != figure) continue;
    for (const Cell& cell : row) texts.push_back(cell.text);
  }
  return texts;
}

TEST(RunCompare, ShowsWhatDiffersWithItsDirection) {
  const Document document = RunComparison({RunOf(7, 200, 1000), RunOf(8, 150, 2000)}, false);
  EXPECT_THAT(TextsOf(document, "cycles_386.mean"), testing::ElementsAre("cycles_386.mean", "200", "150 (-25.0 %) ✓"));
  EXPECT_THAT(TextsOf(document, "utilisation"), testing::ElementsAre("utilisation", "50.0 %", "25.0 % (-50.0 %) ✗"));
  EXPECT_THAT(TextsOf(document, "peak_live_bytes"), testing::IsEmpty()) << "it is the same";
  EXPECT_THAT(TextsOf(document, "ns_per_operation.mean"), testing::ElementsAre("ns_per_operation.mean", "70", "80 (+14.3 %) ?"))
      << "measured once: inconclusive";
  EXPECT_THAT(TextsOf(RunComparison({RunOf(7, 1, 1000), RunOf(8, 1, 1000)}, true), "peak_live_bytes"), testing::SizeIs(3));
}

TEST(RunCompare, JsonHasValuesChangesAndVerdicts) {
  const auto json = RunComparisonStruct({RunOf(7, 200, 1000), RunOf(8, 150, 1000)}, false);
  for (const auto& figure : json.fields().at("figures").list_value().values()) {
    const auto& fields = figure.struct_value().fields();
    if (fields.at("figure").string_value() != "cycles_386.mean") continue;
    EXPECT_EQ(fields.at("values").list_value().values(1).number_value(), 150);
    EXPECT_EQ(fields.at("changes").list_value().values(1).number_value(), -0.25);
    EXPECT_EQ(fields.at("verdicts").list_value().values(1).string_value(), "better");
    return;
  }
  FAIL() << "no cycles";
}

TEST(RunCompare, RunsOfDifferentTracesAreRefusedUnlessForced) {
  const std::vector<v1::Run> runs = {RunOf(7, 1, 1), RunOf(8, 1, 1, "bb")};
  EXPECT_THAT(std::string(CheckComparable(runs, false).message()),
              HasSubstr("run 8 replayed another trace than run 7; --force"));
  EXPECT_TRUE(CheckComparable(runs, true).ok());
  v1::Run queued;
  queued.set_id(9);
  queued.set_state(v1::Run::QUEUED);
  EXPECT_THAT(std::string(CheckComparable({RunOf(7, 1, 1), queued}, true).message()),
              HasSubstr("run 9 is queued and has no result"));
}

v1::Run NativeOf(std::uint64_t id, double ns, double half) {
  v1::Run run;
  run.set_id(id);
  v1::NativeResult& native = *run.mutable_result()->mutable_measured()->mutable_native();
  native.set_operations(100);
  native.set_ns_mean(ns);
  native.set_ns_low(ns - half);
  native.set_ns_high(ns + half);
  return run;
}

TEST(RunCompare, RealAllocatorsAreComparedByTheirIntervals) {
  const Document document =
      RunComparison({NativeOf(1, 50, 2), NativeOf(2, 53, 2), NativeOf(3, 40, 2), NativeOf(4, 60, 2)}, false);
  EXPECT_THAT(TextsOf(document, "native_ns.mean"),
              testing::ElementsAre("native_ns.mean", "50", "53 (+6.0 %) ?", "40 (-20.0 %) ✓", "60 (+20.0 %) ✗"));
  EXPECT_THAT(TextsOf(document, "native_ns.fastest"), testing::IsEmpty()) << "alike";
}

}  // namespace
}  // namespace alloclab::client
