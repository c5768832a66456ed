// The commands of the command line. Each function adds its subcommands to `app`; the one on the command line hands what is to
// be run to `chosen` (clients/common/command.h).
#ifndef ALLOCLAB_CLIENTS_CLI_COMMANDS_H_
#define ALLOCLAB_CLIENTS_CLI_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "clients/common/command.h"

namespace alloclab::client {

void RegisterInstance(CLI::App& app, Command& chosen);    // instance create|list|show|delete
void RegisterPoke(CLI::App& app, Command& chosen);        // malloc, calloc, realloc, free, pages alloc|free
void RegisterInspect(CLI::App& app, Command& chosen);     // inspect heap|pages|memory|translate|check|stats
void RegisterSubmit(CLI::App& app, Command& chosen);      // submit
void RegisterCompare(CLI::App& app, Command& chosen);     // compare
void RegisterRuns(CLI::App& app, Command& chosen);        // runs list|show|watch|cancel|delete|compare|diff|open|seek
void RegisterExplain(CLI::App& app, Command& chosen);     // explain
void RegisterTop(CLI::App& app, Command& chosen);         // top
void RegisterTraces(CLI::App& app, Command& chosen);      // traces list|delete
void RegisterCatalog(CLI::App& app, Command& chosen);     // catalog
void RegisterWorkload(CLI::App& app, Command& chosen);    // workload list|show|preview
void RegisterLab(CLI::App& app, Command& chosen);         // server, version
void RegisterCompletion(CLI::App& app, Command& chosen);  // completion bash|zsh|fish
void RegisterGuest(CLI::App& app, Command& chosen);       // guest build|run|profile|sdk
void RegisterGrade(CLI::App& app, Command& chosen);       // grade
void RegisterRecord(CLI::App& app, Command& chosen);      // record

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_COMMANDS_H_
