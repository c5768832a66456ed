// Small files that a user names.
#ifndef ALLOCLAB_CLIENTS_COMMON_TEXT_FILE_H_
#define ALLOCLAB_CLIENTS_COMMON_TEXT_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace alloclab::client {

inline constexpr std::size_t kTextFileBytesMax = 16 << 20;

// DATA_LOSS names the file: it cannot be read, or is larger than kTextFileBytesMax.
absl::StatusOr<std::string> ReadTextFile(const std::string& path);
// INTERNAL names the file and says why.
absl::Status WriteTextFile(const std::string& path, std::string_view text);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_TEXT_FILE_H_
