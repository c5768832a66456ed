// The program `alloclab load` as a user runs it, against the real server.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "alloclab/v1/lab.grpc.pb.h"
#include "alloclab/v1/load.pb.h"
#include "clients/common/connection.h"
#include "clients/load/temporary_server.h"
#include "server/testing/eventually.h"
#include "server/testing/http_client.h"
#include "server/testing/process.h"

namespace alloclab::load {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kNobody[] = "127.0.0.1:1";

// `alloclab load WORDS`, under way.
class Program : public Process {
 public:
  explicit Program(std::vector<std::string> words) : Process(Whole(std::move(words))) {}

 private:
  static std::vector<std::string> Whole(std::vector<std::string> words) {
    words.insert(words.begin(), {ALLOCLAB, "load"});
    return words;
  }
};

const TemporaryServer& Server() {
  static const TemporaryServer server;
  return server;
}

std::vector<std::string> At(const std::string& server, std::vector<std::string> words) {
  words.insert(words.end(), {"--server", server});
  return words;
}

v1::ListInstancesResponse ListAt(const std::string& server) {
  const client::Connection connection({.server = server, .timeout = std::chrono::seconds(20), .wait = {}});
  return connection.Call(&v1::Lab::Stub::ListInstances, v1::ListInstancesRequest()).value_or(v1::ListInstancesResponse());
}

std::vector<std::string> InstancesAt(const std::string& server) {
  std::vector<std::string> names;
  const v1::ListInstancesResponse list = ListAt(server);
  for (const v1::Instance& instance : list.instances()) names.push_back(instance.name());
  return names;
}

bool IsBusy(const std::string& server) {
  const v1::ListInstancesResponse list = ListAt(server);
  for (const v1::Instance& instance : list.instances()) {
    if (instance.operations() > 0) return true;
  }
  return false;
}

TEST(LoadCommand, ReportsAsJson) {
  Program program(At(Server().address(), {"steady-state", "--operations", "30k", "--connections", "2", "-q", "-o", "json"}));
  ASSERT_EQ(program.Wait(), 0) << program.err();
  EXPECT_EQ(program.err(), "");
  EXPECT_THAT(program.out(), testing::StartsWith("{\n \"schema_version\": 1,"));
  std::string json = program.out();
  json.erase(json.find("\"schema_version\""), std::string("\"schema_version\": 1,").size());
  v1::LoadReport report;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &report).ok()) << json;
  EXPECT_EQ(report.operations(), 30'000u);
  EXPECT_EQ(report.config().connections(), 2u);
  EXPECT_EQ(report.config().instances(), 2u);
  EXPECT_EQ(report.config().workload().builtin().name(), "steady-state");
  EXPECT_EQ(report.config().instance_config().heap_allocator(), "implicit-heap");
  EXPECT_FALSE(report.server_version().empty());
  EXPECT_THAT(InstancesAt(Server().address()), IsEmpty());
}

TEST(LoadCommand, ReportsAsATable) {
  Program program(At(Server().address(), {"steady-state", "--rate", "20k", "--duration", "300ms"}));
  ASSERT_EQ(program.Wait(), 0) << program.err();
  for (const char* part :
       {"steady-state", "open loop, 20.0 k ops/s", "due to reply", "p99.9", "malloc", "INSTANCES AT THE END"}) {
    EXPECT_THAT(program.out(), HasSubstr(part));
  }
}

struct Refusal {
  std::vector<std::string> words;
  int exit_code;
  const char* says;
};

