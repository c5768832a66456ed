// `alloclab load`: the load generator as a command of the command line.
#ifndef ALLOCLAB_CLIENTS_LOAD_LOAD_COMMAND_H_
#define ALLOCLAB_CLIENTS_LOAD_LOAD_COMMAND_H_

#include <CLI/CLI.hpp>
#include <functional>

#include "alloclab/v1/lab.pb.h"
#include "clients/common/command.h"

namespace alloclab::load {

// Puts the options that describe a simulated machine on a command; see clients/cli/instance_config.h.
using AddMachineOptions = std::function<void(CLI::App&, v1::InstanceConfig&)>;

// Adds the subcommand `load` to `app`; see clients/common/command.h for `chosen`.
void RegisterLoad(CLI::App& app, client::Command& chosen, const AddMachineOptions& add_machine_options);

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_LOAD_COMMAND_H_
