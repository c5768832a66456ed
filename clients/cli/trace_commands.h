// The commands of the group `trace`, as commands.h has the others.
#ifndef ALLOCLAB_CLIENTS_CLI_TRACE_COMMANDS_H_
#define ALLOCLAB_CLIENTS_CLI_TRACE_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "clients/common/command.h"

namespace alloclab::client {

void RegisterTrace(CLI::App& app, Command& chosen);        // trace formats|show|lint|diff, and those of RegisterTraceEdit
void RegisterTraceEdit(CLI::App& group, Command& chosen);  // convert|slice|filter|scale|interleave|strip|minimize

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_TRACE_COMMANDS_H_
