// Runs opened at their operations, from the command line to a real server and back.
#include "alloclab/v1/inspect.pb.h"
#include "alloclab/v1/lab.pb.h"
#include "alloclab/v1/run.pb.h"
#include "alloclab/v1/time_travel.pb.h"
#include "clients/cli/end_to_end.h"

namespace alloclab::client {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

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
  EXPECT_THAT(Out({"explain", "1", "19999"}), HasSubstr("Operation 19999, "));
  EXPECT_EQ(Json<v1::ListInstancesResponse>({"instance", "list"}).instances_size(), 0) << "closed afterwards";
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
