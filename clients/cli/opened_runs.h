// runs open|seek and explain: a run at any of its operations, shown by an instance that nobody can change.
#ifndef ALLOCLAB_CLIENTS_CLI_OPENED_RUNS_H_
#define ALLOCLAB_CLIENTS_CLI_OPENED_RUNS_H_

#include <CLI/CLI.hpp>

#include "clients/common/command.h"

namespace alloclab::client {

void RegisterOpenedRuns(CLI::App& group, Command& chosen);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_OPENED_RUNS_H_
