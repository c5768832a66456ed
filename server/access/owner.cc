#include "server/access/owner.h"

#include <fmt/format.h>

namespace alloclab::server {

absl::Status CheckOwner(const Bearer& who, std::string_view owner, std::string_view what) {
  if (who.name.empty() || who.role == Role::kAdmin || who.name == owner) return absl::OkStatus();
  if (owner.empty()) {
    return absl::PermissionDeniedError(
        fmt::format("{} was made without a token, so that only an admin may change it; {} is none", what, who.name));
  }
  return absl::PermissionDeniedError(
      fmt::format("{} belongs to {}: only {} and admins may change it, not {}", what, owner, owner, who.name));
}

std::string RequestIdOf(std::string_view owner, const std::string& request_id) {
  return owner.empty() || request_id.empty() ? request_id : fmt::format("{}/{}", owner, request_id);
}

}  // namespace alloclab::server
