// alloclabd token create|list|revoke: who may use the lab. The server need not be stopped: it takes the change up within a
// second.
#ifndef ALLOCLAB_SERVER_SERVER_TOKEN_COMMAND_H_
#define ALLOCLAB_SERVER_SERVER_TOKEN_COMMAND_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/status.h"

namespace alloclab::server {

struct TokenCommand {
  enum class Verb { kCreate, kList, kRevoke };
  Verb verb = Verb::kList;
  std::string name, role, expires = "never";
  std::string output = "text";  // or json
};

// Adds the subcommand, which sets `command`.
CLI::App* AddTokenCommand(CLI::App& app, TokenCommand& command);

// Prints what it did: of a new token the secret alone on standard output. INVALID_ARGUMENT naming the option; errors as
// token_file.h.
absl::Status RunTokenCommand(const TokenCommand& command, const std::string& data_dir);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_TOKEN_COMMAND_H_
