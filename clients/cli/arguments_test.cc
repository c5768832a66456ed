// The command line's definition: help, errors, completion; no server needed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "clients/cli/application.h"
#include "clients/cli/completion.h"
#include "clients/cli/help.h"

namespace alloclab::client {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class CommandLine : public testing::Test {
 protected:
  CommandLine() { DefineCommandLine(app_, options_, chosen_); }

  // What is wrong with the arguments; "" if nothing is.
  std::string Error(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
      return UsageError(app_, error);
    }
    return "";
  }

  CommonOptions options_;
  Command chosen_;
  CLI::App app_;
};

TEST_F(CommandLine, CommonOptionsStandAnywhere) {
  EXPECT_EQ(Error({"instance", "list", "--server", "host:1", "-o", "json", "--timeout", "300ms", "--wait", "2s", "-q"}), "");
  EXPECT_TRUE(chosen_);
  EXPECT_EQ(options_.connection.server, "host:1");
  EXPECT_EQ(options_.connection.timeout, std::chrono::milliseconds(300));
  EXPECT_EQ(options_.connection.wait, std::chrono::milliseconds(2'000));
  EXPECT_EQ(options_.output, OutputFormat::kJson);
  EXPECT_TRUE(options_.quiet);
}

TEST_F(CommandLine, MisspelledCommandsNameTheNearest) {
  EXPECT_EQ(Error({"instnce"}), "unknown command 'instnce'; did you mean 'instance'?\nSee `alloclab --help`.");
  EXPECT_EQ(Error({"runs", "lst"}), "unknown command 'lst'; did you mean 'list'?\nSee `alloclab runs --help`.");
}

TEST_F(CommandLine, MisspelledOptionsNameTheNearest) {
  EXPECT_EQ(Error({"submit", "x", "--digets-at", "1"}),
            "unknown option '--digets-at'; did you mean '--digest-at'?\nSee `alloclab submit --help`.");
  EXPECT_THAT(Error({"submit", "x", "--outptu=json"}), StartsWith("unknown option '--outptu'; did you mean '--output'?"));
}

TEST_F(CommandLine, MissingCommandsAreListed) {
  EXPECT_THAT(Error({"instance"}), StartsWith("'alloclab instance' needs a command: create, list, show, delete"));
}

TEST_F(CommandLine, MissingArgumentsAreNamed) {
  EXPECT_THAT(Error({"malloc"}), HasSubstr("INSTANCE"));
  EXPECT_THAT(Error({"malloc", "demo"}), HasSubstr("BYTES"));
  EXPECT_THAT(Error({"runs", "diff", "1"}), HasSubstr("B is required"));
}

TEST_F(CommandLine, ValuesAreChecked) {
  EXPECT_THAT(Error({"malloc", "demo", "many"}), HasSubstr("\"many\" is not a number; expected a whole number"));
  EXPECT_THAT(Error({"malloc", "demo", "4Gi"}), HasSubstr("\"4Gi\" is too large"));
  EXPECT_THAT(Error({"free", "demo", "xyz"}), HasSubstr("'xyz' is not an address; expected up to 8 hexadecimal digits"));
  EXPECT_THAT(Error({"submit", "x", "--ram", "64MB"}), HasSubstr("--ram: \"64MB\" is not a number"));
  EXPECT_THAT(Error({"submit", "x", "--param", "heap.engine"}), HasSubstr("'heap.engine' is not NAME=VALUE"));
  EXPECT_THAT(Error({"runs", "show", "seven"}), HasSubstr("seven"));
  EXPECT_THAT(Error({"--output", "xml", "version"}), HasSubstr("xml"));
  EXPECT_THAT(Error({"--timeout", "soon", "version"}), HasSubstr("'soon' is not a duration"));
  EXPECT_THAT(Error({"version", "extra"}), StartsWith("unexpected argument 'extra'"));
}

TEST_F(CommandLine, EveryHelpBeginsWithAnExampleThatParses) {
  const std::function<void(const CLI::App&)> check = [&](const CLI::App& command) {
    const std::string help = command.help();
    EXPECT_THAT(help, StartsWith("Example:\n  ")) << command.get_name();
    std::string example = command.get_footer();
    EXPECT_THAT(example, HasSubstr("alloclab")) << command.get_name();
    example = example.substr(0, example.find(" > "));  // what the shell does with the output
    if (example.starts_with("alloclab ")) {
      CommonOptions options;
      Command chosen;
      CLI::App app;
      DefineCommandLine(app, options, chosen);
      EXPECT_NO_THROW(app.parse(example, true)) << example;
      EXPECT_TRUE(chosen) << example;
    }
    for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; })) check(*sub);
  };
  check(app_);
}

TEST_F(CommandLine, CompletesCommandsOptionsAndValues) {
  EXPECT_THAT(Complete(app_, {""}).candidates, Contains("submit"));
  EXPECT_THAT(Complete(app_, {"--server", "x", ""}).candidates, Contains("submit"));
  EXPECT_THAT(Complete(app_, {"runs", ""}).candidates, ElementsAre("list", "show", "watch", "cancel", "delete", "diff"));
  EXPECT_THAT(Complete(app_, {"submit", "--"}).candidates, Contains("--digest-at"));
  EXPECT_THAT(Complete(app_, {"submit", "--"}).candidates, Contains("--server"));
  EXPECT_THAT(Complete(app_, {"catalog", "--output", ""}).candidates, ElementsAre("table", "json", "csv", "markdown"));
  EXPECT_THAT(Complete(app_, {"completion", ""}).candidates, ElementsAre("bash", "zsh", "fish"));
}

TEST_F(CommandLine, KnowsWhatOnlyTheServerKnows) {
  EXPECT_EQ(Complete(app_, {"malloc", ""}).value_type, "INSTANCE");
  EXPECT_EQ(Complete(app_, {"instance", "delete", "a", "b", ""}).value_type, "INSTANCE");
  EXPECT_EQ(Complete(app_, {"runs", "diff", "1", ""}).value_type, "RUN");
  EXPECT_EQ(Complete(app_, {"submit", "-q", ""}).value_type, "WORKLOAD");
  EXPECT_EQ(Complete(app_, {"submit", "x", "--heap-allocator", ""}).value_type, "HEAP_ALLOCATOR");
  EXPECT_EQ(Complete(app_, {"runs", "show", "1", ""}).value_type, "");
}

}  // namespace
}  // namespace alloclab::client
