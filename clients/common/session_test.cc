// The parts around a command: connection, signals, terminal, exit codes.
#include "clients/common/session.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <future>

#include "alloclab/v1/heap.pb.h"
#include "alloclab/v1/lab.grpc.pb.h"
#include "clients/common/channel_credentials.h"
#include "clients/common/exit_code.h"
#include "clients/common/interrupt.h"
#include "server/access/certificates.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::client {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

std::string Explained(const Connection& connection) {
  const auto reply = connection.Call(&v1::Lab::Stub::GetServer, v1::GetServerRequest());
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
  return std::string(reply.status().message());
}

TEST(Connection, AClosedPortSaysHowToStartAServer) {
  const std::string message = Explained(Connection({.server = "127.0.0.1:1"}));
  EXPECT_THAT(message, HasSubstr("cannot reach a server at 127.0.0.1:1: connection refused\nStart one with `./lab up`"));
}

TEST(Connection, WhatIsNoAddressOfAServerIsRefused) {
  for (const char* server : {"https://localhost:7411", "http://localhost:7412", "localhost"}) {
    const auto reply = Connection({.server = server}).Call(&v1::Lab::Stub::GetServer, v1::GetServerRequest());
    EXPECT_EQ(reply.status().code(), absl::StatusCode::kInvalidArgument) << server;
    EXPECT_THAT(std::string(reply.status().message()),
                HasSubstr(fmt::format("--server {}: expected HOST:PORT, such as 127.0.0.1:7411, or unix:PATH", server)));
  }
}

TEST(Connection, WaitIsBounded) {
  const auto start = std::chrono::steady_clock::now();
  const std::string message =
      Explained(Connection({.server = "127.0.0.1:1", .timeout = milliseconds(50), .wait = milliseconds(150)}));
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(190));
  EXPECT_THAT(message, HasSubstr("cannot reach a server at 127.0.0.1:1 within 0.15 s"));
}

TEST(ChannelCredentials, AreTheSameOnesUntilTheFilesChange) {
  const TemporaryDirectory directory;
  const auto make = [&](const std::string& name) {
    const std::string made = directory.path() / name;
    EXPECT_TRUE(server::MakeCertificates({made, {"localhost"}, absl::Now(), absl::Hours(1)}).ok());
    return TlsOptions{.tls = true, .ca = made + "/ca.pem", .cert = made + "/client.pem", .key = made + "/client.key"};
  };
  const TlsOptions one = make("one"), other = make("other");
  const auto first = MakeChannelCredentials(one);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(*MakeChannelCredentials(one), *first);
  EXPECT_NE(*MakeChannelCredentials({.tls = true, .ca = one.ca, .cert = "", .key = ""}), *first);
  EXPECT_NE(*MakeChannelCredentials(other), *first);
  const auto replaced = MakeChannelCredentials(one);
  std::filesystem::copy_file(other.ca, one.ca, std::filesystem::copy_options::overwrite_existing);
  EXPECT_NE(*MakeChannelCredentials(one), *replaced);
}

