// Who may use the web page and its data: whoever shows a token, or has signed in with one. A browser then has a cookie that
// scripts cannot read (HttpOnly) and that no other site can make it send (SameSite=Strict).
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_WEB_WEB_ACCESS_H_
#define ALLOCLAB_SERVER_WEB_WEB_ACCESS_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "server/access/access_control.h"
#include "server/access/sessions.h"
#include "server/http/http_server.h"

namespace alloclab::server {

class WebAccess {
 public:
  // `access` outlives it.
  explicit WebAccess(AccessControl& access);

  // To a request below /api: a refusal, or what /api/session says. Nothing: it may be answered.
  std::optional<HttpResponse> Answer(const HttpRequest& request);

  // Tells the log who changed what, once tokens are in force.
  void Audit(const HttpRequest& request, const absl::Status& outcome);

  // Who asks, and may do that: a viewer to read, a user to change, an admin to delete runs.
  absl::StatusOr<Bearer> Admit(const HttpRequest& request);

 private:
  HttpResponse OpenSession(const HttpRequest& request);
  std::string SetCookie(const std::string& session, absl::Duration life) const;

  AccessControl& access_;
  Sessions sessions_;
  const std::string cookie_;  // its name: browsers share cookies among all ports of a host
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_WEB_WEB_ACCESS_H_
