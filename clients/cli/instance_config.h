// The options that describe a simulated machine, wherever a command makes one.
#ifndef ALLOCLAB_CLIENTS_CLI_INSTANCE_CONFIG_H_
#define ALLOCLAB_CLIENTS_CLI_INSTANCE_CONFIG_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "alloclab/v1/lab.pb.h"
#include "clients/common/connection.h"
#include "clients/common/document.h"

namespace alloclab::client {

// --ram, --page-allocator, --heap-allocator, --unguarded and --param NAME=VALUE fill `config`, which must outlive the parsing.
void AddInstanceConfig(CLI::App& app, v1::InstanceConfig& config);

// The options that give `config` again; parameters that have the catalogue's default are left out.
std::vector<std::string> InstanceConfigArguments(const v1::InstanceConfig& config, const v1::Catalog& catalog);

// "RAM", "page allocator", "heap allocator", "guarded", then the parameters.
void AddConfigFacts(Section& section, const v1::InstanceConfig& config);

// If `status` says that there is no such instance: adds the name that was probably meant, or those there are.
absl::Status WithInstanceNames(absl::Status status, const std::string& name, const Connection& connection);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_INSTANCE_CONFIG_H_
