// The real program: its life, its death, its command line.
#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "server/access/token_file.h"
#include "server/testing/eventually.h"
#include "server/testing/process.h"
#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::HasSubstr;
using testing::Not;

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> Command(const std::vector<std::string>& arguments) {
  std::vector<std::string> words{ALLOCLAB_BINARY_DIR "/bin/alloclabd"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

// All that it has written until now.
std::string Output(const Process& process) { return process.out() + process.err(); }

int RunToExit(const std::vector<std::string>& arguments, std::string& output, const std::vector<std::string>& variables = {}) {
  Process process(Command(arguments), variables);
  const int code = process.Wait();
  output = Output(process);
  return code;
}

// A server without a web page.
std::vector<std::string> Arguments(const std::filesystem::path& data_dir, const std::string& listen,
                                   const std::string& metrics_listen = "") {
  return {"--listen", listen, "--metrics-listen", metrics_listen, "--web-listen", "", "--data-dir", data_dir.string()};
}

class Daemon {
 public:
  explicit Daemon(const std::filesystem::path& data_dir, const std::vector<std::string>& more = {},
                  const std::string& listen = "127.0.0.1:0")
      : process_(Command(AllArguments(data_dir, listen, directory_.path() / "addresses", more))) {
    EXPECT_TRUE(Eventually([&] { return std::filesystem::exists(directory_.path() / "addresses"); })) << Output(process_);
    std::ifstream file(directory_.path() / "addresses");
    std::string name;
    file >> name >> grpc_;
    stubs_ = std::make_unique<Stubs>(grpc_);
  }

  Process& process() { return process_; }
  Stubs* operator->() { return stubs_.get(); }
  const std::string& grpc_address() const { return grpc_; }

 private:
  static std::vector<std::string> AllArguments(const std::filesystem::path& data_dir, const std::string& listen,
                                               const std::filesystem::path& addresses, const std::vector<std::string>& more) {
    std::vector<std::string> all = Arguments(data_dir, listen);
    all.insert(all.end(), {"--address-file", addresses.string()});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  TemporaryDirectory directory_;
  Process process_;
  std::string grpc_;
  std::unique_ptr<Stubs> stubs_;
};

v1::Run Submit(Daemon& daemon, const v1::SubmitRunRequest& request) {
  v1::Run run;
  const grpc::Status status = With([&](auto& context) { return daemon->runs->SubmitRun(&context, request, &run); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return run;
}

v1::Run Get(Daemon& daemon, std::uint64_t id) {
  v1::GetRunRequest request;
  request.set_id(id);
  v1::Run run;
  const grpc::Status status = With([&](auto& context) { return daemon->runs->GetRun(&context, request, &run); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return run;
}

TEST(Alloclabd, KillLosesNothingThatWasAcknowledged) {
  const TemporaryDirectory data;
  std::vector<std::uint64_t> acknowledged;
  std::map<std::uint64_t, v1::RunResult> results;
  for (int life = 0; life < 3; ++life) {
    Daemon daemon(data.path());
    for (const std::uint64_t id : acknowledged) {
      const v1::Run run = Get(daemon, id);
      if (results.contains(id)) {
        EXPECT_EQ(run.state(), v1::Run::SUCCEEDED);
        EXPECT_TRUE(MessageDifferencer::Equals(run.result(), results[id]));
      } else {
        EXPECT_EQ(run.state(), v1::Run::INTERRUPTED) << "run " << id;
      }
    }
    const v1::Run quick = Submit(daemon, SmallRun(5000));
    ASSERT_TRUE(Eventually([&] { return Get(daemon, quick.id()).state() == v1::Run::SUCCEEDED; }));
    acknowledged.push_back(quick.id());
    results[quick.id()] = Get(daemon, quick.id()).result();
    for (int i = 0; i < 3; ++i) acknowledged.push_back(Submit(daemon, EndlessRun()).id());
    daemon.process().Signal(SIGKILL);
    EXPECT_EQ(daemon.process().Wait(), 128 + SIGKILL);
  }
  EXPECT_EQ(std::set<std::uint64_t>(acknowledged.begin(), acknowledged.end()).size(), acknowledged.size())
      << "an id was reused";
}

TEST(Alloclabd, SigtermEndsItCleanlyAndInterruptsRuns) {
  const TemporaryDirectory data;
  std::uint64_t id = 0;
  for (const int signal : {SIGTERM, SIGINT}) {
    Daemon daemon(data.path(), {"--drain-time", "300ms"});
    id = Submit(daemon, EndlessRun()).id();
    daemon.process().Signal(signal);
    EXPECT_EQ(daemon.process().Wait(), 0);
    EXPECT_THAT(Output(daemon.process()), HasSubstr("server.stopped"));
  }
  Daemon daemon(data.path());
  EXPECT_EQ(Get(daemon, id).state(), v1::Run::INTERRUPTED);
}

// Only calls that do something are waited for.
TEST(Alloclabd, SilentConnectionsAndOnlookersDoNotHoldUpTheEnd) {
  const TemporaryDirectory data, sockets;
  const std::string path = sockets.path() / "lab.sock";
  Daemon daemon(data.path(), {"--drain-time", "1h"}, "unix:" + path);
  Submit(daemon, SmallRun());  // on a connection that stays open
  const int silent = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(connect(silent, static_cast<const sockaddr*>(static_cast<const void*>(&address)), sizeof address), 0);
  grpc::ClientContext context;
  const auto health = grpc::health::v1::Health::NewStub(daemon->channel);
  const auto onlooker = health->Watch(&context, grpc::health::v1::HealthCheckRequest());
  grpc::health::v1::HealthCheckResponse state;
  ASSERT_TRUE(onlooker->Read(&state));
  EXPECT_EQ(state.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  daemon.process().Signal(SIGTERM);
  EXPECT_EQ(daemon.process().Wait(), 0);
  EXPECT_THAT(Output(daemon.process()), HasSubstr("server.stopped"));
  close(silent);
}

TEST(Alloclabd, SecondSignalEndsItAtOnce) {
  const TemporaryDirectory data;
  Daemon daemon(data.path(), {"--drain-time", "1h"});
  const std::uint64_t id = Submit(daemon, EndlessRun()).id();
  ASSERT_TRUE(Eventually([&] { return Get(daemon, id).state() == v1::Run::RUNNING; }));
  daemon.process().Signal(SIGTERM);
  ASSERT_TRUE(Eventually([&] { return Output(daemon.process()).find("server.draining") != std::string::npos; }));
  v1::Run refused;
  const grpc::Status status = With([&](auto& context) { return daemon->runs->SubmitRun(&context, SmallRun(), &refused); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
  std::string output;
  EXPECT_EQ(RunToExit({"healthcheck", "--listen", daemon.grpc_address()}, output), 1) << output;
  EXPECT_THAT(output, HasSubstr("NOT_SERVING"));
  daemon.process().Signal(SIGTERM);
  EXPECT_EQ(daemon.process().Wait(), 130);
}

TEST(Alloclabd, SecondServerOnOneDataDirectoryIsRefused) {
  const TemporaryDirectory data;
  Daemon daemon(data.path());
  std::string output;
  EXPECT_EQ(RunToExit(Arguments(data.path(), "127.0.0.1:0"), output), 1);
  EXPECT_THAT(output, HasSubstr("--data-dir " + data.path().string() + ": in use by another server (process "));
  EXPECT_THAT(output, HasSubstr("(exit code 1)"));
}

TEST(Alloclabd, TakenPortsAreNamed) {
  const TemporaryDirectory data, other;
  Daemon daemon(data.path());
  std::string output;
  EXPECT_EQ(RunToExit(Arguments(other.path(), daemon.grpc_address()), output), 1);
  EXPECT_THAT(output, HasSubstr("--listen " + daemon.grpc_address() + ": cannot listen: the port is taken"));
  EXPECT_EQ(RunToExit(Arguments(other.path(), "127.0.0.1:0", daemon.grpc_address()), output), 1);
  EXPECT_THAT(output, HasSubstr("--metrics-listen " + daemon.grpc_address() + ": cannot listen: the port is taken"));
}

std::string SocketIn(const TemporaryDirectory& directory) { return "unix:" + (directory.path() / "lab.sock").string(); }

TEST(Alloclabd, UnixSocket) {
  const TemporaryDirectory data, other, sockets;
  const std::string address = SocketIn(sockets);
  std::string output;
  for (const int signal : {SIGKILL, SIGTERM}) {  // the socket that stays behind a killed server is no hindrance
    Daemon daemon(data.path(), {}, address);
    EXPECT_EQ(daemon.grpc_address(), address);
    EXPECT_THAT(Output(daemon.process()), Not(HasSubstr("server.insecure")));
    Submit(daemon, SmallRun());
    EXPECT_EQ(RunToExit({"healthcheck", "--listen", address}, output), 0) << output;
    EXPECT_EQ(RunToExit(Arguments(other.path(), address), output), 1);
    EXPECT_THAT(output, HasSubstr("--listen " + address + ": cannot listen: another server listens there;"));
    EXPECT_EQ(RunToExit({"healthcheck", "--listen", address}, output), 0) << "the refused server took the socket: " << output;
    daemon.process().Signal(signal);
    daemon.process().Wait();
  }
  EXPECT_TRUE(std::filesystem::is_empty(sockets.path())) << "a server that ends well takes its socket with it";
  EXPECT_EQ(RunToExit({"healthcheck", "--listen", address}, output), 3);
}

TEST(Alloclabd, UnixSocketThatCannotBe) {
  const TemporaryDirectory data, directory;
  const std::string file = directory.path() / "file", folder = directory.path() / "folder";
  std::ofstream(file) << "keep me";
  std::string output;
  EXPECT_EQ(RunToExit(Arguments(data.path(), "unix:" + file), output), 1);
  EXPECT_THAT(output, HasSubstr("--listen unix:" + file + ": cannot listen: a file that is not a socket has that name"));
  EXPECT_EQ(ReadAll(file), "keep me");
  EXPECT_EQ(RunToExit(Arguments(data.path(), "unix:" + folder + "/lab.sock"), output), 1);
  EXPECT_THAT(output, HasSubstr("/lab.sock: cannot listen: No such file or directory; choose another address ("));
  EXPECT_EQ(RunToExit(Arguments(data.path(), "unix:/proc/lab.sock"), output), 1);
  EXPECT_THAT(output, HasSubstr("--listen unix:/proc/lab.sock: cannot listen: "));
  EXPECT_EQ(RunToExit(Arguments(data.path(), "unix:/" + std::string(107, 'x')), output), 2);
  EXPECT_THAT(output, HasSubstr("at most 107 bytes"));
  EXPECT_EQ(RunToExit({"--metrics-listen", "unix:" + file}, output), 2);
  EXPECT_THAT(output, HasSubstr("--metrics-listen: \"unix:" + file + "\" is not an address; HOST:PORT is expected"));
}

TEST(Alloclabd, OneAddressForTwoIsRefused) {
  const TemporaryDirectory data;
  std::string output;
  EXPECT_EQ(RunToExit(Arguments(data.path(), "127.0.0.1:7411", "localhost:7411"), output), 2);
  EXPECT_THAT(output, HasSubstr("--metrics-listen: localhost:7411 is taken by --listen 127.0.0.1:7411; each needs an address"));
}

TEST(Alloclabd, HealthOfAServerAtEveryAddress) {
  for (const char* host : {"*", "0.0.0.0", "[::]"}) {
    const TemporaryDirectory data;
    const Daemon daemon(data.path(), {"--insecure"}, std::string(host) + ":0");
    std::string output;
    EXPECT_EQ(RunToExit({"healthcheck", "--listen", daemon.grpc_address()}, output), 0) << daemon.grpc_address() << output;
  }
}

TEST(Alloclabd, OpenAddressesMustBeWanted) {
  const TemporaryDirectory data;
  std::string output;
  EXPECT_EQ(RunToExit(Arguments(data.path(), "0.0.0.0:0"), output), 2);
  EXPECT_THAT(output, HasSubstr("--listen: 0.0.0.0:0 is reachable from other hosts, without TLS and tokens; protect it with"));
  EXPECT_EQ(RunToExit(Arguments(data.path(), "127.0.0.1:0", "0.0.0.0:0"), output), 2);
  EXPECT_THAT(output, HasSubstr("--metrics-listen: 0.0.0.0:0 is reachable from other hosts, without TLS and tokens"));
  Daemon daemon(data.path(), {"--insecure"}, "0.0.0.0:0");
  EXPECT_TRUE(Eventually([&] { return Output(daemon.process()).find("server.insecure") != std::string::npos; }));
  EXPECT_EQ(RunToExit({"--insecure=off", "--listen", "0.0.0.0:0", "--data-dir", data.path()}, output), 1) << "in use";
  EXPECT_EQ(RunToExit({"--insecure", "on", "--dump-config"}, output), 0) << output;
  EXPECT_THAT(output, HasSubstr("\ninsecure: \"on\"\n"));
  EXPECT_EQ(RunToExit({"--insecure=maybe"}, output), 2) << output;
  EXPECT_THAT(output, HasSubstr("--insecure: \"maybe\" is not one of off, on (exit code 2)"));
}

TEST(Alloclabd, ChangesAreLoggedWithWhoMadeThem) {
  const TemporaryDirectory data;
  const auto secret = CreateToken(data.path(), {.name = "ada", .role = Role::kUser, .created = absl::Now(), .digest = {}});
  ASSERT_TRUE(secret.ok()) << secret.status();
  const auto viewer = CreateToken(data.path(), {.name = "vic", .role = Role::kViewer, .created = absl::Now(), .digest = {}});
  ASSERT_TRUE(viewer.ok()) << viewer.status();
  Daemon daemon(data.path());
  const auto create = [&](const std::string& name, const std::string& authorization) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", authorization);
    v1::CreateInstanceRequest request;
    request.set_name(name);
    request.mutable_config()->set_ram_bytes(1 << 20);
    v1::Instance instance;
    return daemon->lab->CreateInstance(&context, request, &instance).ok();
  };
  EXPECT_TRUE(create("toy", "Bearer " + *secret));
  EXPECT_FALSE(create("toy", "Bearer " + *secret));
  EXPECT_FALSE(create("toy", "Bearer wrong"));
  EXPECT_FALSE(create(std::string(200, 'x') + "\nforged", "Bearer " + *secret));
  const auto logs = [&](const std::string& text) {
    return Eventually([&] { return Output(daemon.process()).find(text) != std::string::npos; });
  };
  const std::string line = "access.change who=ada method=/alloclab.v1.Lab/CreateInstance target=";
  EXPECT_TRUE(logs(line + "toy outcome=OK peer="));
  EXPECT_TRUE(logs(line + "toy outcome=ALREADY_EXISTS"));
  EXPECT_TRUE(logs(line + std::string(100, 'x') + " outcome=INVALID_ARGUMENT"));
  EXPECT_TRUE(logs("access.wrong_tokens count=1"));
  for (int i = 0; i < 100; ++i) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + *viewer);
    v1::DeleteTraceResponse deleted;
    EXPECT_FALSE(daemon->workloads->DeleteTrace(&context, v1::DeleteTraceRequest(), &deleted).ok());
  }
  EXPECT_TRUE(logs("access.denied who=vic method=/alloclab.v1.Workloads/DeleteTrace"));
  EXPECT_TRUE(logs("access.denied who=vic more="));
  EXPECT_THAT(Output(daemon.process()), Not(HasSubstr(secret->substr(9))));
}

TEST(Alloclabd, HealthIsToldByService) {
  const TemporaryDirectory data;
  Daemon daemon(data.path());
  std::string output;
  for (const char* service : {"", "alloclab.v1.Lab", "alloclab.v1.Heap", "alloclab.v1.Inspect", "alloclab.v1.Workloads",
                              "alloclab.v1.Guests", "alloclab.v1.TimeTravel", "alloclab.v1.Runs"}) {
    EXPECT_EQ(RunToExit({"healthcheck", "--listen", daemon.grpc_address(), "--service", service}, output), 0)
        << service << output;
    EXPECT_EQ(output, "SERVING\n");
  }
  EXPECT_EQ(RunToExit({"healthcheck", "--listen", daemon.grpc_address(), "--service", "nope"}, output), 1);
  EXPECT_THAT(output, HasSubstr("no such service"));
  EXPECT_EQ(RunToExit({"healthcheck", "--listen", "127.0.0.1:1"}, output), 3);
  EXPECT_THAT(output, HasSubstr("127.0.0.1:1"));
}

TEST(Alloclabd, CommandLineErrorsAreUsageErrors) {
  const TemporaryDirectory directory;
  const std::string file = directory.path() / "lab.yaml";
  std::ofstream(file) << "instances-max: 5\nlisen: x\n";
  std::string output;
  EXPECT_EQ(RunToExit({"--config", file}, output), 2);
  EXPECT_THAT(output, HasSubstr(file + ":2: unknown key \"lisen\"; did you mean \"listen\"?"));
  EXPECT_EQ(RunToExit({"--listen", "nowhere"}, output), 2);
  EXPECT_THAT(output, HasSubstr("--listen: \"nowhere\" is not an address"));
  EXPECT_EQ(RunToExit({"--instances-max", "x"}, output), 2);
  EXPECT_THAT(output, HasSubstr("--instances-max: "));
  EXPECT_EQ(RunToExit({"--qqqqqqqqqqqq"}, output), 2);
  EXPECT_THAT(output, HasSubstr("unknown option \"--qqqqqqqqqqqq\"; see alloclabd --help"));
  EXPECT_EQ(RunToExit({"--strams-max", "4"}, output), 2);
  EXPECT_THAT(output, HasSubstr("unknown option \"--strams-max\"; did you mean \"--streams-max\"?"));
  EXPECT_EQ(RunToExit({"serve"}, output), 2);
  EXPECT_THAT(output, HasSubstr("unexpected \"serve\""));
  EXPECT_EQ(RunToExit({}, output, {"ALLOCLAB_LOG_FORMAT=xml"}), 2);
  EXPECT_THAT(output, HasSubstr("ALLOCLAB_LOG_FORMAT: \"xml\""));
}

TEST(Alloclabd, FlagVariableFileDefault) {
  const TemporaryDirectory directory;
  const std::string file = directory.path() / "lab.yaml";
  std::ofstream(file) << "instances-max: 5\nqueued-runs-max: 6\ndata-dir: from-file\n";
  std::string output;
  EXPECT_EQ(RunToExit({"--config", file, "--instances-max", "3", "--dump-config"}, output,
                      {"ALLOCLAB_INSTANCES_MAX=4", "ALLOCLAB_QUEUED_RUNS_MAX=7"}),
            0);
  EXPECT_THAT(output, HasSubstr("\ninstances-max: \"3\"\n"));
  EXPECT_THAT(output, HasSubstr("\nqueued-runs-max: \"7\"\n"));
  EXPECT_THAT(output, HasSubstr("\ndata-dir: \"from-file\"\n"));
  EXPECT_THAT(output, HasSubstr("\nlisten: \"127.0.0.1:7411\"\n"));
}

TEST(Alloclabd, TellsItsVersionAndHelp) {
  std::string output;
  EXPECT_EQ(RunToExit({"version"}, output), 0);
  EXPECT_THAT(output, HasSubstr("alloclabd "));
  EXPECT_EQ(RunToExit({"--help"}, output), 0);
  EXPECT_THAT(output, HasSubstr("ALLOCLAB_METRICS_LISTEN"));
  EXPECT_THAT(output, HasSubstr("Exit codes"));
  EXPECT_EQ(RunToExit({"--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"}, output), 2);
  EXPECT_THAT(output, HasSubstr("alloclabd: --listen: expected once, with one value; see alloclabd --help (exit code 2)"));
}

TEST(Alloclabd, HelpFitsATerminal) {
  for (const char* command :
       {"", "healthcheck ", "token ", "token create ", "token list ", "token revoke ", "store ", "store backup "}) {
    const std::vector<std::string> words = absl::StrSplit(absl::StrCat(command, "--help"), ' ');
    std::string output;
    EXPECT_EQ(RunToExit(words, output), 0);
    EXPECT_THAT(output, HasSubstr("Example:\n  alloclabd "));
    for (const std::string& line : std::vector<std::string>(absl::StrSplit(output, '\n'))) EXPECT_LE(line.size(), 80u) << line;
  }
}

TEST(Alloclabd, JsonLogs) {
  const TemporaryDirectory data;
  Daemon daemon(data.path(), {"--log-format", "json"});
  daemon.process().Signal(SIGTERM);
  EXPECT_EQ(daemon.process().Wait(), 0);
  EXPECT_THAT(Output(daemon.process()), HasSubstr("\"level\":\"info\",\"event\":\"server.started\""));
}

}  // namespace
}  // namespace alloclab::server
