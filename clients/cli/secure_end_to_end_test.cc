// A lab that others share: TLS with certificates of `alloclab tls init`.
#include <cstdlib>
#include <filesystem>

#include "absl/cleanup/cleanup.h"
#include "absl/time/clock.h"
#include "clients/cli/end_to_end.h"
#include "server/access/certificates.h"
#include "server/testing/eventually.h"

namespace alloclab::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class TlsEndToEnd : public EndToEnd {
 protected:
  TlsEndToEnd() {
    Out({"tls", "init", "--directory", Path("lab")});
    Out({"tls", "init", "--directory", Path("other")});
  }

  std::string Path(const std::string& name) const { return folder_.path() / name; }
  // Certificates that were good for an hour, a day ago; or are for `hosts` alone.
  void Make(const std::string& name, absl::Time from, const std::vector<std::string>& hosts) const {
    EXPECT_TRUE(server::MakeCertificates({.directory = Path(name), .hosts = hosts, .from = from, .life = absl::Hours(1)}).ok());
  }
  // Of a server with the certificate of that directory, which asks for those of `clients` if there are some.
  std::vector<std::string> ServerOptions(const std::string& name) const {
    return {"--tls-cert", Path(name + "/server.pem"), "--tls-key", Path(name + "/server.key")};
  }
  load::TemporaryServer Serve(const std::string& name, const std::string& clients = "") const {
    setenv("ALLOCLAB_TLS_CERT", Path(name + "/server.pem").c_str(), 1);
    setenv("ALLOCLAB_TLS_KEY", Path(name + "/server.key").c_str(), 1);
    setenv("ALLOCLAB_CLIENT_CA", clients.empty() ? "" : Path(clients + "/ca.pem").c_str(), 1);
    const absl::Cleanup back = [] {
      for (const char* variable : {"ALLOCLAB_TLS_CERT", "ALLOCLAB_TLS_KEY", "ALLOCLAB_CLIENT_CA"}) unsetenv(variable);
    };
    return load::TemporaryServer();
  }
  ProcessResult Ask(const load::TemporaryServer& server, const std::vector<std::string>& options) const {
    std::vector<std::string> arguments{"server", "-q", "--server", server.address()};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return Run(arguments);
  }
  std::vector<std::string> Shown(const std::string& name, const std::string& authority = "lab") const {
    return {"--ca", Path(authority + "/ca.pem"), "--cert", Path(name + "/client.pem"), "--key", Path(name + "/client.key")};
  }
  static void ExpectUnreachable(const ProcessResult& result, const std::string& why) {
    EXPECT_EQ(result.exit_code, 3) << result.out << result.err;
    EXPECT_THAT(result.err,
                AllOf(StartsWith("alloclab: cannot reach a server at "), HasSubstr(why), Not(HasSubstr("Start one"))));
  }
};

TEST_F(TlsEndToEnd, TheClientKnowsItsServer) {
  const load::TemporaryServer server = Serve("lab");
  const ProcessResult good = Ask(server, {"--ca", Path("lab/ca.pem")});
  EXPECT_EQ(good.exit_code, 0) << good.err;
  const ProcessResult by_variable = Finish(
      Process(CommandOf({"server", "-q"}), {"ALLOCLAB_SERVER=" + server.address(), "ALLOCLAB_CA=" + Path("lab/ca.pem")}));
  EXPECT_EQ(by_variable.exit_code, 0) << by_variable.err;
  ExpectUnreachable(Ask(server, {"--ca", Path("other/ca.pem")}), "has expired or is not signed by whom --ca trusts\n");
  ExpectUnreachable(Ask(server, {}), "the connection broke off; it may speak TLS: --ca FILE, or --tls\n");
  ExpectUnreachable(Ask(server, {"--tls"}), "is not signed by whom this system trusts; say who signs it with --ca FILE\n");
  ExpectUnreachable(Ask(server_, {"--ca", Path("lab/ca.pem")}), "does not speak TLS; leave out");
}

TEST_F(TlsEndToEnd, AServerThatIsAnotherOrOutOfDateIsNotBelieved) {
  Make("old", absl::Now() - absl::Hours(24), {"127.0.0.1"});
  Make("elsewhere", absl::Now(), {"lab.example.org", "192.0.2.7"});
  const load::TemporaryServer old = Serve("old");
  const load::TemporaryServer elsewhere = Serve("elsewhere");
  ExpectUnreachable(Ask(old, {"--ca", Path("old/ca.pem")}), "has expired");
  ExpectUnreachable(Ask(elsewhere, {"--ca", Path("elsewhere/ca.pem")}), "is for other hosts than the one in --server");
}

TEST_F(TlsEndToEnd, AServerThatAsksForCertificatesLetsNobodyElseIn) {
  Make("old", absl::Now() - absl::Hours(24), {"127.0.0.1"});
  const load::TemporaryServer server = Serve("lab", "lab");
  EXPECT_EQ(Ask(server, Shown("lab")).exit_code, 0);
  const std::string refused = "it may ask for a certificate (--cert and --key)";
  ExpectUnreachable(Ask(server, {"--ca", Path("lab/ca.pem")}), refused);
  ExpectUnreachable(Ask(server, Shown("other")), refused);
  // Signed by whom the server trusts, but no longer good.
  const load::TemporaryServer of_old = Serve("lab", "old");
  ExpectUnreachable(Ask(of_old, Shown("old")), refused);
}

