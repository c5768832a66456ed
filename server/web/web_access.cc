#include "server/web/web_access.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "alloclab/v1/web.pb.h"
#include "server/access/rpc_roles.h"
#include "server/http/json.h"
#include "server/log.h"

namespace alloclab::server {
namespace {

HttpResponse SessionResponse(bool in_force, const Bearer& bearer) {
  v1::WebSession session;
  session.set_tokens_in_force(in_force);
  if (!bearer.name.empty()) {
    session.set_token(bearer.name);
    session.set_role(std::string(RoleName(bearer.role)));
  }
  absl::StatusOr<std::string> json = ToJson(session);
  if (!json.ok()) return ErrorResponse(json.status());
  return {.status = 200, .type = std::string(kJsonType), .body = *std::move(json), .etag = {}};
}

// The value of a cookie; empty without one.
std::string CookieOf(const std::string& header, const std::string& name) {
  const std::vector<std::string> cookies = absl::StrSplit(header, ';');
  for (absl::string_view cookie : cookies) {
    cookie = absl::StripAsciiWhitespace(cookie);
    if (absl::ConsumePrefix(&cookie, name) && absl::ConsumePrefix(&cookie, "=")) return std::string(cookie);
  }
  return "";
}

bool DeletesRun(const HttpRequest& request) {
  return request.path.size() == 4 && request.path[1] == "runs" && request.path[3] == "delete";
}

Role LeastToDeleteRuns() { return FindRpcRole("/alloclab.v1.Runs/DeleteRun")->least.value(); }

}  // namespace

WebAccess::WebAccess(AccessControl& access)
    : access_(access), sessions_(access), cookie_("alloclab_" + DigestOfSecret(MakeSecret()).substr(0, 8)) {}

absl::StatusOr<Bearer> WebAccess::Admit(const HttpRequest& request) {
  if (!access_.in_force()) return Bearer();
  const Role least = !request.changes ? Role::kViewer : DeletesRun(request) ? LeastToDeleteRuns() : Role::kUser;
  const std::string_view what = request.changes ? "what changes something" : "the web page";
  if (!request.authorization.empty()) return access_.Admit(request.authorization, least, what);
  return sessions_.Admit(CookieOf(request.cookie, cookie_), least, what);
}

void WebAccess::Audit(const HttpRequest& request, const absl::Status& outcome) {
  if (!request.changes) return;
  const absl::StatusOr<Bearer> bearer = Admit(request);
  if (!bearer.ok() || bearer->name.empty()) return;
  Log(LogLevel::kInfo, "access.change",
      {{"who", bearer->name},
       {"method", "POST"},
       {"target", "/" + absl::StrJoin(request.path, "/")},
       {"outcome", absl::StatusCodeToString(outcome.code())}});
}

std::optional<HttpResponse> WebAccess::Answer(const HttpRequest& request) {
  const bool session = request.path.size() > 1 && request.path[1] == "session";
  if (session && !request.changes && request.path.size() == 2) {
    return SessionResponse(access_.in_force(), Admit(request).value_or(Bearer()));
  }
  if (session && request.changes && request.path.size() == 3) {
    if (request.path[2] == "open") return OpenSession(request);
    if (request.path[2] == "close") {
      HttpResponse response = SessionResponse(access_.in_force(), {});
      response.set_cookie = SetCookie("", absl::ZeroDuration());
      return response;
    }
  }
  const absl::Status status = Admit(request).status();
  if (status.ok()) return std::nullopt;
  return ErrorResponse(status);
}

HttpResponse WebAccess::OpenSession(const HttpRequest& request) {
  if (!access_.in_force()) return SessionResponse(false, {});
  const absl::StatusOr<std::string> session = sessions_.Open(request.authorization);
  if (!session.ok()) return ErrorResponse(session.status());
  HttpResponse response = SessionResponse(true, access_.Identify(request.authorization));
  response.set_cookie = SetCookie(*session, kSessionLife);
  return response;
}

std::string WebAccess::SetCookie(const std::string& session, absl::Duration life) const {
  return fmt::format("{}={}; Path=/api; Max-Age={}; HttpOnly; SameSite=Strict", cookie_, session, absl::ToInt64Seconds(life));
}

}  // namespace alloclab::server
