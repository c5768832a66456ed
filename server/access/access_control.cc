#include "server/access/access_control.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "server/access/token_file.h"

namespace alloclab::server {
namespace {

constexpr std::string_view kHowToShow =
    "alloclab takes a token from ALLOCLAB_TOKEN or --token-file FILE, other clients send \"authorization: Bearer TOKEN\"";

absl::Status NotKnown(std::string_view why) { return absl::UnauthenticatedError(fmt::format("{}; {}", why, kHowToShow)); }

}  // namespace

absl::Status AccessControl::Refresh() {
  struct stat status {};
  const bool there = lstat(TokenFilePath(data_dir_).c_str(), &status) == 0;
  if (!there && !in_force_) return absl::OkStatus();
  const FileState now{status.st_ino,          status.st_size,        status.st_mtim.tv_sec,
                      status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
  {
    const MutexLock lock(mutex_);
    if (in_force_ && now == seen_) return trouble_;
  }
  absl::Status read = Read();
  if (absl::IsResourceExhausted(read)) return read;
  const MutexLock lock(mutex_);
  seen_ = now;
  trouble_ = read;
  return read;
}

absl::Status AccessControl::Read() {
  absl::StatusOr<std::optional<Tokens>> read = ReadTokenFile(data_dir_);
  if (absl::IsResourceExhausted(read.status())) return read.status();
  const bool there = read.ok() && read->has_value();
  {
    const MutexLock lock(mutex_);
    tokens_ = there ? std::make_shared<const Tokens>(**std::move(read)) : nullptr;
  }
  in_force_ = true;
  if (!read.ok()) return read.status();
  if (there) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("{}: is gone, so that nobody is let in; make a token with alloclabd token create, or start the server again "
                  "without tokens",
                  TokenFilePath(data_dir_)));
}

std::shared_ptr<const AccessControl::Tokens> AccessControl::tokens() const {
  const MutexLock lock(mutex_);
  return tokens_;
}

absl::StatusOr<Bearer> AccessControl::Admit(std::string_view authorization, Role least, std::string_view what) {
  if (!in_force_) return Bearer();
  const std::shared_ptr<const Tokens> known = tokens();
  if (!known) return absl::UnauthenticatedError("the server cannot read its tokens and lets nobody in; its log says why");
  if (authorization.empty()) return NotKnown("this lab lets in only those who show a token");
  const std::string_view secret = SecretOfHeader(authorization);
  const Token* const token = secret.empty() ? nullptr : FindBySecret(*known, secret);
  if (token == nullptr) return RefuseWrong();
  return Allow(*token, least, what);
}

absl::StatusOr<Bearer> AccessControl::Allow(const Token& token, Role least, std::string_view what) const {
  if (token.expires <= clock_()) {
    return absl::UnauthenticatedError(
        fmt::format("token {} has expired, at {}; whoever runs the lab can make another", token.name, TimeText(token.expires)));
  }
  if (token.role < least) {
    return absl::PermissionDeniedError(fmt::format("token {} is of role {}; {} is for role {}{}", token.name,
                                                   RoleName(token.role), what, RoleName(least),
                                                   least == Role::kAdmin ? "" : " or above"));
  }
  return Bearer{.name = token.name, .role = token.role, .expires = token.expires};
}

Bearer AccessControl::Identify(std::string_view authorization) const {
  const std::shared_ptr<const Tokens> known = in_force_ ? tokens() : nullptr;
  const std::string_view secret = SecretOfHeader(authorization);
  const Token* const token = known && !secret.empty() ? FindBySecret(*known, secret) : nullptr;
  return token == nullptr ? Bearer() : Bearer{.name = token->name, .role = token->role, .expires = token->expires};
}

std::optional<Token> AccessControl::FindToken(std::string_view name) const {
  const std::shared_ptr<const Tokens> known = in_force_ ? tokens() : nullptr;
  if (!known) return std::nullopt;
  const auto found = std::find_if(known->begin(), known->end(), [name](const Token& token) { return token.name == name; });
  return found == known->end() ? std::nullopt : std::optional(*found);
}

bool AccessControl::TellsDenied(const std::string& name) {
  const MutexLock lock(mutex_);
  const auto [untold, is_first] = untold_.try_emplace(name, 0);
  if (!is_first) ++untold->second;
  return is_first;
}

std::map<std::string, std::uint64_t> AccessControl::TakeUntold() {
  const MutexLock lock(mutex_);
  std::map<std::string, std::uint64_t> untold = std::exchange(untold_, {});
  std::erase_if(untold, [](const auto& entry) { return entry.second == 0; });
  return untold;
}

absl::Status AccessControl::RefuseWrong() {
  ++wrong_tokens_;
  const MutexLock lock(mutex_);
  const MonotonicTime now = MonotonicTime::Now();
  if (now - second_ >= absl::Seconds(1)) {
    second_ = now;
    wrong_in_second_ = 0;
  }
  if (++wrong_in_second_ > kWrongTokensPerSecond) {
    return absl::ResourceExhaustedError("too many wrong tokens in this second; whoever has a right one is let in as ever");
  }
  return NotKnown("the token is none of this lab, or was revoked");
}

}  // namespace alloclab::server
