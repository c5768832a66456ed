#include "clients/common/yaml_message.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "alloclab/v1/workload.pb.h"

namespace alloclab::client {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char kWhole[] = R"(# every kind of field
name: burst
seed: 7
phases:
  - name: fill
    operations: 100k
    live_blocks: 20k
    size: {uniform: {min: 16, max: 4Ki}}
    free_order: every_other
    mix: {malloc: 8, calloc: 1}
  - operations: 0x10
    size:
      weighted:
        choices:
          - {size: 16, weight: 3}
          - {size: 32, weight: 1}
    pages: true
)";

absl::Status Parse(const std::string& text, v1::WorkloadSpec& spec) {
  Places places;
  return ParseYaml(text, "w.yaml", spec, places);
}

std::string YamlError(const std::string& text) {
  v1::WorkloadSpec spec;
  const absl::Status status = Parse(text, spec);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  return std::string(status.message());
}

TEST(Yaml, FillsEveryKindOfField) {
  v1::WorkloadSpec spec;
  ASSERT_TRUE(Parse(kWhole, spec).ok());
  EXPECT_EQ(spec.seed(), 7u);
  ASSERT_EQ(spec.phases_size(), 2);
  EXPECT_EQ(spec.phases(0).operations(), 100'000u);
  EXPECT_EQ(spec.phases(0).size().uniform().max(), 4096u);
  EXPECT_EQ(spec.phases(0).free_order(), v1::EVERY_OTHER);
  EXPECT_EQ(spec.phases(0).mix().malloc(), 8u);
  EXPECT_EQ(spec.phases(1).operations(), 16u);
  EXPECT_EQ(spec.phases(1).size().weighted().choices(1).size(), 32u);
  EXPECT_TRUE(spec.phases(1).pages());
}

TEST(Yaml, JsonIsYaml) {
  v1::WorkloadSpec spec;
  ASSERT_TRUE(Parse(R"({"name": "x", "phases": [{"operations": 5, "size": {"fixed": 8}, "free_order": "lifo"}]})", spec).ok());
  EXPECT_EQ(spec.phases(0).size().fixed(), 8u);
  EXPECT_EQ(spec.phases(0).free_order(), v1::LIFO);
}

TEST(Yaml, WhatIsWrittenIsReadBack) {
  v1::WorkloadSpec spec, again;
  ASSERT_TRUE(Parse(kWhole, spec).ok());
  spec.set_name("needs: \"quotes\"\n# and more");
  ASSERT_TRUE(Parse(ToYaml(spec), again).ok()) << ToYaml(spec);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(spec, again)) << ToYaml(spec);
}

TEST(Yaml, ListsOfNumbersAreReadAndWritten) {
  v1::Zipf zipf;
  Places places;
  ASSERT_TRUE(ParseYaml("{sizes: [16, 4Ki, 1k], exponent_percent: 90}", "f", zipf, places).ok());
  EXPECT_EQ(zipf.sizes_size(), 3);
  EXPECT_EQ(zipf.sizes(1), 4096u);
  v1::Zipf again;
  Places other;
  ASSERT_TRUE(ParseYaml(ToYaml(zipf), "f", again, other).ok()) << ToYaml(zipf);
  EXPECT_EQ(again.SerializeAsString(), zipf.SerializeAsString());
}

TEST(Yaml, PlainValuesStandOnOneLine) {
  v1::WorkloadSpec spec;
  ASSERT_TRUE(Parse("name: x\nphases: [{operations: 5, size: {uniform: {min: 1, max: 2}}}]", spec).ok());
  EXPECT_EQ(ToYaml(spec), "name: x\nphases:\n  - operations: 5\n    size:\n      uniform: {min: 1, max: 2}\n");
}

TEST(Yaml, UnknownKeysNameTheNearest) {
  EXPECT_EQ(YamlError("name: x\nphaes: []\n"), "w.yaml:2:1: unknown key 'phaes'; did you mean 'phases'?");
  EXPECT_EQ(YamlError("phases:\n  - size: {unifrom: {min: 1}}\n"),
            "w.yaml:2:12: unknown key 'unifrom'; did you mean 'uniform'?");
  EXPECT_EQ(YamlError("zzzzzz: 1"), "w.yaml:1:1: unknown key 'zzzzzz'; expected one of name, seed, phases");
}

