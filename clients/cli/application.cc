#include "clients/cli/application.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "clients/cli/commands.h"
#include "clients/cli/completion.h"
#include "clients/cli/guests_commands.h"
#include "clients/cli/help.h"
#include "clients/cli/instance_config.h"
#include "clients/cli/tls_command.h"
#include "clients/cli/trace_commands.h"
#include "clients/common/exit_code.h"
#include "clients/common/version.h"
#include "clients/load/load_command.h"

namespace alloclab::client {
namespace {

constexpr char kDescription[] = "The command line of alloclab, the memory allocator lab.";

int Fail(const absl::Status& status, ColorMode color) {
  const Style style(UseColor(color, stderr));
  fmt::print(stderr, "{} {}\n", style.Paint(Tone::kBad, "alloclab:"), std::string(status.message()));
  return static_cast<int>(ExitCodeOf(status));
}

// If the arguments are right as soon as `--` is left out of them: that it stands in the way. Otherwise "".
std::string DashesInTheWay(std::vector<std::string> arguments) {
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  if (dashes == arguments.end() || dashes + 1 == arguments.end()) return "";
  const std::string behind = *(dashes + 1);
  std::erase(arguments, "--");
  CommonOptions options;
  Command chosen;
  CLI::App app;
  DefineCommandLine(app, options, chosen);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success&) {  // --help
  } catch (const CLI::ParseError&) {
    return "";
  }
  return fmt::format("'--' ends the commands and options, so '{}' behind it is none; leave out the '--'", behind);
}

}  // namespace

void DefineCommandLine(CLI::App& app, CommonOptions& options, Command& chosen) {
  app.description(kDescription);
  app.name("alloclab");
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_help_flag("-h,--help", "This help");
  app.set_version_flag("-V,--version", fmt::format("alloclab {}", Version()), "The version of this program");
  app.footer("alloclab submit steady-state --ram 64Mi");
  app.require_subcommand(1);
  AddCommonOptions(app, options);
  RegisterSubmit(app, chosen);
  RegisterCompare(app, chosen);
  RegisterRecord(app, chosen);
  RegisterRuns(app, chosen);
  RegisterExplain(app, chosen);
  RegisterTop(app, chosen);
  RegisterTraces(app, chosen);
  RegisterTrace(app, chosen);
  RegisterGuests(app, chosen);
  load::RegisterLoad(app, chosen, AddInstanceConfig);
  RegisterInstance(app, chosen);
  RegisterPoke(app, chosen);
  RegisterInspect(app, chosen);
  RegisterCatalog(app, chosen);
  RegisterGuest(app, chosen);
  RegisterGrade(app, chosen);
  RegisterTls(app, chosen);
  RegisterWorkload(app, chosen);
  RegisterLab(app, chosen);
  RegisterCompletion(app, chosen);
  RegisterHelp(app, chosen);
}

int RunCommandLine(const std::vector<std::string>& arguments) {
  CommonOptions options;
  Command chosen;
  CLI::App app;
  DefineCommandLine(app, options, chosen);
  if (arguments.empty()) {
    fmt::print("{}", app.help());
    return static_cast<int>(ExitCode::kOk);
  }
  if (arguments.front() == kCompleteCommand) return PrintCompletions(app, {arguments.begin() + 1, arguments.end()});
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // CLI11 takes them last first
  } catch (const CLI::Success& request) {
    return app.exit(request);
  } catch (const CLI::ParseError& error) {
    const std::string dashes = DashesInTheWay(arguments);
    return Fail(absl::InvalidArgumentError(dashes.empty() ? UsageError(app, error) : dashes), options.color);
  }
  Session session(options);
  const CommandResult result = chosen(session);
  return result.ok() ? static_cast<int>(*result) : Fail(result.status(), options.color);
}

}  // namespace alloclab::client
