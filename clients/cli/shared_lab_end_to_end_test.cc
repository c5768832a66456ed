// Two servers on one PostgreSQL are one lab for the command line, whichever it asks.

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <thread>

#include "allocators/common/mutex.h"
#include "alloclab/v1/lab.pb.h"
#include "clients/cli/end_to_end.h"
#include "clients/load/two_servers.h"
#include "server/http/listener.h"
#include "server/testing/eventually.h"

namespace alloclab::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class SharedLab : public load::TwoServers {
 protected:
  static ProcessResult Ask(const load::TemporaryServer& server, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {std::string(ALLOCLAB_BINARY_DIR) + "/bin/alloclab", "--server", server.address()});
    return Finish(Process(arguments));
  }
  static std::string Out(const load::TemporaryServer& server, std::vector<std::string> arguments) {
    const ProcessResult result = Ask(server, std::move(arguments));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  }
};

TEST_F(SharedLab, CommandsGoToWhereTheInstanceLives) {
  Out(*one_, {"instance", "create", "toy", "--ram", "4Mi"});
  EXPECT_THAT(Out(*other_, {"malloc", "toy", "100"}), HasSubstr("0xC0400008"));
  EXPECT_THAT(Out(*other_, {"instance", "show", "toy"}), HasSubstr("4 MiB"));
  EXPECT_THAT(Out(*other_, {"inspect", "heap", "toy"}), HasSubstr("1 live block"));
  EXPECT_EQ(Out(*other_, {"inspect", "heap", "toy", "--list"}), Out(*one_, {"inspect", "heap", "toy", "--list"})) << "a stream";
  Out(*other_, {"load", "steady-state", "--instance", "toy", "--operations", "1000"});
  EXPECT_THAT(Out(*one_, {"instance", "show", "toy"}), HasSubstr("1,001"));
  const ProcessResult taken = Ask(*other_, {"instance", "create", "toy"});
  EXPECT_EQ(taken.exit_code, 1);
  EXPECT_THAT(taken.err, AllOf(HasSubstr("exists already, on "), HasSubstr(one_->address())));
  EXPECT_EQ(Out(*other_, {"instance", "delete", "toy"}), "");
  EXPECT_THAT(Ask(*one_, {"instance", "show", "toy"}).err, HasSubstr("no instance 'toy'"));
}

TEST_F(SharedLab, AListNamesThoseOfTheOthers) {
  Out(*one_, {"instance", "create", "toy", "--ram", "4Mi"});
  Out(*other_, {"instance", "create", "car", "--ram", "4Mi"});
  EXPECT_THAT(Out(*other_, {"instance", "list"}),
              AllOf(StartsWith("name"), HasSubstr("ON OTHER SERVERS"), HasSubstr("toy"), HasSubstr(one_->address())));
  EXPECT_EQ(Out(*other_, {"instance", "list", "--quiet"}), "car\ntoy\n");
  EXPECT_THAT(Out(*one_, {"instance", "list", "--output", "json"}), HasSubstr("\"address\": \"" + other_->address() + "\""));
  EXPECT_THAT(Ask(*other_, {"malloc", "toyy", "1"}).err, HasSubstr("did you mean 'toy'?"));
}

TEST_F(SharedLab, WhoIsGoneIsSaidToBeGoneAndThenForgotten) {
  Out(*one_, {"instance", "create", "toy", "--ram", "4Mi"});
  one_->Kill();
  const ProcessResult gone = Ask(*other_, {"malloc", "toy", "100"});
  EXPECT_EQ(gone.exit_code, 3) << gone.err;
  EXPECT_THAT(gone.err, AllOf(HasSubstr("lives on another server of this lab"),
                              HasSubstr("cannot reach a server at " + one_->address() + ": connection refused")));
  EXPECT_TRUE(Eventually([&] {
    return Ask(*other_, {"instance", "create", "toy", "--ram", "4Mi"}).exit_code == 0;
  })) << "after its lease the name is free";
  EXPECT_THAT(Out(*other_, {"malloc", "toy", "100"}), HasSubstr("0xC0400008"));
}

