#include "clients/cli/native_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "clients/cli/compared_machines.h"
#include "clients/cli/run_figures.h"
#include "clients/common/measurement.h"

namespace alloclab::client {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

ComparedRun NativeRun(const std::string& name, double ns, double half, std::uint64_t rss) {
  ComparedRun run{"simple", {}, "", {}};
  run.config.set_heap_allocator("native:" + name);
  run.run.set_id(7);
  run.run.set_state(v1::Run::SUCCEEDED);
  v1::NativeResult& native = *run.run.mutable_result()->mutable_measured()->mutable_native();
  native.set_operations(1000);
  native.set_repeats(10);
  native.set_ns_mean(ns);
  native.set_ns_low(ns - half);
  native.set_ns_high(ns + half);
  native.set_peak_rss_bytes(rss);
  native.mutable_latency()->set_p99(250);
  return run;
}

Document MeasuredOf(const std::vector<ComparedRun>& runs, bool narrow = false) {
  Document document;
  AddMeasured(runs, narrow, document);
  return document;
}

std::map<std::string, std::string> RowOf(const Section& section, const std::string& name) {
  std::map<std::string, std::string> row;
  for (const std::vector<Cell>& cells : section.rows) {
    if (cells[0].text != name) continue;
    for (std::size_t i = 0; i < cells.size(); ++i) row[section.columns[i].name] = cells[i].text;
  }
  return row;
}

TEST(NativeView, ATableOfItsOwnMarksWhatIsBest) {
  const Document document = MeasuredOf({NativeRun("glibc", 50, 2, 8192), NativeRun("jemalloc", 20, 1, 16384)});
  ASSERT_EQ(document.sections.size(), 1u);
  EXPECT_EQ(document.sections[0].title, "simple, measured");
  EXPECT_EQ(RowOf(document.sections[0], "glibc")["time/op"], "50ns");
  EXPECT_EQ(RowOf(document.sections[0], "jemalloc")["time/op"], "20ns*");
  EXPECT_EQ(RowOf(document.sections[0], "jemalloc")["± 95 %"], "1ns");
  EXPECT_EQ(RowOf(document.sections[0], "glibc")["peak RSS"], "8 KiB*");
  EXPECT_EQ(RowOf(document.sections[0], "glibc")["p99"], "250ns") << "alike: none is best";
  EXPECT_EQ(RowOf(document.sections[0], "glibc")["instructions/op"], "-") << "not counted";
}

TEST(NativeView, WhoseIntervalsOverlapAreEquallyFast) {
  const Document document =
      MeasuredOf({NativeRun("glibc", 21, 2, 1), NativeRun("jemalloc", 20, 1, 1), NativeRun("mimalloc", 30, 1, 1)});
  EXPECT_EQ(RowOf(document.sections[0], "glibc")["time/op"], "21ns*");
  EXPECT_EQ(RowOf(document.sections[0], "jemalloc")["time/op"], "20ns*");
  EXPECT_EQ(RowOf(document.sections[0], "mimalloc")["time/op"], "30ns");
}

TEST(NativeView, ANarrowTableFitsATerminalOf80) {
  const Document document = MeasuredOf({NativeRun("tcmalloc", 999.9, 100.5, 999 << 20)}, /*narrow=*/true);
  std::string line = RenderTable(document, Style(false), 80);
  for (std::size_t begin = 0, end = 0; (end = line.find('\n', begin)) != std::string::npos; begin = end + 1)
    EXPECT_LE(end - begin, 82u) << line.substr(begin, end - begin) << " (± takes two bytes)";
  EXPECT_THAT(line, Not(HasSubstr("p99.9")));
}

TEST(NativeView, WhatWasNotMeasuredHasAReason) {
  ComparedRun absent{"simple", {}, "libmimalloc.so.2 is not installed", {}};
  absent.config.set_heap_allocator("native:mimalloc");
  ComparedRun failed = NativeRun("hoard", 1, 0, 1);
  failed.run.clear_result();
  failed.run.set_state(v1::Run::FAILED);
  failed.run.set_error("the process was ended by signal 11");
  const Document document = MeasuredOf({absent, failed});
  EXPECT_EQ(RowOf(document.sections[0], "mimalloc")["time/op"], "-");
  EXPECT_THAT(document.footer, Contains("native:mimalloc on simple: libmimalloc.so.2 is not installed"));
  EXPECT_THAT(document.footer, Contains("native:hoard on simple: run 7 failed: the process was ended by signal 11"));
  const google::protobuf::Value json = MeasuredJson({absent, failed});
  EXPECT_EQ(json.list_value().values(0).struct_value().fields().at("trouble").string_value(), absent.not_run);
}

TEST(NativeView, JsonHasTheFigures) {
  const google::protobuf::Value json = MeasuredJson({NativeRun("glibc", 50, 2, 8192)});
  const auto& fields = json.list_value().values(0).struct_value().fields();
  EXPECT_EQ(fields.at("heap_allocator").string_value(), "native:glibc");
  const auto& figures = fields.at("figures").struct_value().fields();
  EXPECT_EQ(figures.at("native_ns.mean").number_value(), 50);
  EXPECT_EQ(figures.at("native_ns.high").number_value(), 52);
  EXPECT_EQ(figures.at("native_peak_rss_bytes").number_value(), 8192);
}

TEST(NativeView, WithoutRunsThereIsNothing) {
  const Document document = MeasuredOf({});
  EXPECT_THAT(document.sections, IsEmpty());
  EXPECT_THAT(document.footer, IsEmpty());
}

TEST(NativeFigures, ARealAllocatorHasNoneOfASimulatedMachine) {
  const ComparedRun run = NativeRun("glibc", 50, 2, 8192);
  const std::vector<Measurement> measurements = MeasurementsOf(run.run.result());
  EXPECT_EQ(FindMeasurement(measurements, "cycles_386", "mean"), nullptr);
  EXPECT_EQ(FindMeasurement(measurements, "peak_ram_bytes", "value"), nullptr);
  EXPECT_EQ(FindMeasurement(measurements, "native_ns", "p99")->value, 250);
  EXPECT_EQ(FindMeasurement(measurements, "native_instructions", "value"), nullptr) << "not counted";
}

class ChosenNativesTest : public testing::Test {
 protected:
  ChosenNativesTest() {
    for (const char* name : {"native:glibc", "native:jemalloc"}) {
      v1::NativeAllocatorInfo& native = *catalog_.add_native_allocators();
      native.set_name(name);
      native.add_parameters()->set_name("native.repeats");
    }
    catalog_.mutable_native_allocators(1)->set_absent("not installed");
  }
  std::vector<std::string> Choose(const std::vector<std::string>& names) const {
    std::vector<std::string> chosen;
    const absl::StatusOr<Natives> natives = ChosenNatives(names, catalog_);
    if (!natives.ok()) return {std::string(natives.status().message())};
    for (const v1::NativeAllocatorInfo* native : *natives) chosen.push_back(native->name());
    return chosen;
  }

