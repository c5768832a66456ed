// Sign-ins of a browser: what it keeps instead of the token, which then is nowhere in it.
//
// A session is the name of a token, a time and their HMAC-SHA-256 with the token's digest, under a key of this process. Nothing
// of it is stored, so that nobody can fill anything up; it ends with the token, after kSessionLife, or with the server.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_ACCESS_SESSIONS_H_
#define ALLOCLAB_SERVER_ACCESS_SESSIONS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/access/access_control.h"
#include "server/access/token.h"

namespace alloclab::server {

inline constexpr absl::Duration kSessionLife = absl::Hours(12);

class Sessions {
 public:
  // `access` outlives it.
  explicit Sessions(AccessControl& access);

  // A session for who shows this header; letters, digits and ._- alone. Errors of AccessControl::Admit.
  absl::StatusOr<std::string> Open(std::string_view authorization);
  // As AccessControl::Admit, for who shows a session; empty: none.
  absl::StatusOr<Bearer> Admit(std::string_view session, Role least, std::string_view what) const;

 private:
  std::string Sign(std::string_view name, std::string_view until, std::string_view digest) const;

  AccessControl& access_;
  const std::string key_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ACCESS_SESSIONS_H_
