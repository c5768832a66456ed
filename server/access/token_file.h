// The tokens of a lab as a file of its data folder, "tokens": mode 0600, one line each, after a line that says what it is.
//
//   alloclab tokens 1
//   NAME ROLE CREATED EXPIRES SHA256          times as 2026-01-31T12:00:00Z, EXPIRES also "never"
//
// It is replaced whole, so that a reader sees the old one or the new one; a lock keeps two writers apart. It stays when its
// last token is revoked: a lab that once had tokens lets nobody in without one.
//
// Thread safety: all functions may be called from any thread and process.
#ifndef ALLOCLAB_SERVER_ACCESS_TOKEN_FILE_H_
#define ALLOCLAB_SERVER_ACCESS_TOKEN_FILE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/access/token.h"

namespace alloclab::server {

inline constexpr std::size_t kTokenFileBytesMax = 64 << 10;

std::string TokenFilePath(const std::string& data_dir);

// Nothing: there is no such file. DATA_LOSS naming file and line: it is not as above. FAILED_PRECONDITION naming the file: it
// cannot be read, is no regular file, belongs to another user, or others may write it. RESOURCE_EXHAUSTED: this process is out
// of descriptors.
absl::StatusOr<std::optional<std::vector<Token>>> ReadTokenFile(const std::string& data_dir);

// The same of the text of such a file; `path` is for errors.
absl::StatusOr<std::vector<Token>> ParseTokens(std::string_view text, const std::string& path);
std::string FormatTokens(const std::vector<Token>& tokens);

// Makes a token, and the folder and file if they are not there, and returns its secret, which nobody can find out later.
// INVALID_ARGUMENT: the name; ALREADY_EXISTS: taken; FAILED_PRECONDITION: kTokensMax are there, or the file cannot be written;
// and as ReadTokenFile.
absl::StatusOr<std::string> CreateToken(const std::string& data_dir, Token token);
// NOT_FOUND listing those that there are; and as CreateToken.
absl::Status RevokeToken(const std::string& data_dir, std::string_view name);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ACCESS_TOKEN_FILE_H_
