// alloclabd store check|repair|export: the store of a server that is stopped. alloclabd store backup: also of one that runs.
#ifndef ALLOCLAB_SERVER_SERVER_STORE_COMMAND_H_
#define ALLOCLAB_SERVER_SERVER_STORE_COMMAND_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/statusor.h"

namespace alloclab::server {

struct StoreCommand {
  enum class Verb { kCheck, kRepair, kExport, kBackup };
  Verb verb = Verb::kCheck;
  std::string output = "text";  // or json
  std::string to;               // of an export, of a backup
};

// Adds the subcommand, which sets `command`.
CLI::App* AddStoreCommand(CLI::App& app, StoreCommand& command);

// Prints what it found on standard output. False: something is damaged, or was and is lost. Errors as store_doctor.h.
absl::StatusOr<bool> RunStoreCommand(const StoreCommand& command, const std::string& data_dir);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_STORE_COMMAND_H_
