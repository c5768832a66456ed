#include "clients/common/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "allocators/common/quantity.h"
#include "allocators/common/suggestion.h"
#include "clients/common/channel_credentials.h"
#include "clients/common/token.h"
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
  TlsOptions& tls = TlsOfProcess();
  app.add_flag("--tls", tls.tls, "Encrypt, and trust whom this system trusts; --ca says it too")->envname("ALLOCLAB_TLS");
  app.add_option("--ca", tls.ca, "Who signs the server's certificate, PEM")->envname("ALLOCLAB_CA")->type_name("FILE");
  app.add_option("--cert", tls.cert, "Certificate to show to the server, PEM")->envname("ALLOCLAB_CERT")->type_name("FILE");
  app.add_option("--key", tls.key, "Its key, PEM")->envname("ALLOCLAB_KEY")->type_name("FILE");
  app.add_option("--token-file", TokenOfProcess().file, "File with the token of a lab that asks for one; ALLOCLAB_TOKEN is it")
      ->envname("ALLOCLAB_TOKEN_FILE")
      ->type_name("FILE");
  AddPositiveDuration(app, "--timeout", options.connection.timeout, "Deadline of one call (default 10s)",
                      "expected at least 1ms: no call ends in no time");
  AddParsed(app, "--wait", options.connection.wait, "Wait that long for a server that is not up yet", "DURATION",
            ParseDuration);
  AddChoice<OutputFormat>(app, "-o,--output", options.output,
                          {{"table", OutputFormat::kTable},
                           {"json", OutputFormat::kJson},
                           {"csv", OutputFormat::kCsv},
                           {"markdown", OutputFormat::kMarkdown}},
                          "Format of the data on stdout (default table)");
  AddChoice<ColorMode>(app, "--color", options.color,
                       {{"auto", ColorMode::kAuto}, {"always", ColorMode::kAlways}, {"never", ColorMode::kNever}},
                       "Colours; auto: on a terminal, unless NO_COLOR is set (default auto)");
  app.add_flag("-q,--quiet", options.quiet,
               "Only the essential: names, run numbers or addresses, one a line, and no remarks but errors");
}

CLI::Option* AddBytes(CLI::App& app, const std::string& name, std::uint64_t& value, const std::string& description) {
  return AddParsed(app, name, value, description, "BYTES", [](const std::string& text) { return ParseQuantity(text); });
}

CLI::Option* AddBytes32(CLI::App& app, const std::string& name, std::uint32_t& value, const std::string& description) {
  return AddParsed(app, name, value, description, "BYTES",
                   [](const std::string& text) { return ParseQuantity(text, UINT32_MAX); });
}

CLI::Option* AddCount(CLI::App& app, const std::string& name, std::uint64_t& value, const std::string& description) {
  return AddParsed(app, name, value, description, "COUNT", ParseCount);
}

CLI::Option* AddPositiveCount(CLI::App& app, const std::string& name, std::uint64_t& value, const std::string& description,
                              const std::string& why_not_zero) {
  const auto parse = [why_not_zero](const std::string& text) {
    absl::StatusOr<std::uint64_t> count = ParseCount(text);
    if (count.ok() && *count == 0) count = absl::InvalidArgumentError("0: " + why_not_zero);
    return count;
  };
  return AddParsed(app, name, value, description, "COUNT", parse);
}

CLI::Option* AddAddress(CLI::App& app, const std::string& name, std::uint32_t& value, const std::string& description) {
  return AddParsed(app, name, value, description, "ADDRESS", ParseAddress);
}

CLI::Option* AddDuration(CLI::App& app, const std::string& name, std::chrono::milliseconds& value,
                         const std::string& description) {
  return AddParsed(app, name, value, description, "DURATION", ParseDuration);
}

CLI::Option* AddPositiveDuration(CLI::App& app, const std::string& name, std::chrono::milliseconds& value,
                                 const std::string& description, const std::string& why_not_zero) {
  const auto parse = [why_not_zero](const std::string& text) {
    absl::StatusOr<std::chrono::milliseconds> duration = ParseDuration(text);
    if (duration.ok() && duration->count() == 0) duration = absl::InvalidArgumentError(text + ": " + why_not_zero);
    return duration;
  };
  return AddParsed(app, name, value, description, "DURATION", parse);
}

CLI::Option* AddWord(CLI::App& app, const std::string& name, const std::vector<std::string>& words,
                     std::function<void(std::size_t)> set, const std::string& description) {
  const std::string long_name = name.substr(name.rfind(',') + 1);
  const auto assign = [long_name, words, set = std::move(set)](const std::string& text) {
    const auto found = std::find(words.begin(), words.end(), text);
    if (found != words.end()) return set(static_cast<std::size_t>(found - words.begin()));
    const std::string_view nearest = NearestName(text, std::vector<std::string_view>(words.begin(), words.end()));
    throw CLI::ValidationError(long_name, fmt::format("'{}' is none of {}{}", text, fmt::join(words, ", "),
                                                      nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest)));
  };
  return app.add_option_function<std::string>(name, assign, description)->type_name(fmt::format("{}", fmt::join(words, "|")));
}

}  // namespace alloclab::client
