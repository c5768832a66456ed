// Options of the server from a file.
#ifndef ALLOCLAB_SERVER_SERVER_CONFIG_FILE_H_
#define ALLOCLAB_SERVER_SERVER_CONFIG_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "server/server/options.h"

namespace alloclab::server {

// A YAML file of "name: value". INVALID_ARGUMENT with file and line: no YAML, an unknown key (and the nearest one that there
// is), a value that is no text or number.
absl::StatusOr<OptionValues> ReadConfigFile(const std::string& path);
// The same of the text of such a file; `path` is for errors.
absl::StatusOr<OptionValues> ParseConfig(const std::string& text, const std::string& path);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_CONFIG_FILE_H_
