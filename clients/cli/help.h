// The help of every command, in one shape: an example to copy first, then what it does, how it is called, and its options.
#ifndef ALLOCLAB_CLIENTS_CLI_HELP_H_
#define ALLOCLAB_CLIENTS_CLI_HELP_H_

#include <CLI/CLI.hpp>
#include <string>

#include "clients/common/command.h"

namespace alloclab::client {

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_subcommand(const CLI::App* sub) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
};

// What is wrong with the command line, as one sentence: names what was meant where CLI11 only names what it found.
std::string UsageError(const CLI::App& app, const CLI::ParseError& error);

// help [COMMAND...]. `app` must outlive the command.
void RegisterHelp(CLI::App& app, Command& chosen);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_HELP_H_
