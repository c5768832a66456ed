// Two servers on one PostgreSQL are one lab for the command line, whichever it asks.

#include "alloclab/v1/lab.pb.h"
#include "clients/cli/end_to_end.h"
#include "clients/load/two_servers.h"
#include "server/testing/eventually.h"

namespace alloclab::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
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

}  // namespace
}  // namespace alloclab::client