TEST_F(TlsEndToEnd, HealthIsAskedForWithTheServersOwnCertificate) {
  for (const std::string clients : {"", "lab"}) {
    const load::TemporaryServer server = Serve("lab", clients);
    std::vector<std::string> command{std::string(ALLOCLAB_BINARY_DIR) + "/bin/alloclabd", "healthcheck", "--listen",
                                     server.address()};
    EXPECT_EQ(Finish(Process(command)).exit_code, 3) << "without TLS";
    const std::vector<std::string> options = ServerOptions("lab");
    command.insert(command.end(), options.begin(), options.end());
    const ProcessResult asked = Finish(Process(command));
    EXPECT_EQ(asked.out, "SERVING\n") << asked.err;
  }
}

TEST_F(TlsEndToEnd, CertificatesAreTakenUpWhenTheFilesChange) {
  const load::TemporaryServer server = Serve("lab");
  EXPECT_EQ(Ask(server, {"--ca", Path("lab/ca.pem")}).exit_code, 0);
  for (const char* name : {"server.key", "server.pem"}) std::filesystem::rename(Path("other/") + name, Path("lab/") + name);
  EXPECT_TRUE(Eventually([&] { return Ask(server, {"--ca", Path("other/ca.pem")}).exit_code == 0; }));
  EXPECT_EQ(Ask(server, {"--ca", Path("lab/ca.pem")}).exit_code, 3);
}

TEST_F(TlsEndToEnd, BadFilesAreRefusedByName) {
  const auto start = [this](const std::vector<std::string>& options) {
    std::vector<std::string> command{std::string(ALLOCLAB_BINARY_DIR) + "/bin/alloclabd",
                                     "--listen",
                                     "127.0.0.1:0",
                                     "--web-listen",
                                     "",
                                     "--metrics-listen",
                                     "",
                                     "--data-dir",
                                     Path("data")};
    command.insert(command.end(), options.begin(), options.end());
    const ProcessResult result = Finish(Process(command));
    EXPECT_EQ(result.exit_code, 2);
    return result.err;
  };
  const std::string cert = Path("lab/server.pem"), key = Path("lab/server.key");
  EXPECT_THAT(start({"--tls-cert", cert}), HasSubstr("--tls-cert: needs --tls-key"));
  EXPECT_THAT(start({"--tls-key", key}), HasSubstr("--tls-key: is of no use without --tls-cert"));
  EXPECT_THAT(start({"--client-ca", cert}), HasSubstr("--client-ca: is of no use without --tls-cert and --tls-key"));
  EXPECT_THAT(start({"--tls-cert", cert, "--tls-key", Path("other/server.key")}), HasSubstr("is not the key of --tls-cert"));
  EXPECT_THAT(start({"--tls-cert", "/no/such", "--tls-key", key}), HasSubstr("--tls-cert /no/such: cannot be read"));

  const auto ask = [this](const std::vector<std::string>& options, const std::string& roots = "") {
    std::vector<std::string> arguments{"server"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProcessResult result = Finish(
        Process(CommandOf(arguments), {"ALLOCLAB_SERVER=" + server_.address(), "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=" + roots}));
    EXPECT_EQ(result.exit_code, 2);
    return result.err;
  };
  EXPECT_THAT(ask({"--ca", "/no/such"}), HasSubstr("--ca /no/such: cannot be read"));
  EXPECT_THAT(ask({"--ca", key}), HasSubstr("holds no certificate"));
  EXPECT_THAT(ask({"--ca", cert, "--cert", cert}), HasSubstr("--cert needs --key"));
  EXPECT_THAT(ask({"--ca", cert, "--key", key}), HasSubstr("--key needs --cert"));
  EXPECT_THAT(ask({"--ca", cert, "--cert", cert, "--key", Path("lab/client.key")}), HasSubstr("is not the key of --cert"));
  EXPECT_THAT(ask({"--tls", "--wait", "1s"}, "/no/such"), HasSubstr("this system trusts nobody (/no/such holds no"));
}

TEST_F(TlsEndToEnd, InitSaysWhatToDoWithTheFiles) {
  const ProcessResult again = Run({"tls", "init", "--directory", Path("lab")});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("is there already and is not overwritten"));
  EXPECT_THAT(Out({"tls", "init", "--directory", Path("new")}), HasSubstr("alloclabd --tls-cert " + Path("new/server.pem")));
  EXPECT_THAT(Out({"tls", "init", "--directory", Path("json"), "-o", "json"}), HasSubstr(Path("json/ca.pem")));
  EXPECT_EQ(Run({"tls", "init", "--host", "a b"}).exit_code, 2);
  EXPECT_EQ(Run({"tls", "init", "--days", "4000"}).exit_code, 2);
}

}  // namespace
}  // namespace alloclab::client
