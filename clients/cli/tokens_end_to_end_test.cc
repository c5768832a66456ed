// A lab that asks for tokens: alloclabd token beside a server that runs, and the command line.
#include <cstdlib>
#include <fstream>

#include "absl/cleanup/cleanup.h"
#include "clients/cli/end_to_end.h"
#include "server/testing/eventually.h"

namespace alloclab::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class TokensEndToEnd : public EndToEnd {
 protected:
  static ProcessResult TokenCommand(const load::TemporaryServer& server, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {std::string(ALLOCLAB_BINARY_DIR) + "/bin/alloclabd", "token"});
    arguments.insert(arguments.end(), {"--data-dir", server.data_dir()});
    return Finish(Process(arguments));
  }
  // The file with a new token, which the server knows when this returns.
  std::string Make(const load::TemporaryServer& server, const std::string& name, const std::string& role) const {
    const ProcessResult made = TokenCommand(server, {"create", name, "--role", role});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    EXPECT_THAT(made.err, HasSubstr("the token of " + name + ", role " + role + ", expires never"));
    const std::string file = folder_.Write(name, made.out);
    EXPECT_TRUE(Eventually([&] { return Ask(server, {"server"}).exit_code == 1; })) << "in force";
    EXPECT_TRUE(Eventually([&] { return Ask(server, {"server", "--token-file", file}).exit_code == 0; }));
    return file;
  }
  ProcessResult Ask(const load::TemporaryServer& server, std::vector<std::string> arguments,
                    std::vector<std::string> variables = {}) const {
    variables.push_back("ALLOCLAB_SERVER=" + server.address());
    arguments.insert(arguments.end(), more_.begin(), more_.end());
    return Finish(Process(CommandOf(std::move(arguments)), variables));
  }
  static std::string Content(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
  }

  // What the roles of `server` may do.
  void CheckRoles(const load::TemporaryServer& server) const {
    const std::string viewer = Make(server, "vic", "viewer"), user = Make(server, "uma", "user"),
                      other = Make(server, "bob", "user"), admin = Make(server, "ada", "admin");
    const ProcessResult none = Ask(server, {"instance", "list"});
    EXPECT_EQ(none.exit_code, 1);
    EXPECT_THAT(none.err, HasSubstr("this lab lets in only those who show a token"));
    const auto code = [&](const std::vector<std::string>& command, const std::string& file) {
      std::vector<std::string> arguments = command;
      arguments.insert(arguments.end(), {"--token-file", file});
      return Ask(server, arguments).exit_code;
    };
    EXPECT_EQ(code({"instance", "list"}, viewer), 0);
    EXPECT_EQ(code({"instance", "create", "toy", "--ram", "1Mi"}, viewer), 1);
    EXPECT_EQ(code({"instance", "create", "toy", "--ram", "1Mi"}, user), 0);
    EXPECT_EQ(code({"malloc", "toy", "24"}, viewer), 1);
    EXPECT_EQ(code({"malloc", "toy", "24"}, user), 0);
    EXPECT_EQ(code({"submit", "steady-state", "--operations", "1000", "--ram", "1Mi"}, user), 0);
    EXPECT_EQ(code({"submit", "steady-state", "--operations", "1000", "--ram", "1Mi"}, user), 0);
    EXPECT_EQ(code({"malloc", "toy", "24"}, other), 1);
    EXPECT_EQ(code({"instance", "delete", "toy"}, other), 1);
    EXPECT_EQ(code({"runs", "delete", "1"}, other), 1);
    EXPECT_EQ(code({"runs", "delete", "1"}, user), 0);
    EXPECT_EQ(code({"runs", "delete", "2"}, admin), 0);
    EXPECT_EQ(code({"load", "steady-state", "--operations", "1000"}, viewer), 1);
    EXPECT_EQ(code({"load", "steady-state", "--operations", "1000"}, user), 0);
    EXPECT_EQ(Ask(server, {"instance", "list"}, {"ALLOCLAB_TOKEN=" + Content(viewer)}).exit_code, 0);
    EXPECT_EQ(Ask(server, {"instance", "list"}, {"ALLOCLAB_TOKEN_FILE=" + viewer}).exit_code, 0);
  }

  std::vector<std::string> more_;  // options of every command
};

