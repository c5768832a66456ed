#include "server/access/token.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "allocators/common/check.h"
#include "allocators/common/printable.h"
#include "allocators/common/sha256.h"

namespace alloclab::server {
namespace {

constexpr std::array<std::string_view, kRoles> kRoleNames = {"viewer", "user", "admin"};
constexpr std::string_view kSecretPrefix = "alloclab_";  // by it scanners for secrets know one
constexpr std::string_view kScheme = "Bearer ";

}  // namespace

std::string_view RoleName(Role role) { return kRoleNames[static_cast<std::size_t>(role)]; }

absl::StatusOr<Role> ParseRole(std::string_view name) {
  const auto found = std::find(kRoleNames.begin(), kRoleNames.end(), name);
  if (found != kRoleNames.end()) return static_cast<Role>(found - kRoleNames.begin());
  return absl::InvalidArgumentError(
      fmt::format("\"{}\" is no role; expected {}", Printable(name), fmt::join(kRoleNames, ", ")));
}

std::string TimeText(absl::Time time) {
  return time == absl::InfiniteFuture() ? "never" : absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

absl::Status CheckTokenName(std::string_view name) {
  const auto fits = [](unsigned char c) { return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-'; };
  if (!name.empty() && name.size() <= kTokenNameBytesMax && name.front() != '-' &&
      std::all_of(name.begin(), name.end(), fits)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("\"{}\" is no name of a token; expected 1 to {} letters, digits, '.', '_' and '-'",
                  Printable(name.substr(0, kTokenNameBytesMax)), kTokenNameBytesMax));
}

std::string MakeSecret() {
  std::array<unsigned char, 32> bytes;
  ALLOCLAB_CHECK_EQ(RAND_bytes(bytes.data(), bytes.size()), 1);
  std::string text = absl::WebSafeBase64Escape(std::string(bytes.begin(), bytes.end()));
  while (!text.empty() && text.back() == '=') text.pop_back();
  return std::string(kSecretPrefix) + text;
}

std::string DigestOfSecret(std::string_view secret) {
  Sha256 digest;
  digest.Update(secret);
  return digest.HexDigest();
}

const Token* FindBySecret(const std::vector<Token>& tokens, std::string_view secret) {
  const std::string digest = DigestOfSecret(secret);
  const Token* found = nullptr;
  for (const Token& token : tokens) {
    const bool same =
        token.digest.size() == digest.size() && CRYPTO_memcmp(token.digest.data(), digest.data(), digest.size()) == 0;
    if (same) found = &token;
  }
  return found;
}

std::string_view SecretOfHeader(std::string_view authorization) {
  if (!absl::StartsWithIgnoreCase(absl::string_view(authorization.data(), authorization.size()), kScheme.data())) return "";
  const std::string_view secret = authorization.substr(kScheme.size());
  return secret.size() <= kSecretBytesMax ? secret : "";
}

}  // namespace alloclab::server