  v1::Catalog catalog_;
};

TEST_F(ChosenNativesTest, AllAreThoseThatAreThere) {
  EXPECT_THAT(Choose({"all"}), ElementsAre("native:glibc"));
  EXPECT_THAT(AbsentNatives({"all"}, catalog_), ElementsAre("Without native:jemalloc: not installed"));
  EXPECT_THAT(AbsentNatives({"glibc"}, catalog_), IsEmpty());
}

TEST_F(ChosenNativesTest, NamesStandWithAndWithoutThePrefixOnceEach) {
  EXPECT_THAT(Choose({"jemalloc", "native:glibc", "glibc"}), ElementsAre("native:jemalloc", "native:glibc"));
  EXPECT_THAT(Choose({"jemaloc"}),
              ElementsAre(HasSubstr("--native: unknown real allocator \"jemaloc\"; did you mean \"jemalloc\"?")));
}

TEST_F(ChosenNativesTest, EveryValueOfTheirParameterIsARun) {
  const auto configs = ConfigsOf(catalog_.native_allocators(0), {{"heap.fit", {"first"}}, {"native.repeats", {"5", "20"}}});
  ASSERT_EQ(configs.size(), 2u);
  EXPECT_EQ(configs[1].parameters().at("native.repeats"), "20");
  EXPECT_EQ(configs[1].parameters_size(), 1);
}

TEST(ComparedMachines, ParametersThatSeveralAllocatorsHaveAreNamedOnce) {
  v1::Catalog catalog;
  for (const char* name : {"page-runs", "binary-buddy"}) {
    v1::AllocatorInfo& pages = *catalog.add_page_allocators();
    pages.set_name(name);
    pages.add_parameters()->set_name("pages.arena_pages");
  }
  EXPECT_EQ(CheckParameters({{"pages.arena_pages", {"8"}}}, catalog, {}, {}), absl::OkStatus());
  EXPECT_EQ(CheckParameters({{"colour", {"8"}}}, catalog, {}, {}).message(),
            "--param: unknown parameter \"colour\"; expected one of pages.arena_pages");
}

}  // namespace
}  // namespace alloclab::client