TEST_F(TokensEndToEnd, EachRoleMayDoItsOwn) { CheckRoles(server_); }

TEST_F(TokensEndToEnd, EachRoleMayDoItsOwnOverTls) {
  Out({"tls", "init", "--directory", folder_.path() / "tls"});
  setenv("ALLOCLAB_TLS_CERT", (folder_.path() / "tls/server.pem").c_str(), 1);
  setenv("ALLOCLAB_TLS_KEY", (folder_.path() / "tls/server.key").c_str(), 1);
  const absl::Cleanup back = [] {
    for (const char* variable : {"ALLOCLAB_TLS_CERT", "ALLOCLAB_TLS_KEY"}) unsetenv(variable);
  };
  const load::TemporaryServer server;
  more_ = {"--ca", folder_.path() / "tls/ca.pem"};
  CheckRoles(server);
}

TEST_F(TokensEndToEnd, ExpiredAndRevokedOnesAreOfNoUse) {
  const std::string viewer = Make(server_, "vic", "viewer");
  const ProcessResult brief = TokenCommand(server_, {"create", "eve", "--role", "admin", "--expires", "8s"});
  const std::string file = folder_.Write("eve", brief.out);
  EXPECT_TRUE(Eventually([&] { return Ask(server_, {"instance", "list", "--token-file", file}).exit_code == 0; }));
  EXPECT_TRUE(Eventually([&] {
    const ProcessResult late = Ask(server_, {"instance", "list", "--token-file", file});
    return late.exit_code == 1 && late.err.find("token eve has expired") != std::string::npos;
  }));
  EXPECT_THAT(TokenCommand(server_, {"list"}).out, AllOf(HasSubstr("vic   viewer"), HasSubstr("(expired)")));
  EXPECT_THAT(TokenCommand(server_, {"list", "--output", "json"}).out, HasSubstr("\"role\": \"viewer\""));
  EXPECT_EQ(TokenCommand(server_, {"revoke", "vic"}).exit_code, 0);
  EXPECT_TRUE(Eventually([&] { return Ask(server_, {"instance", "list", "--token-file", viewer}).exit_code == 1; }));
  EXPECT_THAT(Ask(server_, {"instance", "list", "--token-file", viewer}).err, HasSubstr("none of this lab, or was revoked"));
}

TEST_F(TokensEndToEnd, BadUsageIsRefusedByName) {
  EXPECT_THAT(Ask(server_, {"instance", "list", "--token-file", "/no/such"}).err,
              HasSubstr("--token-file /no/such: cannot be read"));
  EXPECT_EQ(Ask(server_, {"instance", "list", "--token-file", "/no/such"}).exit_code, 2);
  EXPECT_THAT(Ask(server_, {"instance", "list", "--token-file", folder_.Write("two", "a b\n")}).err,
              HasSubstr("holds no token"));
  EXPECT_THAT(Ask(server_, {"instance", "list"}, {"ALLOCLAB_TOKEN=a\nb"}).err, HasSubstr("ALLOCLAB_TOKEN holds no token"));
  EXPECT_EQ(Ask(server_, {"instance", "list"}, {"ALLOCLAB_TOKEN="}).exit_code, 0);
  const auto refusal = [this](const std::vector<std::string>& arguments, int code) {
    const ProcessResult result = TokenCommand(server_, arguments);
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_EQ(result.out, "");
    return result.err;
  };
  EXPECT_THAT(refusal({"create", "a", "--role", "root"}, 2),
              HasSubstr("--role: \"root\" is no role; expected viewer, user, admin"));
  EXPECT_THAT(refusal({"create", "a b", "--role", "user"}, 2), HasSubstr("\"a b\" is no name of a token"));
  EXPECT_THAT(refusal({"create", "a", "--role", "user", "--expires", "0d"}, 2), HasSubstr("--expires: \"0d\": expected 30d"));
  EXPECT_THAT(refusal({"create", "a", "--role", "user", "--expires", "3651d"}, 2), HasSubstr("1 second to 3650 days"));
  EXPECT_THAT(refusal({"revoke", "a"}, 1), HasSubstr("; there is none at all"));
  EXPECT_EQ(Ask(server_, {"instance", "list"}).exit_code, 0) << "nothing has come into force";
}

}  // namespace
}  // namespace alloclab::client