TEST_F(SharedLab, AStudyGoesOnAtAnotherServer) {
  const std::vector<std::string> study = {
      "compare", "steady-state", "--operations", "1000000", "--heap", "tlsf,bump,knr,dlmalloc",
      "--ram",   "64Mi,128Mi",   "--study",      "s",       "--fresh"};
  std::vector<std::string> command = study;
  const std::string both = "ipv4:" + one_->address() + "," + other_->address();
  command.insert(command.begin(), {std::string(ALLOCLAB_BINARY_DIR) + "/bin/alloclab", "--server", both});
  Process program(command);
  ASSERT_TRUE(Eventually([&] { return !Out(*other_, {"runs", "list", "--label", "s", "--quiet"}).empty(); }));
  one_->Kill();  // the first address is the one that it has called so far; between two of its calls nobody notices
  const ProcessResult result = Finish(std::move(program));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const ProcessResult again = Ask(*other_, study);
  EXPECT_EQ(again.out, result.out);
  EXPECT_THAT(again.err, HasSubstr("8 runs of the study s were there from before."));
}

// Listens, says nothing, and keeps the first bytes of whoever comes.
class Eavesdropper {
 public:
  explicit Eavesdropper(const std::string& host)
      : listener_(*server::Listener::Open("--listen", {.host = host})), thread_([this] { Listen(); }) {}
  ~Eavesdropper() {
    stopping_ = true;
    thread_.join();
  }
  std::string address() const { return server::ToString(listener_.address()); }
  std::string Heard() {
    const MutexLock lock(mutex_);
    return heard_;
  }

 private:
  void Listen() {
    const int socket = listener_.sockets().front().get();
    while (!stopping_) {
      pollfd comes{.fd = socket, .events = POLLIN, .revents = 0};
      if (poll(&comes, 1, 20) <= 0) continue;
      const server::Descriptor client(listener_.Accept(socket));
      pollfd speaks{.fd = client.get(), .events = POLLIN, .revents = 0};
      std::array<char, 4096> bytes{};
      if (client.get() < 0 || poll(&speaks, 1, 1000) <= 0) continue;
      const ssize_t count = recv(client.get(), bytes.data(), bytes.size(), 0);
      const MutexLock lock(mutex_);
      if (count > 0) heard_.append(bytes.data(), static_cast<std::size_t>(count));
    }
  }

  server::Listener listener_;
  std::atomic<bool> stopping_{false};
  Mutex mutex_;
  std::string heard_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// With tokens, and with TLS too if `authority_` is set before SetUp.
class SharedLabWithTokens : public SharedLab {
 protected:
  void SetUp() override {
    SharedLab::SetUp();
    if (IsSkipped()) return;
    const ProcessResult made = Finish(Process({std::string(ALLOCLAB_BINARY_DIR) + "/bin/alloclabd", "token", "create", "ada",
                                               "--role", "user", "--data-dir", one_->data_dir()}));
    ASSERT_EQ(made.exit_code, 0) << made.err;
    token_ = made.out.substr(0, made.out.find('\n'));
    setenv("ALLOCLAB_TOKEN", token_.c_str(), 1);
    Admit(*one_);
    Admit(*other_);
  }
  void TearDown() override {
    for (const char* variable : {"ALLOCLAB_TOKEN", "ALLOCLAB_CA"}) unsetenv(variable);
  }
  // It knows the token from then on. `options`: of the command line, to reach it.
  void Admit(const load::TemporaryServer& server, const std::vector<std::string>& options = {}) const {
    const auto tokens = [](const load::TemporaryServer& of) { return std::filesystem::path(of.data_dir()) / "tokens"; };
    if (&server != one_.get()) {
      std::filesystem::create_directories(server.data_dir());
      std::filesystem::copy_file(tokens(*one_), tokens(server));
    }
    std::vector<std::string> wrong{"server", "--token-file", folder_.Write("wrong", "alloclab_wrong\n")};
    wrong.insert(wrong.end(), options.begin(), options.end());
    EXPECT_TRUE(Eventually([&] { return Ask(server, wrong).exit_code == 1; })) << "in force";
  }
  void ExpectFollowed() {
    Out(*one_, {"instance", "create", "toy", "--ram", "4Mi"});
    EXPECT_THAT(Out(*other_, {"malloc", "toy", "100"}), HasSubstr("0xC0400008"));
    EXPECT_EQ(Out(*other_, {"inspect", "heap", "toy", "--list"}), Out(*one_, {"inspect", "heap", "toy", "--list"}))
        << "a stream";
    Out(*other_, {"load", "steady-state", "--instance", "toy", "--operations", "1000"});
    EXPECT_THAT(Out(*one_, {"instance", "show", "toy"}), AllOf(HasSubstr("1,001"), HasSubstr("ada")));
    EXPECT_EQ(Out(*other_, {"instance", "delete", "toy"}), "");
  }

