// Runs opened at their operations, from the command line to a real server and back.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "alloclab/v1/inspect.pb.h"
#include "alloclab/v1/lab.pb.h"
#include "alloclab/v1/run.pb.h"
#include "alloclab/v1/time_travel.pb.h"
#include "clients/cli/end_to_end.h"

namespace alloclab::client {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// In the 80 columns of a terminal whose width nobody knows.
void ExpectNarrow(const std::string& table) {
  const std::vector<std::string> lines = absl::StrSplit(table, '\n');
  for (const std::string& line : lines) {
    const auto columns = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
    EXPECT_LE(columns, 80) << line;
  }
}

class OpenedRunEndToEnd : public EndToEnd {
 protected:
  void SetUp() override { Out({"submit", "steady-state", "--operations", "20000", "--ram", "16Mi", "-q"}); }
  std::uint64_t Live(const std::string& instance) {
    return Json<v1::Statistics>({"inspect", "stats", instance}).counters().live_requested_bytes();
  }
};

TEST_F(OpenedRunEndToEnd, ShowsTheRunAfterAnyOperation) {
  EXPECT_THAT(Out({"runs", "open", "1", "--at", "5000"}), HasSubstr("after operation  5,000"));
  const v1::Curve curve = Json<v1::Run>({"runs", "show", "1"}).result().exact().curve();
  ASSERT_GT(curve.operation_size(), 10);
  for (const int point : {curve.operation_size() - 1, 3, 7}) {  // forth and back
    const std::string operation = std::to_string(curve.operation(point));
    EXPECT_EQ(Json<v1::Moment>({"runs", "seek", "run-1", operation}).operation(), curve.operation(point));
    EXPECT_EQ(Live("run-1"), curve.live_bytes(point)) << operation;
  }
  EXPECT_THAT(Out({"inspect", "heap", "run-1"}), HasSubstr("live"));
  EXPECT_EQ(Json<v1::CheckInvariantsReply>({"inspect", "check", "run-1"}).violations_size(), 0);
}

TEST_F(OpenedRunEndToEnd, NothingCanChangeIt) {
  EXPECT_EQ(Out({"runs", "open", "1", "-q"}), "run-1\n");
  const ProcessResult refused = Run({"malloc", "run-1", "100"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("shows run 1 as it was, which nothing can change"));
  EXPECT_EQ(Run({"load", "steady-state", "--instance", "run-1", "--operations", "10"}).exit_code, 1);
  EXPECT_EQ(Live("run-1"), 0u);
}

TEST_F(OpenedRunEndToEnd, SeveralOfOneRunAreApart) {
  EXPECT_EQ(Out({"runs", "open", "1", "--at", "100", "-q"}), "run-1\n");
  EXPECT_EQ(Out({"runs", "open", "1", "--at", "200", "-q"}), "run-1-2\n");
  EXPECT_EQ(Json<v1::Instance>({"instance", "show", "run-1"}).operations(), 100u);
  for (int i = 3; i < 12; ++i) Out({"runs", "open", "1", "-q"});
  EXPECT_EQ(Json<v1::ListInstancesResponse>({"instance", "list"}).instances_size(), 8) << "the longest unused were closed";
}

TEST_F(OpenedRunEndToEnd, ExplainsAnOperation) {
  const v1::Explanation first = Json<v1::Explanation>({"explain", "1", "1"});
  EXPECT_EQ(first.kind(), "malloc");
  EXPECT_EQ(first.outcome(), v1::OK);
  EXPECT_GT(first.cycles_386(), 0u);
  EXPECT_THAT(first.sentences(0), StartsWith("Operation 1, malloc of "));
  EXPECT_GT(first.path().visits(), 0u);
  const std::string table = Out({"explain", "1", "19999"});
  EXPECT_THAT(table, HasSubstr("Operation 19999, "));
  EXPECT_THAT(table, HasSubstr("BLOCKS IT LOOKED AT"));
  ExpectNarrow(table);
  EXPECT_EQ(Json<v1::ListInstancesResponse>({"instance", "list"}).instances_size(), 0) << "closed afterwards";
}

TEST_F(OpenedRunEndToEnd, ExplainsAWholeRun) {
  const v1::RunExplanation whole = Json<v1::RunExplanation>({"explain", "1"});
  EXPECT_EQ(whole.run(), 1u);
  EXPECT_EQ(whole.looked_at(), 20'000u);
  EXPECT_EQ(whole.blocks_size(), 10);
  EXPECT_EQ(whole.sizes_size(), 10);
  EXPECT_GT(whole.rises_size(), 0);
  EXPECT_GE(whole.blocks(0).cost(), whole.blocks(1).cost());
  const std::string table = Out({"explain", "1"});
  EXPECT_THAT(table, HasSubstr("BLOCKS THAT COST MOST"));
  EXPECT_THAT(table, HasSubstr("SIZES THAT COST MOST"));
  ExpectNarrow(table);
  EXPECT_EQ(Json<v1::ListInstancesResponse>({"instance", "list"}).instances_size(), 0) << "closed afterwards";
}

TEST_F(OpenedRunEndToEnd, SaysWhoLivedAtAnAddress) {
  const std::uint32_t first = Json<v1::Explanation>({"explain", "1", "1"}).address();
  const std::string address = fmt::format("{:#x}", first);
  const v1::TenantList list = Json<v1::TenantList>({"explain", "1", "--address", address});
  EXPECT_EQ(list.looked_at(), 20'000u);
  ASSERT_GT(list.tenants_size(), 1);
  EXPECT_EQ(list.tenants(0).allocated_by(), 1u);
  EXPECT_EQ(list.tenants(0).address(), first);
  EXPECT_GE(list.tenants(1).allocated_by(), list.tenants(0).ended_by());
  const v1::Explanation end = Json<v1::Explanation>({"explain", "1", std::to_string(list.tenants(0).ended_by())});
  EXPECT_EQ(end.allocated_by(), 1u) << "it was operation 1's block that ended";
  const std::string table = Out({"explain", "1", "--address", address});
  EXPECT_THAT(table, HasSubstr("WHO LIVED THERE"));
  EXPECT_THAT(table, HasSubstr("The longest lived there from operation "));
  ExpectNarrow(table);
  EXPECT_THAT(Out({"explain", "1", "--address", "0x1000", "--pages"}), HasSubstr("No block held 0x00001000"));
  EXPECT_THAT(Run({"explain", "1", "--pages"}).err, HasSubstr("--pages requires --address"));
  EXPECT_EQ(Json<v1::ListInstancesResponse>({"instance", "list"}).instances_size(), 0) << "closed afterwards";
}

TEST_F(OpenedRunEndToEnd, ExplainsTwoRunsInStep) {
  Out({"submit", "steady-state", "--operations", "20000", "--ram", "16Mi", "-q", "--heap-allocator", "tlsf"});
  const v1::RunsInStep parting = Json<v1::RunsInStep>({"explain", "1", "--with", "2"});
  EXPECT_EQ(parting.first_operation(), 1u) << parting.first_difference();
  EXPECT_EQ(parting.a().moment().operation(), 1u);
  const v1::RunsInStep later = Json<v1::RunsInStep>({"explain", "1", "--with", "2", "7000"});
  EXPECT_EQ(later.a().statistics().counters().operations(), 7'000u);
  EXPECT_EQ(later.b().statistics().counters().operations(), 7'000u);
  EXPECT_EQ(later.explained_b().run(), 2u);
  EXPECT_GT(later.figures_size(), 3);
  const std::string table = Out({"explain", "1", "--with", "2", "7000"});
  EXPECT_THAT(table, StartsWith("runs 1 and 2 after operation 7,000 of 20,000"));
  EXPECT_THAT(table, HasSubstr("They part ways at operation 1 "));
  ExpectNarrow(table);
  EXPECT_THAT(Out({"explain", "1", "--with", "1"}), HasSubstr("Every operation gave the same in both."));
  EXPECT_EQ(Json<v1::RunsInStep>({"explain", "1", "--with", "2", "0"}).has_explained_a(), false);

  Out({"submit", "larson", "--operations", "1000", "-q"});
  EXPECT_THAT(Run({"explain", "1", "--with", "3"}).err, HasSubstr("runs 1 and 3 replayed different operations"));
  EXPECT_EQ(Json<v1::ListInstancesResponse>({"instance", "list"}).instances_size(), 0) << "closed afterwards";
}

TEST_F(OpenedRunEndToEnd, ShowsItsMachineAtAnOperation) {
  const v1::RunMoment moment = Json<v1::RunMoment>({"runs", "show", "1", "--at", "5000"});
  EXPECT_EQ(moment.moment().operation(), 5'000u);
  EXPECT_EQ(moment.statistics().counters().operations(), 5'000u);
  const std::string table = Out({"runs", "show", "1", "--at", "5000"});
  EXPECT_THAT(table, StartsWith("run 1 after operation 5,000 of 20,000"));
  EXPECT_THAT(table, HasSubstr("one cell is"));
  ExpectNarrow(table);
  EXPECT_THAT(Out({"runs", "show", "1", "--at", "0"}), HasSubstr("run 1 after operation 0 of 20,000"));
  EXPECT_EQ(Json<v1::ListInstancesResponse>({"instance", "list"}).instances_size(), 0) << "closed afterwards";
}

TEST_F(OpenedRunEndToEnd, FindsTheMomentsThatPeopleLookFor) {
  const v1::Counters end = Json<v1::Run>({"runs", "show", "1"}).result().exact().counters();
  const v1::RunMoment peak = Json<v1::RunMoment>({"runs", "show", "1", "--at", "peak"});
  EXPECT_EQ(peak.statistics().counters().live_requested_bytes(), end.live_requested_peak_bytes());
  EXPECT_GT(Json<v1::RunMoment>({"runs", "show", "1", "--at", "worst-fragmentation"}).moment().operation(), 0u);
  EXPECT_THAT(Run({"runs", "show", "1", "--at", "first-refusal"}).err, HasSubstr("run 1 was refused nothing"));
  EXPECT_THAT(Run({"runs", "show", "1", "--at", "20001"}).err,
              HasSubstr("--at: 20001 is not one of the run's 20000 operations"));

  Out({"submit", "steady-state", "--operations", "20000", "--ram", "16Mi", "-q", "--heap-allocator", "freertos-heap4",
       "--param", "heap.arena_bytes=65536"});
  const std::uint64_t refused = Json<v1::RunMoment>({"runs", "show", "2", "--at", "first-refusal"}).moment().operation();
  EXPECT_TRUE(Json<v1::Explanation>({"explain", "2", std::to_string(refused)}).has_refusal()) << refused;
  const auto refusals_before = Json<v1::RunMoment>({"runs", "show", "2", "--at", std::to_string(refused - 1)});
  for (const auto& entry : refusals_before.statistics().counters().outcomes()) EXPECT_EQ(entry.outcome(), "ok");
}

TEST_F(OpenedRunEndToEnd, RefusalsNameWhatIsExpected) {
  EXPECT_THAT(Run({"runs", "open", "1", "--at", "20001"}).err, HasSubstr("20001 is not one of the run's 20000 operations"));
  EXPECT_THAT(Run({"explain", "1", "0"}).err, HasSubstr("0 is not one of the run's 20000 operations"));
  EXPECT_THAT(Run({"explain", "1", "20001"}).err, HasSubstr("20001 is not one of the run's 20000 operations"));
  EXPECT_EQ(Run({"runs", "open", "9"}).exit_code, 1);
  Out({"instance", "create", "demo", "-q"});
  EXPECT_THAT(Run({"runs", "seek", "demo", "1"}).err, HasSubstr("is no opened run"));
  EXPECT_THAT(Run({"runs", "seek", "dmeo", "1"}).err, HasSubstr("did you mean 'demo'?"));
}

}  // namespace
}  // namespace alloclab::client
