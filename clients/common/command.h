// How commands join the command line: each registers a CLI11 subcommand that, when chosen, hands over what to run. Parsing is
// thus over before anything happens, and a command reports errors as a Status, never by an exception.
#ifndef ALLOCLAB_CLIENTS_COMMON_COMMAND_H_
#define ALLOCLAB_CLIENTS_COMMON_COMMAND_H_

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/common/exit_code.h"
#include "clients/common/session.h"

namespace alloclab::client {

using CommandResult = absl::StatusOr<ExitCode>;
using Command = std::function<CommandResult(Session&)>;

// The end of a command whose last act may have failed.
CommandResult Done(const absl::Status& status, ExitCode code = ExitCode::kOk);

// A subcommand of `parent`. `example` is a line to copy and paste; the subcommand's help begins with it. When the subcommand is
// on the command line, `chosen` becomes `run`. What `run` reads must live as long as it does: keep it in a shared_ptr that
// `run` holds.
CLI::App* AddCommand(CLI::App& parent, const std::string& name, const std::string& description, const std::string& example,
                     Command& chosen, Command run);
// A subcommand that only holds others.
CLI::App* AddGroup(CLI::App& parent, const std::string& name, const std::string& description, const std::string& example);

// Puts --server, --timeout, --wait, --output, --quiet and --color on the application; they may stand behind any subcommand.
void AddCommonOptions(CLI::App& app, CommonOptions& options);

// Options and positionals (a name without dashes) in the forms of units.h. The type name shows in the help and tells completion
// what to offer.
CLI::Option* AddBytes(CLI::App& app, const std::string& name, std::uint64_t& value, const std::string& description);
CLI::Option* AddBytes32(CLI::App& app, const std::string& name, std::uint32_t& value, const std::string& description);
CLI::Option* AddCount(CLI::App& app, const std::string& name, std::uint64_t& value, const std::string& description);
// A count for which 0 is no choice: it is refused with `why_not_zero`, "expected at least 1 operation".
CLI::Option* AddPositiveCount(CLI::App& app, const std::string& name, std::uint64_t& value, const std::string& description,
                              const std::string& why_not_zero);
CLI::Option* AddAddress(CLI::App& app, const std::string& name, std::uint32_t& value, const std::string& description);
CLI::Option* AddDuration(CLI::App& app, const std::string& name, std::chrono::milliseconds& value,
                         const std::string& description);
// Likewise.
CLI::Option* AddPositiveDuration(CLI::App& app, const std::string& name, std::chrono::milliseconds& value,
                                 const std::string& description, const std::string& why_not_zero);
// One of a few words; `set` gets its position in `words`.
CLI::Option* AddWord(CLI::App& app, const std::string& name, const std::vector<std::string>& words,
                     std::function<void(std::size_t)> set, const std::string& description);
// One of a few words that stand for values.
template <typename Value>
CLI::Option* AddChoice(CLI::App& app, const std::string& name, Value& value,
                       const std::vector<std::pair<std::string, Value>>& choices, const std::string& description) {
  std::vector<std::string> words;
  for (const auto& [word, choice] : choices) words.push_back(word);
  return AddWord(
      app, name, words, [&value, choices](std::size_t position) { value = choices[position].second; }, description);
}

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_COMMAND_H_
