// The programs that the server keeps: guests list|delete.
#ifndef ALLOCLAB_CLIENTS_CLI_GUESTS_COMMANDS_H_
#define ALLOCLAB_CLIENTS_CLI_GUESTS_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "clients/common/command.h"

namespace alloclab::client {

// Adds the subcommands to `app`, as those of commands.h.
void RegisterGuests(CLI::App& app, Command& chosen);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_GUESTS_COMMANDS_H_
