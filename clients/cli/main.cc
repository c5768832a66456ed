// alloclab: the command line of the lab.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string_view>

#include "clients/cli/commands.h"
#include "clients/cli/completion.h"
#include "clients/cli/help.h"
#include "clients/cli/instance_config.h"
#include "clients/common/exit_code.h"
#include "clients/common/session.h"
#include "clients/common/version.h"
#include "clients/load/load_command.h"

namespace alloclab::client {
namespace {

int Fail(const absl::Status& status) {
  const Style style(UseColor(ColorMode::kAuto, stderr));
  fmt::print(stderr, "{} {}\n", style.Paint(Tone::kBad, "alloclab:"), std::string(status.message()));
  return static_cast<int>(ExitCodeOf(status));
}

void RegisterAll(CLI::App& app, CommonOptions& options, Command& chosen) {
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_help_flag("-h,--help", "This help");
  app.set_version_flag("-V,--version", fmt::format("alloclab {}", Version()));
  app.footer("alloclab submit steady-state --ram 64Mi");
  app.require_subcommand(1);
  AddCommonOptions(app, options);
  RegisterSubmit(app, chosen);
  RegisterRuns(app, chosen);
  load::RegisterLoad(app, chosen, AddInstanceConfig);
  RegisterInstance(app, chosen);
  RegisterPoke(app, chosen);
  RegisterInspect(app, chosen);
  RegisterLab(app, chosen);
  RegisterCompletion(app, chosen);
}

int Main(int argc, char** argv) {
  CommonOptions options;
  Command chosen;
  CLI::App app("The command line of alloclab, the memory allocator lab.", "alloclab");
  RegisterAll(app, options, chosen);
  if (argc > 1 && std::string_view(argv[1]) == kCompleteCommand) return PrintCompletions(app, {argv + 2, argv + argc});
  if (argc == 1) {
    fmt::print("{}", app.help());
    return static_cast<int>(ExitCode::kOk);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& request) {
    return app.exit(request);
  } catch (const CLI::ParseError& error) {
    return Fail(absl::InvalidArgumentError(UsageError(app, error)));
  }
  Session session(options);
  const absl::StatusOr<ExitCode> result = chosen(session);
  return result.ok() ? static_cast<int>(*result) : Fail(result.status());
}

}  // namespace
}  // namespace alloclab::client

int main(int argc, char** argv) { return alloclab::client::Main(argc, argv); }
