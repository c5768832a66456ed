#include "clients/cli/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "clients/cli/comparison_report.h"

namespace alloclab::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// 1,000 operations on a heap that grew to `heap_bytes` for at most 500 bytes alive.
ComparedRun RunOf(const std::string& heap, std::uint64_t heap_bytes, std::uint64_t cycles, std::uint64_t refused = 0) {
  ComparedRun compared;
  compared.workload = "simple";
  compared.config.set_heap_allocator(heap);
  compared.config.set_ram_bytes(1 << 20);
  compared.run.set_id(7);
  compared.run.set_state(v1::Run::SUCCEEDED);
  v1::Exact& exact = *compared.run.mutable_result()->mutable_exact();
  exact.set_operations(1000);
  exact.set_cycles_386(cycles);
  exact.mutable_counters()->set_live_requested_peak_bytes(500);
  exact.mutable_counters()->set_heap_size_peak_bytes(heap_bytes);
  exact.mutable_search_steps_per_operation()->set_count(1000);
  exact.mutable_search_steps_per_operation()->set_sum(3000);
  exact.mutable_cycles_386_per_operation()->set_count(1000);
  exact.mutable_cycles_386_per_operation()->set_sum(cycles);
  exact.mutable_cycles_386_per_operation()->set_max(cycles / 10);
  exact.set_peak_ram_bytes(heap_bytes);
  exact.mutable_heap()->set_limit(1 << 20);
  v1::OutcomeCount& outcome = *exact.mutable_counters()->add_outcomes();
  outcome.set_operation("malloc");
  outcome.set_outcome("out_of_memory");
  outcome.set_count(refused);
  return compared;
}

// The row of a heap in a table for programs: its raw values by column.
std::map<std::string, std::string> RawRow(const Section& section, const std::string& heap) {
  for (const std::vector<Cell>& row : section.rows) {
    if (row[0].raw != heap) continue;
    std::map<std::string, std::string> raw;
    for (std::size_t i = 0; i < row.size(); ++i) raw[section.columns[i].name] = row[i].raw;
    return raw;
  }
  return {};
}

