#include "server/access/sessions.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdint>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "allocators/common/check.h"

namespace alloclab::server {
namespace {

absl::Status NotSignedIn() {
  return absl::UnauthenticatedError(
      "not signed in, or no longer: sign in with a token, or send \"Authorization: Bearer TOKEN\"");
}

// Takes what follows the last dot off `text`.
std::string_view TakeLast(std::string_view& text) {
  const std::size_t dot = text.rfind('.');
  if (dot == std::string_view::npos) return "";
  const std::string_view last = text.substr(dot + 1);
  text = text.substr(0, dot);
  return last;
}

}  // namespace

Sessions::Sessions(AccessControl& access) : access_(access), key_(MakeSecret()) {}

std::string Sessions::Sign(std::string_view name, std::string_view until, std::string_view digest) const {
  const std::string text = fmt::format("{} {} {}", name, until, digest);
  std::array<unsigned char, EVP_MAX_MD_SIZE> code;
  unsigned size = 0;
  const auto* const bytes = static_cast<const unsigned char*>(static_cast<const void*>(text.data()));
  ALLOCLAB_CHECK(HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), bytes, text.size(), code.data(), &size) !=
                 nullptr);
  return absl::BytesToHexString(std::string(code.begin(), code.begin() + size));
}

absl::StatusOr<std::string> Sessions::Open(std::string_view authorization) {
  const absl::StatusOr<Bearer> bearer = access_.Admit(authorization, Role::kViewer, "the web page");
  if (!bearer.ok()) return bearer.status();
  const std::optional<Token> token = access_.FindToken(bearer->name);
  if (!token) return NotSignedIn();
  const std::string until = fmt::format("{}", absl::ToUnixSeconds(access_.now() + kSessionLife));
  return fmt::format("{}.{}.{}", token->name, until, Sign(token->name, until, token->digest));
}

absl::StatusOr<Bearer> Sessions::Admit(std::string_view session, Role least, std::string_view what) const {
  std::string_view name = session;
  const std::string_view code = TakeLast(name), until = TakeLast(name);
  std::int64_t end = 0;
  const std::optional<Token> token = access_.FindToken(name);
  if (!token || !absl::SimpleAtoi(std::string(until), &end)) return NotSignedIn();
  const std::string right = Sign(name, until, token->digest);
  const bool same = code.size() == right.size() && CRYPTO_memcmp(code.data(), right.data(), right.size()) == 0;
  if (!same || absl::FromUnixSeconds(end) <= access_.now()) return NotSignedIn();
  return access_.Allow(*token, least, what);
}

}  // namespace alloclab::server
