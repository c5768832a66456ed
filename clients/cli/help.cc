#include "clients/cli/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "allocators/common/columns.h"
#include "allocators/common/suggestion.h"

namespace alloclab::client {
namespace {

constexpr std::string_view kExitCodes =
    "Exit codes: 0 done, 1 error, 2 wrong command line, 3 server unreachable, 4 bad trace or specification, 5 broken "
    "invariant, 6 compared runs differ or are worse than a baseline, 99 a threshold is not kept, 130 interrupted.";
constexpr std::string_view kCommonOptions =
    "Every command also takes --server, --timeout, --wait, --output, --color and --quiet: see `alloclab --help`.";
constexpr std::size_t kOptionColumns = 34;
constexpr std::size_t kCommandColumns = 18;

// Its paragraphs in lines that the terminal has room for, right of `columns`.
std::string Wrapped(std::string_view text, std::size_t columns = 0) {
  const std::size_t width = static_cast<std::size_t>(TerminalWidth(stdout)) - columns;
  std::vector<std::string> lines;
  for (const std::string& paragraph : std::vector<std::string>(absl::StrSplit(std::string(text), '\n'))) {
    for (std::string& line : WrapWords(paragraph, width)) lines.push_back(std::move(line));
  }
  return absl::StrJoin(lines, "\n");
}

// Alternatives that do not fit beside the option's name: they are told below it.
bool HasLongType(const CLI::Option& option) { return option.get_type_name().size() > kOptionColumns; }

std::string NamesOf(const std::set<CLI::Option*>& options) {
  std::vector<std::string> names;
  for (const CLI::Option* option : options) names.push_back(option->get_name());
  std::sort(names.begin(), names.end());
  return absl::StrJoin(names, ", ");
}

// The subcommand that parsing came to.
const CLI::App& Deepest(const CLI::App& app) {
  const std::vector<CLI::App*> parsed = app.get_subcommands();
  return parsed.empty() ? app : Deepest(*parsed.back());
}

std::vector<std::string> SubcommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App* s) { return !s->get_group().empty(); })) {
    names.push_back(sub->get_name());
  }
  return names;
}

// Long names with dashes, those of the parents included.
std::vector<std::string> OptionNames(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

std::string WholeName(const CLI::App* app) {
  return app->get_parent() == nullptr ? app->get_name() : WholeName(app->get_parent()) + " " + app->get_name();
}

std::string DidYouMean(const std::string& word, const std::vector<std::string>& names) {
  const std::string_view nearest = NearestName(word, std::vector<std::string_view>(names.begin(), names.end()));
  if (nearest == word) return " behind '--', which ends commands and options";
  return nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest);
}

// The text up to `end`, which library errors begin with: the name of an option or argument.
std::string NameBefore(const std::string& text, std::string_view end) { return text.substr(0, text.find(end)); }

// What parsing by CLI11 found, in our words. Errors of values (ValidationError) are ours already.
std::string LibraryError(const CLI::App& command, const CLI::ParseError& error) {
  const std::string text = error.what();
  switch (static_cast<CLI::ExitCodes>(error.get_exit_code())) {
    case CLI::ExitCodes::RequiredError:
      return fmt::format("the argument {} is missing", NameBefore(text, " is required"));
    case CLI::ExitCodes::ArgumentMismatch: {
      const std::string name = NameBefore(text, ":");
      if (text.find("received") != std::string::npos) return fmt::format("{} is there more than once", name);
      const CLI::Option* option = nullptr;
      for (const CLI::App* app = &command; app != nullptr && option == nullptr; app = app->get_parent()) {
        option = app->get_option_no_throw(name.substr(name.rfind(',') + 1));
      }
      return fmt::format("{} needs a value{}", name, option == nullptr ? "" : ": " + option->get_type_name());
    }
    case CLI::ExitCodes::ConversionError:
      return fmt::format("{} takes no value",
                         NameBefore(text.substr(text.find(": ") + 2), " ="));  // "Could not convert: --x = y"
    default:
      return text;
  }
}