TEST(LoadCommand, RefusesWithoutAServerToAsk) {
  const Refusal cases[] = {
      {{}, 2, "WORKLOAD is required"},
      {{"steady-state", "--connections", "0"}, 2, "--connections 0: expected 1 to 256"},
      {{"steady-state", "--connections", "two"}, 2, "--connections"},
      {{"steady-state", "--batch", "65537"}, 2, "--batch 65537"},
      {{"steady-state", "--window", "99999999999"}, 2, "--window"},
      {{"steady-state", "--rate", "-5"}, 2, "--rate"},
      {{"steady-state", "--rate", "0"}, 2, "--rate: 0: expected at least 1 operation per second"},
      {{"steady-state", "--operations", "0"}, 2, "--operations: 0: expected at least 1 operation"},
      {{"steady-state", "--batch", "0"}, 2, "--batch: 0: expected 1 to 65536 operations"},
      {{"steady-state", "--instances", "0"}, 2, "--instances: 0: expected at least 1 instance"},
      {{"steady-state", "--window", "0"}, 2, "--window 0: expected 1 to 1024"},
      {{"steady-state", "--duration", "0s"}, 2, "--duration: 0s: expected at least 1ms"},
      {{"steady-state", "--timeout", "0"}, 2, "--timeout: 0: expected at least 1ms"},
      {{"steady-state", "--seed", "0"}, 2, "--seed: 0: expected 1 or more"},
      {{"steady-state", "--arrival-seed", "0", "--rate", "5"}, 2, "--arrival-seed: 0: expected 1 or more"},
      {{"steady-state", "--arrival", "uniform", "--rate", "5"}, 2, "--arrival: 'uniform' is none of constant, poisson"},
      {{"steady-state", "--rate", "100", "--duration", "1s", "--batch", "200"}, 2, "expected a --batch of at most 100"},
      {{"steady-state", "--catch-up"}, 2, "--catch-up"},
      {{"steady-state", "--duration", "soon"}, 2, "--duration: 'soon' is not a duration"},
      {{"steady-state", "--repeat", "0"}, 2, "--repeat '0': expected a number of passes, or forever"},
      {{"steady-state", "--instance", "a", "--instances", "2"}, 2, "--instances"},
      {{"steady-state", "--instance", "a", "--keep"}, 2, "--keep"},
      {{"steady-state", "--metrics-listen", "nowhere"}, 2, "--metrics-listen: \"nowhere\" is not an address"},
      {{"steady-state", "--no-such-flag"}, 2, "--no-such-flag"},
      {{"--demo", "steady-state"}, 2, "--demo"},
      {{"--demo", "--connections", "3"}, 2, "--demo"},
      {{"--demo", "--duration", "2s"}, 2, "--duration: expected without --demo, which goes on until it is interrupted"},
      {{"--demo", "--operations", "5"}, 2, "--operations: expected without --demo"},
      {{"--demo", "--repeat", "2"}, 2, "--repeat: expected without --demo"},
      {{"--demo", "--warmup", "1s"}, 2, "--warmup: expected without --demo"},
      {{"steady-state", "--instance", "a", "--ram", "64Mi"}, 2, "--ram: expected without --instance, whose machine is made"},
      {{"steady-state", "--instance", "a", "--page-allocator", "page-runs"},
       2,
       "--page-allocator: expected without --instance"},
      {{"steady-state", "--instance", "a", "--heap-allocator", "next-fit"}, 2, "--heap-allocator: expected without --instance"},
      {{"steady-state", "--instance", "a", "--param", "heap.limit_bytes=4Mi"}, 2, "--param: expected without --instance"},
      {{"steady-state", "--instance", "a", "--unguarded"}, 2, "--unguarded: expected without --instance"},
      {{"steady-state", "--ram", "0"}, 2, "--ram: 0: expected 16Ki to 4Gi"},
      {{"sqlite", "--seed", "3"}, 2, "--seed: sqlite is recorded and has no seed"},
      {{"steady-state", "--arrival-seed", "3"}, 2, "--arrival-seed: expected together with --arrival poisson"},
      {{"steady-state", "--arrival-seed", "3", "--rate", "1k"}, 2, "--arrival-seed: expected together with --arrival poisson"},
      {{"steady-state", "--arrival", "constant"}, 2, "--arrival: expected together with --rate"},
      {{"steady-state", "--allowed-hosts", "x"}, 2, "--allowed-hosts: expected together with --metrics-listen"},
      {{"no-such-workload"}, 4, "no-such-workload"},
      {{"./missing.rep"}, 4, "./missing.rep"},
      {{"steady-state"}, 3, "cannot reach a server at 127.0.0.1:1"},
  };
  for (const Refusal& refusal : cases) {
    Program program(At(kNobody, refusal.words));
    EXPECT_EQ(program.Wait(), refusal.exit_code) << refusal.says << "\n" << program.err();
    EXPECT_THAT(program.err(), HasSubstr(refusal.says));
    EXPECT_EQ(program.out(), "");
  }
}