  TemporaryDirectory folder_;
  std::string token_;
};

class SecuredSharedLab : public SharedLabWithTokens {
 protected:
  void SetUp() override {
    for (const char* name : {"lab", "stranger"}) {
      const ProcessResult made =
          Finish(Process({std::string(ALLOCLAB_BINARY_DIR) + "/bin/alloclab", "tls", "init", "--directory", Path(name)}));
      ASSERT_EQ(made.exit_code, 0) << made.err;
    }
    variables_["ALLOCLAB_TLS_CERT"] = Path("lab/server.pem");
    variables_["ALLOCLAB_TLS_KEY"] = Path("lab/server.key");
    setenv("ALLOCLAB_CA", Path("lab/ca.pem").c_str(), 1);
    SharedLabWithTokens::SetUp();
  }
  std::string Path(const std::string& name) const { return folder_.path() / name; }
};

TEST_F(SharedLabWithTokens, CommandsGoToTheSameHost) { ExpectFollowed(); }

TEST_F(SharedLabWithTokens, ATokenInTheClearGoesToNoHostThatAServerNames) {
  Eavesdropper elsewhere("127.0.0.2");
  const auto misled = Join({{"ALLOCLAB_ADVERTISE", elsewhere.address()}});
  Admit(*misled);
  Out(*misled, {"instance", "create", "bait", "--ram", "1Mi"});
  const ProcessResult refused = Ask(*one_, {"malloc", "bait", "100"});
  EXPECT_EQ(refused.exit_code, 1) << refused.err;
  EXPECT_THAT(refused.err, AllOf(HasSubstr("lives on another server of this lab"), HasSubstr("The token is not sent there"),
                                 HasSubstr("use TLS, with --ca")));
  EXPECT_THAT(elsewhere.Heard(), IsEmpty());
}

TEST_F(SecuredSharedLab, CommandsGoToWhereTheInstanceLives) { ExpectFollowed(); }

TEST_F(SecuredSharedLab, ATokenIsShownToServersOfTheLabAlone) {
  Eavesdropper elsewhere("127.0.0.2");
  const auto misled = Join({{"ALLOCLAB_ADVERTISE", elsewhere.address()}});
  const auto stranger =
      Join({{"ALLOCLAB_TLS_CERT", Path("stranger/server.pem")}, {"ALLOCLAB_TLS_KEY", Path("stranger/server.key")}});
  const auto create = [this](const load::TemporaryServer& server, const std::string& name, const std::string& authority) {
    const std::vector<std::string> trust{"--ca", Path(authority + "/ca.pem")};
    Admit(server, trust);
    Out(server, {"instance", "create", name, "--ram", "1Mi", trust[0], trust[1]});
  };
  create(*misled, "bait", "lab");
  create(*stranger, "hook", "stranger");
  const ProcessResult bait = Ask(*one_, {"malloc", "bait", "100"}), hook = Ask(*one_, {"malloc", "hook", "100"});
  EXPECT_EQ(bait.exit_code, 3) << bait.err;
  EXPECT_THAT(elsewhere.Heard(), AllOf(StartsWith("\x16\x03"), Not(HasSubstr(token_)))) << "a handshake, which is not answered";
  EXPECT_EQ(hook.exit_code, 3) << hook.err;
  EXPECT_THAT(hook.err, HasSubstr("its certificate has expired or is not signed by whom --ca trusts"));
}

}  // namespace
}  // namespace alloclab::client
