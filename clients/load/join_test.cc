// Several `alloclab load` as one load, as users run them, against the real server.
#include "clients/load/join.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "clients/load/generators_testing.h"

namespace alloclab::load {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::uint64_t CountOf(const v1::Latency& latency) {
  return std::accumulate(latency.buckets().begin(), latency.buckets().end(), std::uint64_t{0},
                         [](std::uint64_t sum, const v1::LatencyBucket& bucket) { return sum + bucket.count(); });
}

TEST(Join, ThreeProcessesDoOneLoad) {
  LeaderProgram leader({"steady-state", "--generators", "3", "--connections", "5", "--operations", "30k", "--batch", "100",
                        "-o", "json", "--threshold", "lost_operations==0", "--threshold",
                        "operations{operation=malloc}: count>1000"});
  const std::string address = leader.Address();
  Generator one({"--join", address}), two({"--join", address, "-q"});
  EXPECT_EQ(one.Wait(), 0) << one.err();
  EXPECT_EQ(two.Wait(), 0) << two.err();
  ASSERT_EQ(leader.Wait(), 0) << leader.err();
  EXPECT_EQ(one.out() + two.out() + two.err(), "");
  EXPECT_THAT(one.err(), HasSubstr("the report is the leader's"));
  EXPECT_THAT(leader.err(), HasSubstr("is ready, 2 of 2"));
  const v1::LoadReport report = ReportOf(leader);
  EXPECT_EQ(report.operations(), 30'000u);
  EXPECT_EQ(report.service().count(), 300u);
  EXPECT_EQ(CountOf(report.service()), 300u);
  EXPECT_EQ(report.instances_size(), 5);
  ASSERT_EQ(report.generators_size(), 3);
  std::uint64_t operations = 0;
  std::uint32_t connections = 0;
  for (const v1::LoadGenerator& generator : report.generators()) {
    operations += generator.operations();
    connections += generator.connections();
    EXPECT_GT(generator.operations(), 0u);
    EXPECT_FALSE(generator.lost());
    EXPECT_LT(std::abs(generator.start_skew_seconds()), 0.5) << generator.name();
  }
  EXPECT_EQ(operations, 30'000u);
  EXPECT_EQ(connections, 5u);
  EXPECT_THAT(leader.out(), HasSubstr("\"thresholds\""));
  EXPECT_THAT(Instances(), IsEmpty());
}

// At a fixed rate the same batches are due, whoever sends them.
TEST(Join, TheScheduleIsThatOfOneProcess) {
  const Words load = {"steady-state", "--connections", "4",       "--rate",         "8k", "--batch",
                      "20",           "--arrival",     "poisson", "--arrival-seed", "9",  "--duration",
                      "1s",           "--repeat",      "forever", "--catch-up",     "-o", "json"};
  Generator alone(load);
  ASSERT_EQ(alone.Wait(), 0) << alone.err();
  Words words = load;
  words.insert(words.end(), {"--generators", "2"});
  LeaderProgram leader(words);
  Generator joined({"--join", leader.Address()});
  EXPECT_EQ(joined.Wait(), 0) << joined.err();
  ASSERT_EQ(leader.Wait(), 0) << leader.err();
  const v1::LoadReport one = ReportOf(alone), both = ReportOf(leader);
  EXPECT_GT(one.schedule().scheduled(), 6'000u);
  EXPECT_EQ(both.schedule().scheduled(), one.schedule().scheduled());
}

TEST(Join, ThresholdsAreJudgedOnAllTogether) {
  // Each alone would keep it.
  LeaderProgram leader({"steady-state", "--generators", "2", "--connections", "2", "--operations", "20k", "--threshold",
                        "operations{outcome=ok}: count<12000"});
  Generator joined({"--join", leader.Address()});
  EXPECT_EQ(joined.Wait(), 0) << joined.err();
  EXPECT_EQ(leader.Wait(), 99) << leader.err();
  EXPECT_THAT(leader.out(), HasSubstr("GENERATORS"));
}

TEST(Join, AWorkloadOfAFileIsSentToThem) {
  const TemporaryDirectory directory;
  const std::string path = directory.Write("app.rep", "0\n2\n4\n1\na 0 100\na 1 200\nf 0\nf 1\n");
  LeaderProgram leader({path, "--generators", "2", "--connections", "2", "--operations", "400", "--batch", "2", "-o", "json"});
  Generator joined({"--join", leader.Address()});
  EXPECT_EQ(joined.Wait(), 0) << joined.err();
  ASSERT_EQ(leader.Wait(), 0) << leader.err();
  EXPECT_EQ(ReportOf(leader).operations(), 400u);
}

TEST(Join, AGeneratorThatIsLostIsNamedAndEndsTheLoad) {
  LeaderProgram leader(
      {"steady-state", "--generators", "3", "--connections", "3", "--rate", "3k", "--repeat", "forever", "-o", "json"});
  const std::string address = leader.Address();
  Generator stays({"--join", address}), dies({"--join", address});
  ASSERT_TRUE(leader.Says("2 of 2")) << leader.err();
  ASSERT_TRUE(AreBusy(3));
  dies.Signal(SIGKILL);
  EXPECT_EQ(dies.Wait(), 128 + SIGKILL);
  EXPECT_EQ(leader.Wait(), 1);
  EXPECT_EQ(stays.Wait(), 0) << stays.err();
  EXPECT_THAT(leader.err(), HasSubstr("was lost"));
  EXPECT_THAT(leader.err(), HasSubstr("the load was not what was asked for"));
  const v1::LoadReport report = ReportOf(leader);
  EXPECT_EQ(std::count_if(report.generators().begin(), report.generators().end(), [](const auto& g) { return g.lost(); }), 1);
  EXPECT_EQ(report.errors_size(), 1);
  // Nobody but the dead one knows what it made.
  EXPECT_EQ(Instances().size(), 1u);
  for (const std::string& name : Instances()) {
    const client::Connection connection({.server = Server().address(), .timeout = std::chrono::seconds(20), .wait = {}});
    v1::DeleteInstanceRequest request;
    request.set_instance(name);
    EXPECT_TRUE(connection.Call(&v1::Lab::Stub::DeleteInstance, request).ok());
  }
}

TEST(Join, InterruptedTheLeaderReportsOfAll) {
  LeaderProgram leader(
      {"steady-state", "--generators", "2", "--connections", "2", "--rate", "2k", "--repeat", "forever", "-o", "json"});
  Generator joined({"--join", leader.Address()});
  ASSERT_TRUE(AreBusy(2)) << joined.err();
  leader.Signal(SIGINT);
  EXPECT_EQ(leader.Wait(), 130);
  EXPECT_EQ(joined.Wait(), 0) << joined.err();
  const v1::LoadReport report = ReportOf(leader);
  EXPECT_TRUE(report.interrupted());
  EXPECT_EQ(report.generators_size(), 2);
  EXPECT_GT(report.generators(1).operations(), 0u);
  EXPECT_THAT(Instances(), IsEmpty());
}

TEST(Join, AJoinedOneThatIsInterruptedEndsTheLoad) {
  LeaderProgram leader({"steady-state", "--generators", "2", "--connections", "2", "--rate", "2k", "--repeat", "forever"});
  Generator joined({"--join", leader.Address()});
  ASSERT_TRUE(AreBusy(2)) << joined.err();
  joined.Signal(SIGTERM);
  EXPECT_EQ(joined.Wait(), 130);
  EXPECT_EQ(leader.Wait(), 1);
  EXPECT_THAT(leader.err(), HasSubstr("was interrupted: the load was not what was asked for"));
  EXPECT_THAT(Instances(), IsEmpty());
}

TEST(Join, ALeaderThatIsGoneIsToldOf) {
  LeaderProgram leader({"steady-state", "--generators", "2", "--connections", "2", "--rate", "2k", "--repeat", "forever"});
  Generator joined({"--join", leader.Address()});
  ASSERT_TRUE(AreBusy(2)) << joined.err();
  leader.Signal(SIGKILL);
  EXPECT_EQ(joined.Wait(), 3);
  EXPECT_THAT(joined.err(), HasSubstr("A leader is started with"));
  leader.Wait();
  EXPECT_EQ(Instances().size(), 1u) << "the leader's";
  for (const std::string& name : Instances()) {
    Process remove({ALLOCLAB, "instance", "delete", name, "--server", Server().address()});
    EXPECT_EQ(remove.Wait(), 0);
  }
}

TEST(Join, TheLeaderDoesNotWaitForever) {
  LeaderProgram leader({"steady-state", "--generators", "3", "--connections", "3", "--join-timeout", "1500ms"});
  Generator joined({"--join", leader.Address()});
  EXPECT_EQ(leader.Wait(), 1);
  EXPECT_THAT(leader.err(), HasSubstr("1 of 2 generators were ready to join within"));
  EXPECT_NE(joined.Wait(), 0);
  EXPECT_THAT(Instances(), IsEmpty());
}

TEST(Join, RefusesWhatDoesNotGoTogether) {
  const std::pair<Words, const char*> cases[] = {
      {{"--join", "127.0.0.1:1", "--rate", "5"}, "--join"},
      {{"--join", "127.0.0.1:1", "steady-state"}, "--join"},
      {{"--join", "127.0.0.1:1", "--generators", "2"}, "--join"},
      {{"steady-state", "--listen", "127.0.0.1:0"}, "--generators"},
      {{"steady-state", "--insecure"}, "--generators"},
      {{"--demo", "--generators", "2"}, "--generators: expected without --demo"},
      {{"steady-state", "--generators", "2"}, "--generators 2: expected at most 1, one for each of the instances"},
      {{"steady-state", "--generators", "65", "--connections", "65"}, "--generators 65: expected 1 to 64"},
      {{"steady-state", "--generators", "2", "--connections", "2", "--listen", "nowhere"}, "--listen: \"nowhere\""},
      {{"steady-state", "--generators", "2", "--connections", "2", "--listen", "0.0.0.0:0"}, "without TLS and a token"},
      {{"steady-state", "--generators", "2", "--connections", "2", "--tls-cert", "x"}, "--tls-cert and --tls-key together"},
  };
  for (const auto& [words, says] : cases) {
    Generator program(words);
    EXPECT_EQ(program.Wait(), 2) << says;
    EXPECT_THAT(program.err(), HasSubstr(says));
  }
  Generator nobody({"--join", "127.0.0.1:1"});
  EXPECT_EQ(nobody.Wait(), 3);
  EXPECT_THAT(nobody.err(), HasSubstr("cannot reach a server at 127.0.0.1:1: connection refused"));
}

TEST(Join, WithATokenNobodyElseIsLetIn) {
  const Words token = {"ALLOCLAB_TOKEN=alloclab_of_the_leader"};
  LeaderProgram leader({"steady-state", "--generators", "2", "--connections", "2", "--operations", "1k"}, token);
  const std::string address = leader.Address();
  for (const Words& wrong : {Words(), Words{"ALLOCLAB_TOKEN=alloclab_of_the_stealer"}}) {
    Generator stranger({"--join", address}, wrong);
    EXPECT_EQ(stranger.Wait(), 1);
    EXPECT_THAT(stranger.err(), HasSubstr("lets in only those who show its token"));
  }
  Generator joined({"--join", address}, token);
  EXPECT_EQ(joined.Wait(), 0) << joined.err();
  EXPECT_EQ(leader.Wait(), 0) << leader.err();
}

}  // namespace
}  // namespace alloclab::load
