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
  EXPECT_THAT(Error({"runs", "diff", "1"}), StartsWith("the argument B is missing\nSee `alloclab runs diff --help`."));
}

TEST_F(CommandLine, ValuesAreChecked) {
  EXPECT_THAT(Error({"malloc", "demo", "many"}), HasSubstr("\"many\" is not a number; expected a whole number"));
  EXPECT_THAT(Error({"malloc", "demo", "4Gi"}), HasSubstr("\"4Gi\" is too large"));
  EXPECT_THAT(Error({"free", "demo", "xyz"}), HasSubstr("'xyz' is not an address; expected up to 8 hexadecimal digits"));
  EXPECT_THAT(Error({"submit", "x", "--ram", "64MB"}),
              StartsWith("--ram: \"64MB\" is not a number; expected a whole number, optionally with Ki, Mi or Gi (64Mi), or "
                         "hexadecimal with 0x; did you mean 64Mi?"));
  EXPECT_THAT(Error({"submit", "x", "--param", "heap.engine"}), HasSubstr("'heap.engine' is not NAME=VALUE"));
  EXPECT_THAT(Error({"--output", "xml", "version"}), StartsWith("--output: 'xml' is none of table, json, csv, markdown\n"));
  EXPECT_THAT(Error({"--output", "jsn", "version"}), HasSubstr("; did you mean 'json'?"));
  EXPECT_THAT(Error({"completion", "tcsh"}), StartsWith("SHELL: 'tcsh' is none of bash, zsh, fish"));
  EXPECT_THAT(Error({"--timeout", "soon", "version"}), HasSubstr("'soon' is not a duration"));
  EXPECT_THAT(Error({"version", "extra"}), StartsWith("unexpected argument 'extra'"));
}

TEST_F(CommandLine, RunsHaveNumbers) {
  for (const char* bad : {"abc", "-1", "0", "1x", "1.5", "18446744073709551615", ""}) {
    for (const char* command : {"show", "watch", "cancel", "delete", "pin", "unpin"}) {
      EXPECT_THAT(Error({"runs", command, bad}),
                  StartsWith("RUN: '" + std::string(bad) + "' is not the number of a run; `alloclab runs list` shows them\n"));
    }
  }
  EXPECT_THAT(Error({"runs", "diff", "1", "b"}), StartsWith("B: 'b' is not the number of a run"));
  EXPECT_THAT(Error({"runs", "delete", "1", "b"}), StartsWith("RUN: 'b' is not the number of a run"));
  EXPECT_EQ(Error({"runs", "delete", "1", "2"}), "");
}

TEST_F(CommandLine, MomentsOfARunAreNumbersOrWords) {
  for (const char* good : {"0", "5000", "peak", "first-refusal", "worst-fragmentation"}) {
    EXPECT_EQ(Error({"runs", "show", "7", "--at", good}), "") << good;
  }
  for (const char* bad : {"-1", "peek", "1.5", "", "99999999999999999999"}) {
    EXPECT_THAT(Error({"runs", "show", "7", "--at", bad}),
                StartsWith("--at: '" + std::string(bad) +
                           "' is no operation; expected a whole number, peak, first-refusal or worst-fragmentation\n"));
  }
  EXPECT_THAT(Error({"runs", "show", "7", "--at", "1", "--workload"}), HasSubstr("--workload"));
  EXPECT_EQ(Error({"explain", "7"}), "");
  EXPECT_EQ(Error({"explain", "7", "1"}), "");
  EXPECT_EQ(Error({"explain", "7", "--with", "8"}), "");
  EXPECT_THAT(Error({"explain", "7", "--with", "b"}), StartsWith("--with: 'b' is not the number of a run"));
}

TEST_F(CommandLine, OptionsThatWouldDoNothingAreRefused) {
  EXPECT_THAT(Error({"submit", "larson", "--operations", "0"}),
              StartsWith("--operations: 0: nothing would be replayed; without the option a workload has its own length\n"));
  EXPECT_THAT(Error({"submit", "larson", "--seed", "0"}), StartsWith("--seed: 0: seeds begin at 1; "));
  EXPECT_THAT(Error({"inspect", "heap", "demo", "--lines", "0"}), StartsWith("--lines: 0: a picture has a line"));
  EXPECT_THAT(Error({"submit", "x", "--ram", "0"}), StartsWith("--ram: 0: expected 16Ki to 4Gi"));
  EXPECT_THAT(Error({"submit", "x", "--param", "a=1", "--param", "a=2"}), StartsWith("--param: a is there twice"));
}