// The command that the words name, beginning at `app`. INVALID_ARGUMENT: a word that is none.
absl::StatusOr<const CLI::App*> FindCommand(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  for (const std::string& word : words) {
    const auto named = command->get_subcommands([&word](const CLI::App* sub) { return sub->get_name() == word; });
    if (named.empty()) {
      return absl::InvalidArgumentError(fmt::format("unknown command '{}'{}\nSee `{} --help`.", word,
                                                    DidYouMean(word, SubcommandNames(*command)), WholeName(command)));
    }
    command = named.front();
  }
  return command;
}

}  // namespace

HelpFormatter::HelpFormatter() {
  column_width(kOptionColumns);
  label("Positionals", "Arguments");
}

// The first sentence of the description is enough in a list.
std::string HelpFormatter::make_subcommand(const CLI::App* sub) const {
  const std::string description = sub->get_description();
  std::ostringstream out;
  CLI::detail::format_help(out, sub->get_name(), Wrapped(description.substr(0, description.find('\n')), kCommandColumns),
                           kCommandColumns);
  return out.str();
}

std::string HelpFormatter::make_option_desc(const CLI::Option* option) const {
  std::string text = CLI::Formatter::make_option_desc(option);
  if (HasLongType(*option)) text += ": " + absl::StrReplaceAll(option->get_type_name(), {{"|", ", "}});
  if (!option->get_excludes().empty()) text += "; not with " + NamesOf(option->get_excludes());
  return Wrapped(text, kOptionColumns);
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (option->get_positional()) return "";
  if (HasLongType(*option)) return " NAME";
  const std::string text = CLI::Formatter::make_option_opts(option);
  return text.substr(0, text.find(" Excludes:"));
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
  if (mode == CLI::AppFormatMode::Sub) return make_expanded(app);
  std::string help;
  if (!app->get_footer().empty()) help += fmt::format("Example:\n  {}\n\n", app->get_footer());
  help += Wrapped(app->get_description()) + "\n\n" + make_usage(app, std::move(name)) + make_positionals(app) +
          make_groups(app, mode) + make_subcommands(app, mode);
  return help + "\n" + Wrapped(app->get_parent() == nullptr ? kExitCodes : kCommonOptions) + "\n";
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string) const {
  std::string usage = "Usage: " + WholeName(app);
  for (const CLI::Option* option : app->get_options([](const CLI::Option* o) { return o->get_positional(); })) {
    usage += " " + make_option_usage(option);
  }
  if (!SubcommandNames(*app).empty()) usage += " COMMAND";
  return usage + " [OPTIONS]\n";
}

std::string UsageError(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = Deepest(app);
  std::vector<std::string> extras = app.remaining(true);
  extras.erase(std::remove(extras.begin(), extras.end(), "--"), extras.end());  // it ends the options
  const std::vector<std::string> commands = SubcommandNames(command);
  const bool misses_command = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError) && !commands.empty();
  std::string message;
  if (!extras.empty() && extras.front().starts_with('-')) {
    const std::string option = extras.front().substr(0, extras.front().find('='));
    message = fmt::format("unknown option '{}'{}", option, DidYouMean(option, OptionNames(&command)));
  } else if (!extras.empty() && !commands.empty()) {
    message = fmt::format("unknown command '{}'{}", extras.front(), DidYouMean(extras.front(), commands));
  } else if (misses_command) {
    message = fmt::format("'{}' needs a command: {}", WholeName(&command), fmt::join(commands, ", "));
  } else if (!extras.empty()) {
    message = fmt::format("unexpected argument '{}'", extras.front());
  } else {
    message = LibraryError(command, error);
  }
  return fmt::format("{}\nSee `{} --help`.", message, WholeName(&command));
}

void RegisterHelp(CLI::App& app, Command& chosen) {
  const auto words = std::make_shared<std::vector<std::string>>();
  const auto print = [&app, words](Session& session) -> CommandResult {
    const absl::StatusOr<const CLI::App*> command = FindCommand(app, *words);
    if (!command.ok()) return command.status();
    // Not help(), which would give that of the command that runs: this one.
    return Done(session.Print((*command)->get_formatter()->make_help(*command, "", CLI::AppFormatMode::Normal)));
  };
  AddCommand(app, "help", "The help of a command", "alloclab help runs list", chosen, print)
      ->add_option("COMMAND", *words, "Its words; without any, all commands")
      ->type_name("COMMAND");
}

}  // namespace alloclab::client
