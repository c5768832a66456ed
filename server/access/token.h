// A token: what a client shows so that the server knows who it is and what it may do. 256 random bits; whoever has it is its
// bearer. The server keeps its SHA-256 alone: of a random secret that is as good as a slow digest.
#ifndef ALLOCLAB_SERVER_ACCESS_TOKEN_H_
#define ALLOCLAB_SERVER_ACCESS_TOKEN_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace alloclab::server {

// Each may do all that those before it may: look; work with instances and runs; delete what is stored.
enum class Role { kViewer, kUser, kAdmin };
inline constexpr std::size_t kRoles = 3;
std::string_view RoleName(Role role);  // "viewer"
// INVALID_ARGUMENT listing the roles.
absl::StatusOr<Role> ParseRole(std::string_view name);

struct Token {
  std::string name;
  Role role = Role::kViewer;
  absl::Time created, expires = absl::InfiniteFuture();
  std::string digest;  // of the secret; 64 hex digits
};

// "2026-01-31T12:00:00Z", "never".
std::string TimeText(absl::Time time);

inline constexpr std::size_t kTokensMax = 256;  // each call looks through them
inline constexpr std::size_t kTokenNameBytesMax = 64;
inline constexpr std::size_t kSecretBytesMax = 128;  // longer is no secret of ours

// 1 to kTokenNameBytesMax letters, digits and ._- ; INVALID_ARGUMENT saying so.
absl::Status CheckTokenName(std::string_view name);

// "alloclab_" and 43 letters, digits, - and _.
std::string MakeSecret();
std::string DigestOfSecret(std::string_view secret);

// Compares with each of them, all bytes of each, so that the time it takes tells nothing. Null: of none. An expired one is
// found too.
const Token* FindBySecret(const std::vector<Token>& tokens, std::string_view secret);

// Of the header "Bearer SECRET"; empty: another scheme, or too long.
std::string_view SecretOfHeader(std::string_view authorization);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ACCESS_TOKEN_H_
