// compare, from the command line to a real server and back.
#include <google/protobuf/struct.pb.h>

#include <fstream>

#include "alloclab/v1/run.pb.h"
#include "clients/cli/end_to_end.h"

namespace alloclab::client {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

using CompareEndToEnd = EndToEnd;

TEST_F(CompareEndToEnd, EveryCombinationIsARunAndARowOfOneTable) {
  const ProcessResult result = Run({"compare", "steady-state", "--operations", "2000", "--heap", "implicit-heap,tlsf,bump",
                                    "--ram", "16Mi,64Mi", "--param", "heap.engine=literal,indexed"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("STEADY-STATE, RAM 16 MIB"), HasSubstr("STEADY-STATE, RAM 64 MIB"),
                                HasSubstr("heap.engine"), HasSubstr("speed is relative to implicit-heap")));
  const auto list = Json<v1::ListRunsResponse>({"runs", "list"});
  EXPECT_EQ(list.runs_size(), 8) << "two of the implicit heap, one of each other, on two machines";
}

TEST_F(CompareEndToEnd, EnginesHaveTheSameFigures) {
  const auto json = Json<google::protobuf::Struct>(
      {"compare", "sqlite", "--heap", "implicit-heap", "--param", "heap.engine=literal,indexed", "--ram", "64Mi"});
  const auto& runs = json.fields().at("runs").list_value();
  ASSERT_EQ(runs.values_size(), 2);
  const auto& other = runs.values(1).struct_value().fields().at("figures").struct_value().fields();
  for (const auto& [name, value] : runs.values(0).struct_value().fields().at("figures").struct_value().fields()) {
    EXPECT_EQ(value.number_value(), other.at(name).number_value()) << name;
  }
}

TEST_F(CompareEndToEnd, AnAllocatorThatDoesNotFitTheMachineIsARowThatSaysWhy) {
  const ProcessResult result = Run({"compare", "steady-state", "--operations", "100", "--heap", "implicit-heap,tlsf", "--ram",
                                    "1Mi", "--param", "heap.limit_bytes=64Ki", "--param", "heap.arena_bytes=64Ki,4294967295"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("tlsf on steady-state, RAM 1 MiB: "));
}

TEST_F(CompareEndToEnd, AStudyIsTakenUpAgainWhereItStood) {
  const std::vector<std::string> study = {"compare", "steady-state", "--operations", "500",   "--ram",
                                          "16Mi",    "--study",      "s1",           "--heap"};
  const auto with = [&study](const std::string& heaps) {
    std::vector<std::string> arguments = study;
    arguments.push_back(heaps);
    return arguments;
  };
  ASSERT_EQ(Run(with("tlsf,bump")).exit_code, 0);
  const ProcessResult again = Run(with("tlsf,bump,knr"));
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("2 runs of the study s1 were there from before."));
  EXPECT_EQ(Json<v1::ListRunsResponse>({"runs", "list", "--label", "s1"}).runs_size(), 3);
}

TEST_F(CompareEndToEnd, WhatTheServerKnowsIsNotReplayedAgain) {
  const std::vector<std::string> compare = {"compare", "steady-state", "--operations", "700",
                                            "--ram",   "16Mi",         "--heap",       "tlsf,bump"};
  const ProcessResult first = Run(compare);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.err, Not(HasSubstr("share the result")));
  const ProcessResult second = Run(compare);
  EXPECT_THAT(second.err, HasSubstr("2 of 2 runs share the result of an earlier one of the same; --fresh replays them."));
  EXPECT_EQ(second.out, first.out);
  for (const std::vector<std::string>& replayed : {std::vector<std::string>{"--fresh"}, {"--repeat", "2"}}) {
    std::vector<std::string> arguments = compare;
    arguments.insert(arguments.end(), replayed.begin(), replayed.end());
    EXPECT_THAT(Run(arguments).err, Not(HasSubstr("share the result"))) << replayed[0];
  }
  const std::vector<std::string> submit = {"submit", "steady-state", "--operations",     "700",
                                           "--ram",  "16Mi",         "--heap-allocator", "tlsf"};
  EXPECT_THAT(Run(submit).out, Not(HasSubstr("result of")));
  std::vector<std::string> sharing = submit;
  sharing.push_back("--share-result");
  EXPECT_THAT(Run(sharing).out, ContainsRegex("result of +run [0-9]+, the same; nothing was replayed"));
}

