// inspect heap|runs: the chunks of the heap and the free page runs, as a picture or as a list.
#ifndef ALLOCLAB_CLIENTS_CLI_INSPECT_MAPS_H_
#define ALLOCLAB_CLIENTS_CLI_INSPECT_MAPS_H_

#include <CLI/CLI.hpp>

#include "clients/common/command.h"

namespace alloclab::client {

void RegisterInspectMaps(CLI::App& group, Command& chosen);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_INSPECT_MAPS_H_