TEST(Yaml, EnumValuesAreLowerCase) {
  EXPECT_EQ(YamlError("phases: [{free_order: everyother}]"),
            "w.yaml:1:23: free_order: unknown value 'everyother'; did you mean 'every_other'?");
  EXPECT_THAT(YamlError("phases: [{free_order: LIFO}]"), HasSubstr("unknown value 'LIFO'; did you mean 'lifo'?"));
}

TEST(Yaml, TypesAndRangesAreChecked) {
  EXPECT_EQ(YamlError("seed: many"), "w.yaml:1:7: seed: expected a whole number from 0 to 18446744073709551615, found 'many'");
  EXPECT_EQ(YamlError("phases: [{live_blocks: 4Gi}]"),
            "w.yaml:1:24: live_blocks: expected a whole number from 0 to 4294967295, found '4Gi'");
  EXPECT_THAT(YamlError("seed: -1"), StartsWith("w.yaml:1:7: seed: expected a whole number"));
  EXPECT_THAT(YamlError("seed: [1]"), HasSubstr("seed: expected a value, found a list"));
  EXPECT_THAT(YamlError("phases: [{pages: maybe}]"), HasSubstr("pages: expected true or false, found 'maybe'"));
  EXPECT_THAT(YamlError("phases: 5"), HasSubstr("phases: expected a list, found a value"));
  EXPECT_THAT(YamlError("phases: [{size: 64}]"), HasSubstr("expected a mapping with the keys fixed, uniform"));
  EXPECT_THAT(YamlError("phases:"), HasSubstr("phases: expected a list, found nothing"));
  EXPECT_THAT(YamlError(""), HasSubstr("expected a mapping with the keys name, seed, phases, found nothing"));
  EXPECT_THAT(YamlError("? [a]\n: b"), HasSubstr("expected a key"));
}

TEST(Yaml, ContradictionsAreRefused) {
  EXPECT_EQ(YamlError("seed: 1\nseed: 2"), "w.yaml:2:1: key 'seed' is here twice");
  EXPECT_EQ(YamlError("phases: [{size: {fixed: 1, uniform: {min: 1}}}]"),
            "w.yaml:1:28: 'uniform' and 'fixed' exclude each other");
}

TEST(Yaml, BrokenTextHasAPlace) {
  EXPECT_THAT(YamlError("phases: [{size: {fixed: 1}"), StartsWith("w.yaml:1:"));
  EXPECT_THAT(YamlError("a: b: c"), HasSubstr("not YAML"));
  EXPECT_EQ(YamlError("seed: 1\nname: \"Gr\xFC\xDF\"\n"), "w.yaml:2:7: name: expected text in UTF-8");
}

TEST(Yaml, AliasesCannotUnfoldWithoutEnd) {
  std::string bomb = "phases:\n  - size: {weighted: {choices: &a [" + std::string(2000 * 3, ' ');
  for (int i = 0; i < 2'000; ++i) bomb += "{},";
  bomb += "]}}\n";
  for (int i = 0; i < 100; ++i) bomb += "  - size: {weighted: {choices: *a}}\n";
  EXPECT_THAT(YamlError(bomb), HasSubstr("more than 100000 values"));
}

TEST(Yaml, DepthAndSizeAreBounded) {
  EXPECT_THAT(YamlError(std::string(100'000, '[')), StartsWith("w.yaml:"));
  EXPECT_THAT(YamlError(std::string(kYamlBytesMax + 1, ' ')), HasSubstr("larger than 1 MiB"));
}

TEST(Yaml, ServerErrorsGetTheirPlace) {
  v1::WorkloadSpec spec;
  Places places;
  ASSERT_TRUE(ParseYaml(kWhole, "w.yaml", spec, places).ok());
  EXPECT_EQ(Locate("phases[0].size.uniform: min 9 is above max 4", "w.yaml", places),
            "w.yaml:8:12: phases[0].size.uniform: min 9 is above max 4");
  EXPECT_EQ(Locate("phases[1].mix: all zero", "w.yaml", places), "w.yaml:11:5: phases[1].mix: all zero");
  EXPECT_EQ(Locate("too long", "w.yaml", places), "w.yaml: too long");
}

}  // namespace
}  // namespace alloclab::client
