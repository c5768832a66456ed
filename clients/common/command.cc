#include "clients/common/command.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "allocators/common/quantity.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

// An option whose text `parse` turns into `value`.
template <typename Value, typename Parse>
CLI::Option* AddParsed(CLI::App& app, const std::string& name, Value& value, const std::string& description, const char* type,
                       Parse parse) {
  const auto assign = [name, &value, parse](const std::string& text) {
    const auto parsed = parse(text);
    if (!parsed.ok()) throw CLI::ValidationError(name, std::string(parsed.status().message()));
    value = static_cast<Value>(*parsed);
  };
  return app.add_option_function<std::string>(name, assign, description)->type_name(type);
}

}  // namespace

CommandResult Done(const absl::Status& status, ExitCode code) {
  if (!status.ok()) return status;
  return code;
}

CLI::App* AddCommand(CLI::App& parent, const std::string& name, const std::string& description, const std::string& example,
                     Command& chosen, Command run) {
  CLI::App* command = AddGroup(parent, name, description, example);
  command->require_subcommand(0);
  command->callback([&chosen, run = std::move(run)] { chosen = run; });
  return command;
}

CLI::App* AddGroup(CLI::App& parent, const std::string& name, const std::string& description, const std::string& example) {
  CLI::App* group = parent.add_subcommand(name, description);
  group->footer(example);
  group->group("Commands");
  group->fallthrough();
  group->require_subcommand(1);
  return group;
}

void AddCommonOptions(CLI::App& app, CommonOptions& options) {
  app.add_option("--server", options.connection.server, "Where alloclabd listens; unix:PATH too (default 127.0.0.1:7411)")
      ->envname("ALLOCLAB_SERVER")
      ->type_name("HOST:PORT");
  AddDuration(app, "--timeout", options.connection.timeout, "Deadline of one call (default 10s)");
  const auto wait = [&options](const std::string& text) {
    const auto parsed = ParseDuration(text);
    if (!parsed.ok()) throw CLI::ValidationError("--wait", std::string(parsed.status().message()));
    options.connection.wait = *parsed;
  };
  app.add_option_function<std::string>("--wait", wait, "Wait that long for a server that is not up yet")->type_name("DURATION");
  const std::map<std::string, OutputFormat> formats = {{"table", OutputFormat::kTable},
                                                       {"json", OutputFormat::kJson},
                                                       {"csv", OutputFormat::kCsv},
                                                       {"markdown", OutputFormat::kMarkdown}};
  app.add_option("-o,--output", options.output, "Format of the data on stdout (default table)")
      ->transform(CLI::CheckedTransformer(formats).description(""))
      ->type_name("table|json|csv|markdown");
  const std::map<std::string, ColorMode> colors = {
      {"auto", ColorMode::kAuto}, {"always", ColorMode::kAlways}, {"never", ColorMode::kNever}};
  app.add_option("--color", options.color, "Colours; auto: on a terminal, unless NO_COLOR is set (default auto)")
      ->transform(CLI::CheckedTransformer(colors).description(""))
      ->type_name("auto|always|never");
  app.add_flag("-q,--quiet", options.quiet, "Nothing on stderr but errors; print only the name or address of what was made");
}

CLI::Option* AddBytes(CLI::App& app, const std::string& name, std::uint64_t& value, const std::string& description) {
  return AddParsed(app, name, value, description, "BYTES", [](const std::string& text) { return ParseQuantity(text); });
}

CLI::Option* AddBytes32(CLI::App& app, const std::string& name, std::uint32_t& value, const std::string& description) {
  return AddParsed(app, name, value, description, "BYTES",
                   [](const std::string& text) { return ParseQuantity(text, UINT32_MAX); });
}

CLI::Option* AddCount(CLI::App& app, const std::string& name, std::uint64_t& value, const std::string& description) {
  return AddParsed(app, name, value, description, "COUNT", [](const std::string& text) { return ParseCount(text); });
}

CLI::Option* AddAddress(CLI::App& app, const std::string& name, std::uint32_t& value, const std::string& description) {
  return AddParsed(app, name, value, description, "ADDRESS", [](const std::string& text) { return ParseAddress(text); });
}

CLI::Option* AddDuration(CLI::App& app, const std::string& name, std::chrono::milliseconds& value,
                         const std::string& description) {
  return AddParsed(app, name, value, description, "DURATION", [](const std::string& text) { return ParseDuration(text); });
}

}  // namespace alloclab::client
