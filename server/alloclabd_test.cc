// The real program: its life, its death, its command line.
#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "server/testing/eventually.h"
#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::HasSubstr;

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// One process of alloclabd. Its standard output and error go to a file.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments, const std::vector<std::string>& variables = {}) {
    std::vector<std::string> words{ALLOCLAB_BINARY_DIR "/bin/alloclabd"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    pid_ = fork();
    if (pid_ != 0) return;
    const std::string output = OutputFile().string();
    if (freopen(output.c_str(), "w", stdout) == nullptr || dup2(fileno(stdout), STDERR_FILENO) < 0) _exit(99);
    for (const std::string& variable : variables) putenv(const_cast<char*>(variable.c_str()));
    std::vector<char*> raw;
    for (std::string& word : words) raw.push_back(word.data());
    raw.push_back(nullptr);
    execv(raw[0], raw.data());
    _exit(99);
  }
  ~Process() {
    if (pid_ > 0) kill(pid_, SIGKILL), Wait();
  }

  void Signal(int signal) const { kill(pid_, signal); }
  // The exit code, or 128 + the signal that ended it.
  int Wait() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string Output() const { return ReadAll(OutputFile()); }

 private:
  std::filesystem::path OutputFile() const { return directory_.path() / "output"; }

  TemporaryDirectory directory_;
  pid_t pid_ = -1;
};

int RunToExit(const std::vector<std::string>& arguments, std::string& output, const std::vector<std::string>& variables = {}) {
  Process process(arguments, variables);
  const int code = process.Wait();
  output = process.Output();
  return code;
}

// A server on free ports.
class Daemon {
 public:
  explicit Daemon(const std::filesystem::path& data_dir, const std::vector<std::string>& more = {})
      : process_(Arguments(data_dir, directory_.path() / "addresses", more)) {
    EXPECT_TRUE(Eventually([&] { return std::filesystem::exists(directory_.path() / "addresses"); })) << process_.Output();
    std::ifstream file(directory_.path() / "addresses");
    std::string name;
    file >> name >> grpc_;
    stubs_ = std::make_unique<Stubs>(grpc_);
  }

  Process& process() { return process_; }
  Stubs* operator->() { return stubs_.get(); }
  const std::string& grpc_address() const { return grpc_; }

 private:
  static std::vector<std::string> Arguments(const std::filesystem::path& data_dir, const std::filesystem::path& addresses,
                                            const std::vector<std::string>& more) {
    std::vector<std::string> all{"--listen",        "127.0.0.1:0",    "--metrics-listen", "", "--web-listen", "", "--data-dir",
                                 data_dir.string(), "--address-file", addresses.string()};
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
    EXPECT_THAT(daemon.process().Output(), HasSubstr("server.stopped"));
  }
  Daemon daemon(data.path());
  EXPECT_EQ(Get(daemon, id).state(), v1::Run::INTERRUPTED);
}

TEST(Alloclabd, SecondSignalEndsItAtOnce) {
  const TemporaryDirectory data;
  Daemon daemon(data.path(), {"--drain-time", "1h"});
  const std::uint64_t id = Submit(daemon, EndlessRun()).id();
  ASSERT_TRUE(Eventually([&] { return Get(daemon, id).state() == v1::Run::RUNNING; }));
  daemon.process().Signal(SIGTERM);
  ASSERT_TRUE(Eventually([&] { return daemon.process().Output().find("server.draining") != std::string::npos; }));
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
  EXPECT_EQ(
      RunToExit({"--listen", "127.0.0.1:0", "--metrics-listen", "", "--web-listen", "", "--data-dir", data.path().string()},
                output),
      1);
  EXPECT_THAT(output, HasSubstr("--data-dir " + data.path().string() + ": in use by another server (process "));
  EXPECT_THAT(output, HasSubstr("(exit code 1)"));
}

TEST(Alloclabd, TakenPortsAreNamed) {
  const TemporaryDirectory data, other;
  Daemon daemon(data.path());
  std::string output;
  EXPECT_EQ(RunToExit({"--listen", daemon.grpc_address(), "--metrics-listen", "", "--web-listen", "", "--data-dir",
                       other.path().string()},
                      output),
            1);
  EXPECT_THAT(output, HasSubstr("--listen " + daemon.grpc_address() + ": cannot listen: the port is taken"));
  EXPECT_EQ(RunToExit({"--listen", "127.0.0.1:0", "--metrics-listen", daemon.grpc_address(), "--web-listen", "", "--data-dir",
                       other.path().string()},
                      output),
            1);
  EXPECT_THAT(output, HasSubstr("--metrics-listen " + daemon.grpc_address() + ": cannot listen: the port is taken"));
}

TEST(Alloclabd, HealthIsToldByService) {
  const TemporaryDirectory data;
  Daemon daemon(data.path());
  std::string output;
  for (const char* service :
       {"", "alloclab.v1.Lab", "alloclab.v1.Heap", "alloclab.v1.Inspect", "alloclab.v1.Workloads", "alloclab.v1.Runs"}) {
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
}

TEST(Alloclabd, JsonLogs) {
  const TemporaryDirectory data;
  Daemon daemon(data.path(), {"--log-format", "json"});
  daemon.process().Signal(SIGTERM);
  EXPECT_EQ(daemon.process().Wait(), 0);
  EXPECT_THAT(daemon.process().Output(), HasSubstr("\"level\":\"info\",\"event\":\"server.started\""));
}

}  // namespace
}  // namespace alloclab::server