TEST(Comparison, FiguresBestAndRankAreThoseOfTheRuns) {
  const std::vector<ComparedRun> runs = {RunOf("a", 1000, 80'000), RunOf("b", 2000, 20'000), RunOf("c", 500, 10'000, 3)};
  const Document document = ComparisonDocument(runs, "a", Score(), /*narrow=*/false);
  ASSERT_EQ(document.sections.size(), 1u);
  const Section& table = document.sections[0];
  EXPECT_EQ(table.title, "simple, RAM 1 MiB");
  auto b = RawRow(table, "b");
  EXPECT_EQ(b["refused"], "0");
  EXPECT_EQ(b["peak heap"], "2000");
  EXPECT_EQ(b["peak RAM"], "2000");
  EXPECT_EQ(b["util."], "0.250000");
  EXPECT_EQ(b["steps"], "3");
  EXPECT_EQ(b["cycles"], "20");
  EXPECT_EQ(b["longest"], "2000");
  EXPECT_EQ(b["score"], "0.525000") << "0.5 * 500 / 2000 + 0.5 * 80 / (80 + 20)";
  EXPECT_EQ(b["rank"], "1");
  EXPECT_EQ(RawRow(table, "a")["rank"], "2");
  EXPECT_EQ(RawRow(table, "c")["rank"], "3") << "it refused operations, however quick it is";
  const std::string drawn = RenderTable(document, Style(false), 120);
  EXPECT_THAT(drawn, HasSubstr("1000 B*"));
  EXPECT_THAT(drawn, Not(HasSubstr("500 B*"))) << "who refuses keeps less";
  EXPECT_THAT(document.footer[1], HasSubstr("utilisation*0.5 + speed*0.5"));
}

TEST(Comparison, ARunThatCouldNotBeMadeHasNoFiguresAndAReason) {
  ComparedRun none = RunOf("none", 1, 1);
  none.run.Clear();
  none.not_run = "no frame left";
  const Document document = ComparisonDocument({RunOf("a", 1000, 1000), none}, "a", Score(), false);
  EXPECT_EQ(RawRow(document.sections[0], "none")["peak heap"], "");
  EXPECT_EQ(RawRow(document.sections[0], "none")["rank"], "");
  EXPECT_THAT(document.footer.back(), HasSubstr("none on simple, RAM 1 MiB: no frame left"));
}

TEST(Comparison, JsonHasTheSameFigures) {
  const auto json = ComparisonStruct({RunOf("a", 1000, 80'000), RunOf("b", 2000, 20'000)}, "a", Score());
  const auto& second = json.fields().at("runs").list_value().values(1).struct_value().fields();
  EXPECT_EQ(second.at("heap_allocator").string_value(), "b");
  EXPECT_EQ(second.at("rank").number_value(), 1);
  EXPECT_EQ(second.at("figures").struct_value().fields().at("utilisation").number_value(), 0.25);
  EXPECT_EQ(second.at("run").string_value(), "7");
}

TEST(Comparison, AParameterWithSeveralValuesIsAColumn) {
  ComparedRun first = RunOf("a", 1000, 1000), best = RunOf("a", 900, 1000);
  (*first.config.mutable_parameters())["heap.fit"] = "first";
  (*best.config.mutable_parameters())["heap.fit"] = "best";
  const Document document = ComparisonDocument({first, best}, "a", Score(), false);
  ASSERT_GT(document.sections[0].columns.size(), 1u);
  EXPECT_EQ(document.sections[0].columns[1].name, "heap.fit");
  EXPECT_EQ(document.sections[0].rows[1][1].text, "best");
}

TEST(Comparison, PageAllocatorsAreAColumnIfTheyDiffer) {
  ComparedRun first = RunOf("a", 1000, 1000), second = RunOf("a", 900, 1000);
  first.config.set_page_allocator("page-runs");
  second.config.set_page_allocator("binary-buddy");
  const Document document = ComparisonDocument({first, second}, "a", Score(), false);
  EXPECT_EQ(document.sections[0].columns[1].name, "page allocator");
  EXPECT_EQ(document.sections[0].rows[1][1].text, "binary-buddy");
  EXPECT_NE(ComparisonDocument({first, first}, "a", Score(), false).sections[0].columns[1].name, "page allocator");
}

TEST(Comparison, ANarrowTableFitsATerminalOf80WhateverItsRowsDifferBy) {
  ComparedRun first = RunOf("linux-0.11-bucket", 999 << 20, 99'999'000, 643), second = first;
  first.config.set_page_allocator("best-fit-runs");
  (*first.config.mutable_parameters())["heap.fit"] = "first";
  (*second.config.mutable_parameters())["heap.fit"] = "best";
  Document document = ComparisonDocument({first, second}, "a", Score(), /*narrow=*/true);
  document.footer.clear();
  const Section& table = document.sections[0];
  EXPECT_EQ(table.columns[0].name, "heap allocator");
  EXPECT_EQ(table.columns.back().name, "rank");
  for (const std::vector<Cell>& row : table.rows) EXPECT_EQ(row.size(), table.columns.size());
  const std::string text = RenderTable(document, Style(false), 80);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4) << text;  // title, header, a line for each run
}

TEST(Comparison, HeapsLongerThanTheRamAreRemarkedOn) {
  const auto footer = [](std::uint64_t bytes) {
    return ComparisonDocument({RunOf("fits", 1 << 20, 80'000), RunOf("bump", bytes, 20'000)}, "fits", Score(), false).footer;
  };
  EXPECT_THAT(footer((1 << 20) + 1),
              testing::Contains(testing::AllOf(HasSubstr("On simple, RAM 1 MiB"), HasSubstr("with bump."))));
  EXPECT_THAT(footer(1 << 20), Not(testing::Contains(HasSubstr("more than the RAM"))));
}

TEST(ComparisonReport, IsOneFileWithTablesAndACurveForEachRun) {
  std::vector<ComparedRun> runs = {RunOf("a", 1000, 80'000), RunOf("<b>", 2000, 20'000)};
  for (ComparedRun& run : runs) {
    v1::Curve& curve = *run.run.mutable_result()->mutable_exact()->mutable_curve();
    for (const std::uint64_t operation : {500, 1000}) {
      curve.add_operation(operation);
      curve.add_live_bytes(operation / 2);
      curve.add_heap_bytes(run.run.id() == 7 ? operation : 4000);
      curve.add_free_bytes(100);
      curve.add_largest_free_bytes(40);
      curve.add_cycles_386(operation * 9);
      curve.add_search_steps(0);
    }
  }
  runs[1].run.set_id(8);  // an arena: its size is not drawn
  for (std::uint64_t& bytes : *runs[1].run.mutable_result()->mutable_exact()->mutable_curve()->mutable_heap_bytes())
    bytes = 4000;
  const std::string html = ComparisonReport(runs, ComparisonDocument(runs, "a", Score(), false));
  EXPECT_THAT(html, HasSubstr("<td class=\"\">&lt;b&gt;</td>"));
  EXPECT_THAT(html, Not(HasSubstr("<b></td>")));
  EXPECT_THAT(html, HasSubstr("<path class=\"live\" d=\"M500 75.0L1000 50.0\"/>")) << "250 and 500 of 1000 bytes";
  EXPECT_THAT(html, HasSubstr("<path class=\"frag\" d=\"M500 40.0L1000 40.0\"/>")) << "60 %";
  EXPECT_THAT(html, HasSubstr("<path class=\"cycles\" d=\"M500 0.0L1000 0.0\"/>"));
  EXPECT_THAT(html, Not(testing::ContainsRegex("(src|href)=")));
}

TEST(ComparisonReport, AHeapThatDwarfsTheOthersLeavesThePictureAndIsNamed) {
  std::vector<ComparedRun> runs = {RunOf("a", 1000, 80'000), RunOf("bump", 2000, 20'000)};
  for (ComparedRun& run : runs) {
    v1::Curve& curve = *run.run.mutable_result()->mutable_exact()->mutable_curve();
    for (const std::uint64_t part : {1, 2}) {
      curve.add_operation(part * 500);
      curve.add_live_bytes(part * 256);
      curve.add_heap_bytes(part * (run.config.heap_allocator() == "bump" ? 5120 : 300));
      curve.add_free_bytes(0);
      curve.add_largest_free_bytes(0);
      curve.add_cycles_386(part);
      curve.add_search_steps(0);
    }
  }
  const std::string html = ComparisonReport(runs, ComparisonDocument(runs, "a", Score(), false));
  EXPECT_THAT(html, HasSubstr("where it grows, from 0 to 1.5 KiB</h3>")) << "three times what lives";
  EXPECT_THAT(html, HasSubstr("<path class=\"live\" d=\"M500 83.3L1000 66.7\"/>"));
  EXPECT_THAT(html, HasSubstr("<figcaption>bump, run 7, up to 10 KiB</figcaption>"));
  EXPECT_THAT(html, Not(HasSubstr("<figcaption>a, run 7, up to")));
}

TEST(Score, IsASumOfWeightedTerms) {
  const absl::StatusOr<Score> score = Score::Parse("utilisation*0.6 + speed");
  ASSERT_TRUE(score.ok()) << score.status();
  EXPECT_EQ(score->utilisation, 0.6);
  EXPECT_EQ(score->speed, 1);
  EXPECT_EQ(score->completed, 0);
  for (const char* text : {"", "size*2", "speed*x", "speed*-1", "speed*0.5+", "speed*nan"}) {
    EXPECT_THAT(std::string(Score::Parse(text).status().message()), HasSubstr("is not a term of a score")) << text;
  }
}

}  // namespace
}  // namespace alloclab::client
