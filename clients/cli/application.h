// The whole command line: its definition, and the way from argv to an exit code.
#ifndef ALLOCLAB_CLIENTS_CLI_APPLICATION_H_
#define ALLOCLAB_CLIENTS_CLI_APPLICATION_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "clients/common/command.h"
#include "clients/common/session.h"

namespace alloclab::client {

// Every command and option. `options` and `chosen` must outlive the parsing.
void DefineCommandLine(CLI::App& app, CommonOptions& options, Command& chosen);

// Parses and runs. Data goes to stdout, everything else to stderr. Returns the exit code.
int RunCommandLine(const std::vector<std::string>& arguments);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_APPLICATION_H_