TEST_F(CommandLine, NothingIsSaidInTheWordsOfALibrary) {
  EXPECT_THAT(Error({"submit", "larson", "--ram"}), StartsWith("--ram needs a value: BYTES\n"));
  EXPECT_THAT(Error({"version", "--output"}), StartsWith("--output needs a value: table|json|csv|markdown\n"));
  EXPECT_THAT(Error({"submit", "larson", "--ram", "1Mi", "--ram", "2Mi"}), StartsWith("--ram is there more than once\n"));
  EXPECT_THAT(Error({"submit", "larson", "--detach=maybe"}), StartsWith("--detach takes no value\n"));
}

TEST_F(CommandLine, TwoDashesDoNotHideTheError) {
  EXPECT_THAT(Error({"runs", "--", "lst"}), StartsWith("unknown command 'lst'; did you mean 'list'?"));
  EXPECT_THAT(Error({"version", "--", "extra"}), StartsWith("unexpected argument 'extra'"));
  EXPECT_THAT(Error({"malloc", "demo", "--", "many"}), StartsWith("BYTES: \"many\" is not a number"));
}

// What the program says of wrong arguments.
std::string Said(const std::vector<std::string>& arguments) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(RunCommandLine(arguments), 2);
  return testing::internal::GetCapturedStderr();
}

TEST_F(CommandLine, TwoDashesInTheWayAreNamed) {
  const std::string end = "behind it is none; leave out the '--'\n";
  EXPECT_EQ(Said({"runs", "--", "list"}), "alloclab: '--' ends the commands and options, so 'list' " + end);
  EXPECT_EQ(Said({"--", "runs", "list"}), "alloclab: '--' ends the commands and options, so 'runs' " + end);
  EXPECT_EQ(Said({"submit", "steady-state", "--", "--ram", "64Mi"}),
            "alloclab: '--' ends the commands and options, so '--ram' " + end);
  // With something else wrong that is said, but no word is suggested for itself.
  EXPECT_THAT(Said({"runs", "--", "list", "--bad"}), testing::Not(HasSubstr("did you mean 'list'?")));
  EXPECT_THAT(Said({"runs", "--", "lst"}), HasSubstr("did you mean 'list'?"));
}

TEST_F(CommandLine, HelpTakesTheWordsOfACommand) {
  EXPECT_EQ(Error({"help"}), "");
  EXPECT_EQ(Error({"help", "runs", "list"}), "");
  EXPECT_EQ(Error({"-q", "help", "submit"}), "");
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
  EXPECT_THAT(Complete(app_, {"runs", ""}).candidates, ElementsAre("list", "show", "watch", "cancel", "delete", "pin", "unpin",
                                                                   "label", "compare", "diff", "open", "seek"));
  EXPECT_THAT(Complete(app_, {"submit", "--"}).candidates, Contains("--digest-at"));
  EXPECT_THAT(Complete(app_, {"submit", "--"}).candidates, Contains("--server"));
  EXPECT_THAT(Complete(app_, {"catalog", "--output", ""}).candidates, ElementsAre("table", "json", "csv", "markdown"));
  EXPECT_THAT(Complete(app_, {"completion", ""}).candidates, ElementsAre("bash", "zsh", "fish"));
  EXPECT_THAT(Complete(app_, {"help", ""}).candidates, Contains("submit"));
  EXPECT_THAT(Complete(app_, {"help", "runs", ""}).candidates, Contains("diff"));
  EXPECT_THAT(Complete(app_, {"runs", "list", "--state", ""}).candidates,
              ElementsAre("queued", "running", "succeeded", "failed", "cancelled", "interrupted"));
}

TEST_F(CommandLine, KnowsWhatOnlyTheServerKnows) {
  EXPECT_EQ(Complete(app_, {"malloc", ""}).value_type, "INSTANCE");
  EXPECT_EQ(Complete(app_, {"instance", "delete", "a", "b", ""}).value_type, "INSTANCE");
  EXPECT_EQ(Complete(app_, {"runs", "diff", "1", ""}).value_type, "RUN");
  EXPECT_EQ(Complete(app_, {"submit", "-q", ""}).value_type, "WORKLOAD");
  EXPECT_EQ(Complete(app_, {"submit", "x", "--heap-allocator", ""}).value_type, "HEAP_ALLOCATOR");
  EXPECT_EQ(Complete(app_, {"runs", "show", "1", ""}).value_type, "");
  EXPECT_EQ(Complete(app_, {"submit", "x", "--param", ""}).value_type, "NAME=VALUE");
  EXPECT_EQ(Complete(app_, {"submit", "x", "--param", "a=1", "--param", ""}).value_type, "NAME=VALUE");
  EXPECT_EQ(Complete(app_, {"runs", "list", "--allocator", ""}).value_type, "ALLOCATOR");
  EXPECT_EQ(Complete(app_, {"help", "submit", ""}).value_type, "");
}

}  // namespace
}  // namespace alloclab::client