TEST_F(CompareEndToEnd, ThresholdsAndABaselineDecideTheExitCode) {
  const std::vector<std::string> compare = {"compare", "steady-state", "--operations", "2000",
                                            "--heap",  "tlsf",         "--ram",        "64Mi"};
  const auto with = [&compare](std::vector<std::string> more) {
    more.insert(more.begin(), compare.begin(), compare.end());
    return more;
  };
  const ProcessResult kept = Run(with({"--threshold", "refused_operations==0", "--threshold", "cycles_386: p99<1000000"}));
  EXPECT_EQ(kept.exit_code, 0) << kept.err;
  EXPECT_THAT(kept.out, HasSubstr("✓"));
  const ProcessResult missed = Run(with({"--threshold", "search_steps: max<0"}));
  EXPECT_EQ(missed.exit_code, 99) << missed.err;
  EXPECT_THAT(missed.out, HasSubstr("✗"));

  const std::string baseline = (folder_.path() / "baseline.json").string();
  std::ofstream(baseline) << Run(with({"--output", "json"})).out;
  const ProcessResult same = Run(with({"--baseline", baseline}));
  EXPECT_EQ(same.exit_code, 0) << same.out << same.err;
  EXPECT_THAT(same.out, HasSubstr("nothing is worse"));
  // A run of the same name that costs something else: the baseline's figures are made smaller.
  std::string text = Run(with({"--output", "json"})).out;
  const std::size_t at = text.find("\"cycles_386.mean\": ");
  ASSERT_NE(at, std::string::npos);
  text.insert(at + 19, "1, \"other\": ");
  std::ofstream(baseline) << text;
  const ProcessResult worse = Run(with({"--baseline", baseline, "--fail-on", "cycles_386>+2%"}));
  EXPECT_EQ(worse.exit_code, 6) << worse.out << worse.err;
  EXPECT_THAT(worse.out, HasSubstr("WORSE THAN THE BASELINE"));
  EXPECT_EQ(Run(with({"--baseline", "/nowhere"})).exit_code, 4);
  EXPECT_EQ(Run(with({"--fail-on", "cycles_386>+2%"})).exit_code, 2) << "without a baseline";
}

TEST_F(CompareEndToEnd, SubmitAndLoadKeepThresholdsToo) {
  EXPECT_EQ(Run({"submit", "sqlite", "--ram", "64Mi", "--threshold", "operations{outcome=out_of_memory}: count==0"}).exit_code,
            0);
  const ProcessResult missed = Run({"submit", "sqlite", "--ram", "64Mi", "--threshold", "external_fragmentation: max<0.001"});
  EXPECT_EQ(missed.exit_code, 99);
  const ProcessResult typo = Run({"submit", "sqlite", "--threshold", "external_fragmentaton: max<1"});
  EXPECT_EQ(typo.exit_code, 2);
  EXPECT_THAT(typo.err, HasSubstr("external_fragmentation"));
  EXPECT_EQ(Run({"load", "sqlite", "--operations", "1000", "--threshold", "response_seconds: max<1ns"}).exit_code, 99);
  EXPECT_EQ(Run({"load", "sqlite", "--operations", "1000", "--threshold", "lost_operations==0"}).exit_code, 0);
}

TEST_F(CompareEndToEnd, RunsThatAreThereAreComparedWithTheFirst) {
  for (const char* heap : {"tlsf", "knr"})
    ASSERT_EQ(Run({"submit", "sqlite", "--heap-allocator", heap, "--ram", "64Mi"}).exit_code, 0);
  const ProcessResult result = Run({"runs", "compare", "1", "2"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("run 2: knr"), HasSubstr("search_steps.max"), HasSubstr("✗")));
  ASSERT_EQ(Run({"submit", "steady-state", "--operations", "100"}).exit_code, 0);
  EXPECT_THAT(Run({"runs", "compare", "1", "3"}).err, HasSubstr("--force compares them all the same"));
  EXPECT_EQ(Run({"runs", "compare", "1", "3", "--force"}).exit_code, 0);
  EXPECT_EQ(Run({"runs", "compare", "1"}).exit_code, 2);
}

// A program that the server has not yet, wherever a heap may be named.
TEST_F(CompareEndToEnd, TakesProgramsAsFiles) {
  const std::string programs = ALLOCLAB_SOURCE_DIR "/allocators/guest/testdata/programs/";
  const std::string kr = "guest:" + programs + "kr.elf";
  const ProcessResult result = Run({"compare", "sqlite", "--ram", "64Mi", "--heap", "knr," + kr, "--reference", kr});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("relative to guest:kr@"));
  const ProcessResult diff = Run({"runs", "diff", "1", "2"});
  EXPECT_EQ(diff.exit_code, 0) << diff.out;
  EXPECT_THAT(diff.out, HasSubstr("runs 1 and 2 place every block alike"));
  ASSERT_EQ(Run({"submit", "sqlite", "--ram", "64Mi", "--heap-allocator", "tlsf"}).exit_code, 0);
  const ProcessResult other = Run({"runs", "diff", "2", "3"});
  EXPECT_EQ(other.exit_code, 6) << other.out;
  EXPECT_THAT(other.out, HasSubstr("runs 2 and 3 part ways at operation"));
  EXPECT_THAT(Out({"instance", "create", "mine", "--heap-allocator", "guest:" + programs + "implicit.elf"}),
              HasSubstr("guest:implicit@"));
  const ProcessResult missing = Run({"compare", "sqlite", "--heap", "guest:/nowhere.elf"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("there is no file /nowhere.elf"));
}

TEST_F(CompareEndToEnd, RefusesWhatDoesNotExistAndNamesTheNearest) {
  const auto error = [this](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"compare", "steady-state", "--operations", "10"});
    const ProcessResult result = Run(std::move(arguments));
    EXPECT_EQ(result.exit_code, 2);
    return result.err;
  };
  EXPECT_THAT(error({"--heap", "tlsv"}), HasSubstr("tlsf"));
  EXPECT_THAT(error({"--param", "heap.engin=literal"}), HasSubstr("heap.engine"));
  EXPECT_THAT(error({"--heap", "tlsf,knr", "--reference", "bump"}), AllOf(HasSubstr("--reference"), HasSubstr("knr")));
  EXPECT_THAT(error({"--score", "size*2"}), HasSubstr("utilisation*0.6+speed*0.4"));
  EXPECT_THAT(error({"--ram", "64MB"}), HasSubstr("64MB"));
}

}  // namespace
}  // namespace alloclab::client