TEST(LoadCommand, RefusesAMachineThatCanDoNothingOfTheWorkload) {
  Program program(At(Server().address(), {"steady-state", "--operations", "100", "--heap-allocator", "none"}));
  EXPECT_EQ(program.Wait(), 2);
  EXPECT_EQ(program.out(), "");
  EXPECT_THAT(program.err(), HasSubstr("--heap-allocator: none, but every operation of this workload needs a heap"));
  EXPECT_THAT(InstancesAt(Server().address()), IsEmpty());
}

TEST(LoadCommand, QuietTellsOnlyWhatStays) {
  Program quiet(At(Server().address(), {"steady-state", "--operations", "100", "-q"}));
  EXPECT_EQ(quiet.Wait(), 0);
  EXPECT_EQ(quiet.out() + quiet.err(), "");
  TemporaryServer server;
  Program kept(At(server.address(), {"steady-state", "--operations", "100", "-q", "--keep"}));
  EXPECT_EQ(kept.Wait(), 0);
  EXPECT_THAT(InstancesAt(server.address()), testing::ElementsAre(kept.out().substr(0, kept.out().find('\n'))));
  EXPECT_EQ(kept.err(), "");
}

TEST(LoadCommand, SaysThatNothingWasMeasured) {
  Program program(At(Server().address(), {"steady-state", "--operations", "100", "--warmup", "20s"}));
  EXPECT_EQ(program.Wait(), 1);
  EXPECT_THAT(program.err(), HasSubstr("the workload ended within --warmup"));
}

TEST(LoadCommand, DrainsAndReportsWhenInterrupted) {
  Program program(At(Server().address(), {"steady-state", "--rate", "10k", "--repeat", "forever", "-o", "json"}));
  ASSERT_TRUE(Eventually([] { return IsBusy(Server().address()); }));
  program.Signal(SIGINT);
  EXPECT_EQ(program.Wait(), 130);
  EXPECT_THAT(program.out(), HasSubstr("\"interrupted\": true"));
  EXPECT_THAT(InstancesAt(Server().address()), IsEmpty());
}

TEST(LoadCommand, SaysThatTheServerDied) {
  TemporaryServer server;
  Program program(At(server.address(), {"steady-state", "--rate", "10k", "--repeat", "forever"}));
  ASSERT_TRUE(Eventually([&] { return IsBusy(server.address()); }));
  server.Kill();
  EXPECT_EQ(program.Wait(), 3);
  EXPECT_THAT(program.err(), HasSubstr("cannot reach a server at"));
  EXPECT_THAT(program.out(), HasSubstr("UNAVAILABLE"));
}

TEST(LoadCommand, DemoOutlivesTheServer) {
  auto server = std::make_unique<TemporaryServer>();
  const std::string address = server->address();
  const auto has_demo = [&] {
    const std::vector<std::string> names = InstancesAt(address);
    return std::find(names.begin(), names.end(), "demo-steady-state") != names.end() && names.size() >= 5;
  };
  Program program(At(address, {"--demo", "--rate", "1k", "--ram", "16Mi"}));
  ASSERT_TRUE(Eventually(has_demo)) << program.err();
  server.reset();
  ASSERT_TRUE(Eventually([&] { return program.err().find("trying again") != std::string::npos; })) << program.err();
  server = std::make_unique<TemporaryServer>(address);
  EXPECT_TRUE(Eventually(has_demo)) << program.err();
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Wait(), 130);
  EXPECT_THAT(InstancesAt(address), IsEmpty());
}

TEST(LoadCommand, ServesMetricsThatPassPromtool) {
  Program program(
      At(Server().address(), {"steady-state", "--rate", "10k", "--repeat", "forever", "--metrics-listen", "127.0.0.1:0"}));
  std::string text;
  ASSERT_TRUE(Eventually([&] {
    int port = 0;
    const std::string said = program.err();
    if (std::sscanf(said.c_str(), "Metrics at http://127.0.0.1:%d/metrics", &port) == 1)
      text = Get(fmt::format("127.0.0.1:{}", port), "/metrics").body;
    return text.find("alloclab_load_run_info{") != std::string::npos;
  })) << program.err();
  EXPECT_THAT(text, HasSubstr("alloclab_load_target_operations_per_second{"));
  const TemporaryDirectory directory;
  const std::string path = directory.Write("scrape", text);
  EXPECT_EQ(std::system(fmt::format("promtool check metrics < {}", path).c_str()), 0);
  program.Signal(SIGINT);
  EXPECT_EQ(program.Wait(), 130);
}

}  // namespace
}  // namespace alloclab::load
