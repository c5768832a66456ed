// The token that shows a lab who calls: of ALLOCLAB_TOKEN or of a file, never of the command line, which others can read.
#ifndef ALLOCLAB_CLIENTS_COMMON_TOKEN_H_
#define ALLOCLAB_CLIENTS_COMMON_TOKEN_H_

#include <string>

#include "absl/status/statusor.h"

namespace alloclab::client {

struct TokenOptions {
  std::string file;  // wins over the variable; empty: none
};

// Of all connections of this process: what its command line says. Set before the first one is made.
TokenOptions& TokenOfProcess();

// The token, of the file's first line or of ALLOCLAB_TOKEN; empty: none was given. INVALID_ARGUMENT naming option or variable:
// the file cannot be read, or holds no token.
absl::StatusOr<std::string> ReadToken(const TokenOptions& options);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_TOKEN_H_
