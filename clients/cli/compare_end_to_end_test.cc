// compare, from the command line to a real server and back.
#include <google/protobuf/struct.pb.h>

#include "alloclab/v1/run.pb.h"
#include "clients/cli/end_to_end.h"

namespace alloclab::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

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
