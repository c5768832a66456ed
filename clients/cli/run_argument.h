// Numbers of runs on the command line.
#ifndef ALLOCLAB_CLIENTS_CLI_RUN_ARGUMENT_H_
#define ALLOCLAB_CLIENTS_CLI_RUN_ARGUMENT_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace alloclab::client {

// A number as `alloclab runs list` shows it; anything else is refused.
CLI::Option* AddRunNumber(CLI::App& app, const std::string& name, std::uint64_t& number);
// One or more of them.
CLI::Option* AddRunNumbers(CLI::App& app, const std::string& name, std::vector<std::uint64_t>& numbers);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_RUN_ARGUMENT_H_