TEST(Connection, EveryContextHasADeadline) {
  const Connection connection({.server = "127.0.0.1:1"});
  const auto deadline = connection.MakeContext()->deadline();
  const auto left = deadline - std::chrono::system_clock::now();
  EXPECT_LE(left, milliseconds(10'000));
  EXPECT_GT(left, milliseconds(5'000));
}

TEST(Connection, AnswersOfTheServerKeepTheirCode) {
  const Connection connection({.server = "127.0.0.1:1"});
  const absl::Status status = connection.Explain(grpc::Status(grpc::StatusCode::NOT_FOUND, "no instance 'x'"));
  EXPECT_EQ(status, absl::NotFoundError("no instance 'x'"));
}

TEST(Connection, SaysNothingInTheWordsOfGrpc) {
  using grpc::StatusCode;
  const Connection connection({.server = "127.0.0.1:1"});
  const auto explained = [&](StatusCode code, const std::string& message) {
    const std::string whole(connection.Explain(grpc::Status(code, message)).message());
    return whole.substr(0, whole.find("\nStart one"));
  };
  const std::string unreachable = "cannot reach a server at 127.0.0.1:1: ";
  const std::pair<const char*, const char*> reasons[] = {
      {"failed to connect to all addresses; last error: UNKNOWN: unix:/x: No such file or directory", "no such socket"},
      {"failed to connect to all addresses; last error: UNKNOWN: unix:/x: Permission denied", "permission denied"},
      {"failed to connect to all addresses; last error: UNKNOWN: ipv4:1.2.3.4:5: Network is unreachable",
       "no way to that host"},
      {"failed to connect to all addresses; last error: INTERNAL: ipv4:1.2.3.4:5: Trying to connect an http1.x server",
       "what listens there speaks HTTP, not gRPC, as the web page and /metrics do"},
      {"DNS resolution failed for nowhere:7411: C-ares status is not ARES_SUCCESS", "no such host"},
      {"Socket closed", "the connection broke off"},
      {"recvmsg:Connection reset by peer", "the connection broke off"},
      {"keepalive watchdog timeout", "no connection"},
      {"the server is shutting down", "the server is shutting down"}};
  for (const auto& [library, ours] : reasons) EXPECT_EQ(explained(StatusCode::UNAVAILABLE, library), unreachable + ours);
  const absl::Status away =
      connection.Explain(grpc::Status(StatusCode::UNAVAILABLE, "the database does not answer", "details"));
  EXPECT_EQ(away.message(), "the database does not answer") << "a server that was reached";
  EXPECT_EQ(away.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(explained(StatusCode::UNIMPLEMENTED, "unknown service alloclab.v1.Lab"),
            "what answers at 127.0.0.1:1 is not an alloclabd of this version; say where one is with --server HOST:PORT or "
            "ALLOCLAB_SERVER");
  EXPECT_EQ(explained(StatusCode::INTERNAL, "Received RST_STREAM with error code 2"),
            "the call to the server at 127.0.0.1:1 broke off; what it did until then is not known");
  EXPECT_EQ(explained(StatusCode::RESOURCE_EXHAUSTED, "Received message larger than max (17000000 vs. 16777216)"),
            "a message to or from the server at 127.0.0.1:1 is larger than gRPC may carry");
  EXPECT_EQ(explained(StatusCode::INTERNAL, "the store failed: disk I/O error"), "the store failed: disk I/O error");
  EXPECT_EQ(explained(StatusCode::RESOURCE_EXHAUSTED, "2 uploads are under way"), "2 uploads are under way");
}

TEST(Connection, RefusalsNameTheOption) {
  const Connection connection({.server = "127.0.0.1:1"});
  const auto explained = [&](const std::string& message) {
    return std::string(connection.Explain(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, message)).message());
  };
  EXPECT_EQ(explained("config.ram_bytes: 5; expected more"), "--ram: 5; expected more");
  EXPECT_EQ(explained("ram_bytes: 5; expected more"), "--ram: 5; expected more");
  EXPECT_EQ(explained("config.parameters[heap.engine]: \"x\""), "--param heap.engine: \"x\"");
  EXPECT_EQ(explained("workload.spec.phases[0].size: not set"), "workload.spec.phases[0].size: not set");
  EXPECT_EQ(explained("no colon"), "no colon");
}

TEST(Connection, AWaitIsSaidAndComesOnce) {
  Connection connection({.server = "127.0.0.1:1", .timeout = milliseconds(50), .wait = milliseconds(300)});
  std::vector<std::string> said;
  connection.AwaitServer([&](std::string_view line) { said.emplace_back(line); });
  EXPECT_THAT(said, testing::ElementsAre("Waiting up to 0.3 s for a server at 127.0.0.1:1"));
  EXPECT_LT(connection.MakeContext()->deadline() - std::chrono::system_clock::now(), milliseconds(300))
      << "a call does not wait";
  EXPECT_THAT(Explained(connection), HasSubstr("cannot reach a server at 127.0.0.1:1 within 0.3 s"));
}

TEST(ExitCodes, FollowTheStatus) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), ExitCode::kOk);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), ExitCode::kUsage);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), ExitCode::kServerUnreachable);
  EXPECT_EQ(ExitCodeOf(absl::DataLossError("")), ExitCode::kBadWorkload);
  EXPECT_EQ(ExitCodeOf(absl::CancelledError("")), ExitCode::kInterrupted);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), ExitCode::kRuntimeError);
  EXPECT_EQ(ExitCodeOf(absl::DeadlineExceededError("")), ExitCode::kRuntimeError);
}

