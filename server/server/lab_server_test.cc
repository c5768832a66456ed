// The whole server, started and stopped in this process.
#include "server/server/lab_server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "absl/time/clock.h"
#include "server/server/health_check.h"
#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;

std::string StartRefusal(const std::function<void(ServerOptions&)>& change) {
  const TemporaryDirectory directory;
  ServerOptions options = TestOptions(directory.path());
  change(options);
  return std::string(LabServer::Start(options).status().message());
}

TEST(LabServer, TellsTheAddressesThatItHasBound) {
  const TemporaryDirectory directory;
  ServerOptions options = TestOptions(directory.path());
  options.metrics_listen = "127.0.0.1:0";
  const auto server = LabServer::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_THAT((*server)->grpc_address(), MatchesRegex("127.0.0.1:[1-9][0-9]*"));
  EXPECT_THAT((*server)->metrics_address(), MatchesRegex("127.0.0.1:[1-9][0-9]*"));
  EXPECT_THAT((*server)->web_address(), IsEmpty()) << "it is off";
}

TEST(LabServer, AnAddressThatIsTakenIsNamedWithItsFlag) {
  TestServer first;
  const std::string& taken = first.server().grpc_address();
  EXPECT_THAT(StartRefusal([&](auto& options) { options.listen = taken; }), HasSubstr("--listen " + taken));
  EXPECT_THAT(StartRefusal([&](auto& options) { options.web_listen = taken; }), HasSubstr("--web-listen " + taken));
  EXPECT_THAT(StartRefusal([&](auto& options) { options.metrics_listen = taken; }), HasSubstr("--metrics-listen " + taken));
}

TEST(LabServer, ADataDirectoryInUseIsNamed) {
  const TemporaryDirectory directory;
  const auto first = LabServer::Start(TestOptions(directory.path()));
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = LabServer::Start(TestOptions(directory.path()));
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("--data-dir " + directory.path().string() + ": in use"));
}

TEST(LabServer, IsNotServingOnceItDrains) {
  TestServer server;
  const BindAddress address = *ParseBindAddress(server.server().grpc_address());
  EXPECT_TRUE(CheckHealth(address, "").ok());
  server.server().Drain();
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckHealth(address, "")));
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckHealth(address, "alloclab.v1.Runs")));
  EXPECT_TRUE(absl::IsNotFound(CheckHealth(address, "alloclab.v1.Nothing")));
  server.server().Stop(MonotonicTime::Now());
  EXPECT_TRUE(absl::IsUnavailable(CheckHealth(address, "")));
}

TEST(LabServer, TellsTheUrlOfItsPageAsItIsAdvertised) {
  TestServer server([](ServerOptions& options) { options.advertise_page = "https://lab.example.org:7412/"; });
  grpc::ClientContext context;
  v1::Server described;
  ASSERT_TRUE(server->lab->GetServer(&context, v1::GetServerRequest(), &described).ok());
  EXPECT_EQ(described.web_url(), "https://lab.example.org:7412/");
}

TEST(LabServer, ADatabaseThatIsAwayIsNamedByItsOption) {
  EXPECT_THAT(StartRefusal([](ServerOptions& options) { options.store = "postgresql://lab@127.0.0.1:1/lab"; }),
              HasSubstr("--store postgresql://lab@127.0.0.1:1/lab: the database does not answer: "));
}

TEST(LabServer, TheHealthOfNoServerSaysWhatToDo) {
  const auto address = ParseBindAddress(TestServer().server().grpc_address());  // it has ended
  const absl::Status gone = CheckHealth(*address, "");
  EXPECT_TRUE(absl::IsUnavailable(gone));
  EXPECT_EQ(gone.message(), fmt::format("--listen {}: no server is there; start `alloclabd`, or give the --listen, "
                                        "--tls-cert and --tls-key that it was started with",
                                        ToString(*address)));
}

TEST(LabServer, TheHealthOfAnHttpPortIsNoHealth) {
  TestServer server([](ServerOptions& options) { options.metrics_listen = "127.0.0.1:0"; });
  const absl::Status status = CheckHealth(*ParseBindAddress(server.server().metrics_address()), "");
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(": what listens there speaks HTTP, not gRPC, as the web page and"));
}

TEST(LabServer, StopTwiceIsAsOnce) {
  TestServer server;
  server.server().Stop(MonotonicTime::Now());
  server.server().Stop(MonotonicTime::Now());
}

}  // namespace
}  // namespace alloclab::server
