#include "clients/common/threshold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alloclab::client {
namespace {

using testing::HasSubstr;

const FigureInfo kFigures[] = {
    {"cycles_386", "", FigureInfo::Unit::kCount, FigureInfo::Better::kLess, {"mean", "p99"}},
    {"external_fragmentation", "", FigureInfo::Unit::kRatio, FigureInfo::Better::kLess, {"end", "max"}},
    {"peak_ram_bytes", "", FigureInfo::Unit::kBytes, FigureInfo::Better::kLess},
    {"response_seconds", "", FigureInfo::Unit::kSeconds, FigureInfo::Better::kLess, {"p99"}},
    {"operations",
     "",
     FigureInfo::Unit::kCount,
     FigureInfo::Better::kNeither,
     {"count"},
     {{"operation", {"malloc", "free"}}, {"outcome", {"ok", "out_of_memory"}}}},
};
const Measurement kResult[] = {
    {&kFigures[0], "mean", 120.5},
    {&kFigures[0], "p99", 2000},
    {&kFigures[1], "max", 0.4},
    {&kFigures[2], "value", 64.0 * 1024 * 1024},
    {&kFigures[3], "p99", 0.002},
    {&kFigures[4], "count", 7, {{"operation", "malloc"}, {"outcome", "ok"}}},
    {&kFigures[4], "count", 5, {{"operation", "free"}, {"outcome", "ok"}}},
};

bool Holds(const char* text) {
  const absl::StatusOr<Threshold> threshold = Threshold::Parse(text, kFigures);
  EXPECT_TRUE(threshold.ok()) << threshold.status();
  return threshold.ok() && threshold->HoldsFor(kResult);
}

std::string ThresholdError(const char* text) {
  const absl::StatusOr<Threshold> threshold = Threshold::Parse(text, kFigures);
  return threshold.ok() ? "no error" : std::string(threshold.status().message());
}

TEST(Threshold, ComparesWithEveryOperator) {
  EXPECT_TRUE(Holds("cycles_386: p99<=2000"));
  EXPECT_FALSE(Holds("cycles_386: p99<2000"));
  EXPECT_TRUE(Holds("cycles_386: p99 >= 2e3"));
  EXPECT_FALSE(Holds("cycles_386:p99>2000"));
  EXPECT_TRUE(Holds("cycles_386: p99==2000"));
  EXPECT_FALSE(Holds("cycles_386: p99!=2000"));
  EXPECT_TRUE(Holds(" cycles_386 : mean < 120.6 "));
}

TEST(Threshold, TakesTheUnitsOfItsFigure) {
  EXPECT_TRUE(Holds("peak_ram_bytes<=64Mi"));
  EXPECT_FALSE(Holds("peak_ram_bytes: value<64Mi"));
  EXPECT_TRUE(Holds("response_seconds: p99<3ms"));
  EXPECT_FALSE(Holds("response_seconds: p99<0.002"));
  EXPECT_TRUE(Holds("external_fragmentation: max<=40%"));
}

TEST(Threshold, OfLabelsTheSumOfWhatFits) {
  EXPECT_TRUE(Holds("operations: count==12"));
  EXPECT_TRUE(Holds("operations{outcome=ok}: count==12"));
  EXPECT_TRUE(Holds("operations{outcome=ok, operation=free}: count==5"));
  EXPECT_TRUE(Holds("operations{outcome=out_of_memory}: count==0"));
}

TEST(Threshold, IsNotKeptByWhatHasNoValue) { EXPECT_FALSE(Holds("external_fragmentation: end<1")); }

TEST(Threshold, ATypoNamesTheNearest) {
  EXPECT_THAT(ThresholdError("cycles_368: p99<1"), HasSubstr("unknown figure \"cycles_368\"; did you mean \"cycles_386\"?"));
  EXPECT_THAT(ThresholdError("cycles_386: p98<1"), HasSubstr("did you mean \"p99\"?"));
  EXPECT_THAT(ThresholdError("cycles_386<1"), HasSubstr("cycles_386 needs one of mean, p99"));
  EXPECT_THAT(ThresholdError("operations{outcom=ok}: count==1"), HasSubstr("did you mean \"outcome\"?"));
  EXPECT_THAT(ThresholdError("operations{outcome=out_of_memry}: count==1"), HasSubstr("did you mean \"out_of_memory\"?"));
  EXPECT_THAT(ThresholdError("operations{outcome}: count==1"), HasSubstr("'outcome' is no label; expected NAME=VALUE"));
  EXPECT_THAT(ThresholdError("peak_ram_bytes{a=b}<1"), HasSubstr("peak_ram_bytes has no labels"));
  EXPECT_THAT(ThresholdError("operations{outcome=ok: count==1"), HasSubstr("not closed"));
  EXPECT_THAT(ThresholdError("cycles_386: p99"),
              HasSubstr("'cycles_386: p99' is no threshold; expected FIGURE: AGGREGATE OP VALUE"));
  EXPECT_THAT(ThresholdError("cycles_386: p99=1"), HasSubstr("'=' compares nothing"));
  EXPECT_THAT(ThresholdError("cycles_386: p99<x"), HasSubstr("'x' is no number"));
  EXPECT_THAT(ThresholdError("peak_ram_bytes<64MB"), HasSubstr("'64MB' is no size"));
  EXPECT_THAT(ThresholdError(""), HasSubstr("is no threshold"));
}

TEST(ParseThresholds, ReadsAFileAndNamesTheLineOfAnError) {
  const auto two =
      ParseThresholds("# what we keep\ncycles_386: p99<=2000  # worst case\n\npeak_ram_bytes<1Ki\n", "t", kFigures);
  ASSERT_TRUE(two.ok()) << two.status();
  ASSERT_EQ(two->size(), 2u);
  EXPECT_FALSE(AllHold(*two, kResult));
  EXPECT_EQ((*two)[0].text(), "cycles_386: p99<=2000");
  EXPECT_THAT(std::string(ParseThresholds("\nx<1\n", "ci.txt", kFigures).status().message()), HasSubstr("ci.txt:2: 'x<1': "));
}

TEST(ThresholdSection, ShowsEachWithItsValue) {
  const auto both = ParseThresholds("cycles_386: p99<2000\nperk: p99<1", "t", kFigures);
  EXPECT_FALSE(both.ok());
  const auto one =
      ParseThresholds("cycles_386: p99<2000\nexternal_fragmentation: max<50%\nexternal_fragmentation: end<1", "t", kFigures);
  ASSERT_TRUE(one.ok());
  const Section section = ThresholdSection(*one, kResult, "tlsf");
  EXPECT_EQ(section.title, "thresholds, tlsf");
  ASSERT_EQ(section.rows.size(), 3u);
  EXPECT_EQ(section.rows[0][0].text, "✗");
  EXPECT_EQ(section.rows[0][2].text, "2,000");
  EXPECT_EQ(section.rows[1][0].raw, "true");
  EXPECT_EQ(section.rows[2][2].text, "no value");
}

}  // namespace
}  // namespace alloclab::client
