#include "clients/cli/baseline.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace alloclab::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

google::protobuf::Struct Comparison(double cycles, double utilisation, const std::string& heap = "tlsf") {
  google::protobuf::Struct comparison;
  const std::string text = fmt::format(
      R"({{"runs": [{{"workload": "sqlite", "heap_allocator": "{}", "ram_bytes": 1048576, "parameters": {{"heap.fit": "best"}},
           "figures": {{"cycles_386.mean": {}, "utilisation": {}}}}}]}})",
      heap, cycles, utilisation);
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, &comparison).ok());
  return comparison;
}

std::string Error(const char* text) {
  const auto rule = ChangeRule::Parse(text);
  return rule.ok() ? "no error" : std::string(rule.status().message());
}

TEST(ChangeRule, SaysWhichChangeFails) {
  const auto more = ChangeRule::Parse("cycles_386>+2%"), less = ChangeRule::Parse("utilisation < -1 %");
  ASSERT_TRUE(more.ok()) << more.status();
  ASSERT_TRUE(less.ok()) << less.status();
  EXPECT_EQ(more->key, "cycles_386.mean");
  EXPECT_EQ(less->key, "utilisation");
  EXPECT_TRUE(more->Fails(100, 103));
  EXPECT_FALSE(more->Fails(100, 102));
  EXPECT_FALSE(more->Fails(100, 50));
  EXPECT_FALSE(more->Fails(0, 0));
  EXPECT_TRUE(more->Fails(0, 1)) << "from nothing to something is more than any change";
  EXPECT_TRUE(less->Fails(1, 0.98));
  EXPECT_FALSE(less->Fails(1, 1.5));
  EXPECT_EQ(ChangeRule::Parse("cycles_386: p99>0%")->key, "cycles_386.p99");
}

TEST(ChangeRule, ATypoNamesTheNearest) {
  EXPECT_THAT(Error("cycle_386>+2%"), HasSubstr("did you mean \"cycles_386\"?"));
  EXPECT_THAT(Error("cycles_386: p9999>+2%"), HasSubstr("did you mean \"p999\"?"));
  EXPECT_THAT(Error("cycles_386>2"), HasSubstr("expected FIGURE"));
  EXPECT_THAT(Error("cycles_386>x%"), HasSubstr("'x%' is no change"));
  EXPECT_THAT(Error("ns_per_operation>+2%"), HasSubstr("unknown figure")) << "it is measured";
}

TEST(Baseline, ListsEveryRegressionWithBothValues) {
  const std::vector<ChangeRule> rules = {*ChangeRule::Parse("cycles_386>+2%"), *ChangeRule::Parse("utilisation<-1%")};
  EXPECT_FALSE(CompareWithBaseline(Comparison(102, 0.5), Comparison(100, 0.5), rules).failed());
  const BaselineReport worse = CompareWithBaseline(Comparison(110, 0.4), Comparison(100, 0.5), rules);
  EXPECT_EQ(worse.compared, 1u);
  ASSERT_EQ(worse.changes.rows.size(), 2u);
  EXPECT_EQ(worse.changes.rows[0][0].text, "sqlite, tlsf, RAM 1 MiB, heap.fit=best");
  EXPECT_EQ(worse.changes.rows[0][4].text, "+10.00 %");
  EXPECT_EQ(worse.changes.rows[1][4].text, "-20.00 %");
  EXPECT_THAT(worse.notes, ElementsAre());
}

TEST(Baseline, SaysWhichRunsOnlyOneOfTheTwoHas) {
  const BaselineReport report = CompareWithBaseline(Comparison(1, 1, "knr"), Comparison(1, 1, "tlsf"), {});
  EXPECT_EQ(report.compared, 0u);
  EXPECT_THAT(report.notes, ElementsAre("sqlite, knr, RAM 1 MiB, heap.fit=best: not in the baseline",
                                        "sqlite, tlsf, RAM 1 MiB, heap.fit=best: only in the baseline"));
}

TEST(Baseline, AFileThatIsNoneIsNamed) {
  EXPECT_THAT(std::string(ReadBaseline("/nowhere/b.json").status().message()), HasSubstr("/nowhere/b.json: cannot be read"));
  const std::string path = testing::TempDir() + "/alloclab_no_baseline.json";
  for (const char* text : {"", "[]", "{\"runs\": 3}", "{", "\x01\xff"}) {
    std::ofstream(path) << text;
    const auto read = ReadBaseline(path);
    EXPECT_TRUE(absl::IsDataLoss(read.status())) << text;
    EXPECT_THAT(std::string(read.status().message()), HasSubstr("is no baseline; expected what")) << text;
  }
  std::remove(path.c_str());
}

}  // namespace
}  // namespace alloclab::client