TEST(Interrupt, TheFirstSignalAsks) {
  std::promise<void> asked;
  {
    const InterruptGuard guard([&asked] { asked.set_value(); });
    EXPECT_FALSE(guard.interrupted());
    raise(SIGINT);
    EXPECT_EQ(asked.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
    EXPECT_TRUE(guard.interrupted());
  }
  const InterruptGuard again([] { FAIL() << "no signal was sent"; });
  EXPECT_FALSE(again.interrupted());
}

TEST(InterruptDeathTest, TheSecondSignalInsists) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto insist = [] {
    const InterruptGuard guard([] {});
    raise(SIGINT);
    raise(SIGTERM);
  };
  EXPECT_EXIT(insist(), testing::ExitedWithCode(130), "");
}

TEST(InterruptDeathTest, TheSecondSignalSaysWhatStaysBehind) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto insist = [] {
    InterruptGuard guard([] {});
    guard.SetLastWords("an older word");
    guard.SetLastWords("instance 'x' stays on the server");
    raise(SIGINT);
    raise(SIGINT);
  };
  EXPECT_EXIT(insist(), testing::ExitedWithCode(130), "^instance 'x' stays on the server\n$");
  const auto insist_silently = [] {
    InterruptGuard guard([] {});
    guard.SetLastWords("instance 'x' stays on the server");
    guard.SetLastWords("");
    raise(SIGINT);
    raise(SIGINT);
  };
  EXPECT_EXIT(insist_silently(), testing::ExitedWithCode(130), "^$");
}

std::string Shown(OutputFormat format) {
  CommonOptions options;
  options.output = format;
  options.color = ColorMode::kNever;
  v1::FreeRequest message;
  message.set_instance("toy");
  Section list;
  list.columns = {{"name"}};
  list.rows = {{TextCell("toy")}};
  testing::internal::CaptureStdout();
  const absl::Status status = Session(options).Show(message, {.heading = "", .sections = {list}, .footer = {}});
  EXPECT_TRUE(status.ok()) << status;
  return testing::internal::GetCapturedStdout();
}

TEST(Session, ShowsDataInTheChosenFormat) {
  EXPECT_EQ(Shown(OutputFormat::kTable), "name\ntoy\n");
  EXPECT_EQ(Shown(OutputFormat::kCsv), "name\ntoy\n");
  EXPECT_EQ(Shown(OutputFormat::kMarkdown), "| name |\n| --- |\n| toy |\n");
  EXPECT_EQ(Shown(OutputFormat::kJson), "{\n \"schema_version\": 1,\n \"instance\": \"toy\",\n \"address\": 0\n}\n");
}

TEST(Session, NotesGoToStderrUnlessQuiet) {
  for (const bool quiet : {false, true}) {
    CommonOptions options;
    options.quiet = quiet;
    testing::internal::CaptureStderr();
    Session(options).Note("a remark");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), quiet ? "" : "a remark\n");
  }
}

TEST(Session, AFullDiskIsAnError) {
  std::fflush(stdout);
  const int saved = dup(STDOUT_FILENO);
  const int full = open("/dev/full", O_WRONLY);
  ASSERT_GE(dup2(full, STDOUT_FILENO), 0);
  const absl::Status status = Session({}).Print("text");
  dup2(saved, STDOUT_FILENO);
  std::clearerr(stdout);
  std::fflush(stdout);
  close(saved);
  close(full);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot write to standard output: No space left on device"));
}

}  // namespace
}  // namespace alloclab::client
