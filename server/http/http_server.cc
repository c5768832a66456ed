#include "server/http/http_server.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/errors.h"
#include "server/http/json.h"

namespace alloclab::server {
namespace {

constexpr std::uint32_t kHandshakesAtOnce = 200;  // with one address: each request is one, and a page is many

// Scripts, styles and data from this server only; nothing inline, nothing framed. With TLS too no Strict-Transport-Security: it
// would hold for every port of the host, Grafana's too.
constexpr absl::string_view kSecurityHeaders =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
    "'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n";

absl::string_view Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Internal Server Error";
  }
}

int HttpStatus(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kUnimplemented:
      return 405;
    case absl::StatusCode::kFailedPrecondition:
      return 409;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

// Without TLS the page may still have come through a proxy that speaks it.
absl::Status CheckOrigin(const HttpHead& head, bool by_tls) {
  const absl::string_view origin = head.Header("Origin"), host = head.Header("Host");
  const bool own = origin == absl::StrCat("https://", host) || (!by_tls && origin == absl::StrCat("http://", host));
  if (head.Count("Origin") == 1 && own) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(
      "a POST must come from this server's own page: expected the header Origin: ", by_tls ? "https" : "http", "://HOST"));
}

// The length of the body of a POST, which it has exactly where it may.
absl::StatusOr<std::uint64_t> BodyBytes(const HttpHead& head, bool takes_body) {
  const absl::string_view text = head.Header("Content-Length");
  std::uint64_t bytes = 0;
  const bool plain =
      head.Count("Transfer-Encoding") == 0 && head.Count("Content-Length") <= 1 &&
      (text.empty() || (std::all_of(text.begin(), text.end(), absl::ascii_isdigit) && absl::SimpleAtoi(text, &bytes)));
  if (plain && (bytes > 0) == takes_body) return bytes;
  return absl::InvalidArgumentError(takes_body ? "this POST brings a file: expected a body, and one header Content-Length"
                                               : "a POST carries its values in the address: expected no body");
}

}  // namespace

HttpResponse ErrorResponse(const absl::Status& status) {
  return {.status = HttpStatus(status.code()), .type = std::string(kJsonType), .body = ErrorJson(status), .etag = {}};
}

namespace {

HttpResponse InTheClear() {
  return ErrorResponse(absl::InvalidArgumentError("this port speaks TLS: ask for https://, not http://"));
}

HttpResponse Busy() { return ErrorResponse(errors::TooManyAnswers("this address", kHttpThreads / 2)); }

}  // namespace

HttpServer::HttpServer(const HttpPlace& place, Handler handler, Listener listener)
    : names_(place.names),
      takes_posts_(place.takes_posts),
      by_tls_(place.tls != nullptr),
      takes_body_(place.takes_body),
      handler_(std::move(handler)),
      address_(ToString(listener.address())),
      transport_(std::move(listener), {place.tls, ToBytes(InTheClear(), /*with_body=*/true)},
                 ToBytes(Busy(), /*with_body=*/true),
                 [this](absl::string_view bytes, const std::string& peer) { return Respond(bytes, peer); }) {}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpPlace& place, Handler handler) {
  absl::StatusOr<Listener> listener = Listener::Open(place.flag, place.listen);
  if (!listener.ok()) return listener.status();
  if (place.tls != nullptr) listener->PaceHandshakes(kHandshakesAtOnce, place.tls->handshakes_max());
  return std::unique_ptr<HttpServer>(new HttpServer(place, std::move(handler), *std::move(listener)));
}

HttpAnswer HttpServer::Respond(absl::string_view bytes, const std::string& peer) const {
  const absl::StatusOr<HttpHead> head = ParseHead(bytes);
  if (!head.ok()) return ToAnswer(ErrorResponse(head.status()), true);
  return ToAnswer(Answer(*head, peer), head->method != "HEAD");
}

HttpAnswer HttpServer::ToAnswer(HttpResponse response, bool with_body) const {
  if (response.make != nullptr) {
    HttpAnswer answer{.bytes = ToBytes(response, with_body)};
    answer.make = [this, make = std::move(response.make), with_body] { return ToAnswer(make(), with_body); };
    answer.whose = std::move(response.whose);
    return answer;
  }
  if (response.take_body != nullptr) {
    return {
        .bytes = {}, .body_bytes = response.body_bytes, .take = [this, take = std::move(response.take_body)](std::string body) {
          return ToAnswer(take(std::move(body)), true);
        }};
  }
  HttpAnswer answer{.bytes = ToBytes(response, with_body)};
  if (with_body) answer.stream = std::move(response.stream);
  return answer;
}

std::string HttpServer::ToBytes(const HttpResponse& response, bool with_body) const {
  std::string out = absl::StrCat("HTTP/1.1 ", response.status, " ", Reason(response.status), "\r\n", kSecurityHeaders,
                                 "Connection: close\r\n");
  if (response.stream == nullptr) absl::StrAppend(&out, "Content-Length: ", response.body.size(), "\r\n");
  if (response.stream != nullptr) absl::StrAppend(&out, "X-Accel-Buffering: no\r\n");  // proxies must not collect it
  if (!response.type.empty()) absl::StrAppend(&out, "Content-Type: ", response.type, "\r\n");
  if (response.status == 401) absl::StrAppend(&out, "WWW-Authenticate: Bearer\r\n");
  if (!response.set_cookie.empty())
    absl::StrAppend(&out, "Set-Cookie: ", response.set_cookie, by_tls_ ? "; Secure\r\n" : "\r\n");
  if (response.status == 405) absl::StrAppend(&out, "Allow: GET, HEAD", takes_posts_ ? ", POST" : "", "\r\n");
  absl::StrAppend(&out, response.etag.empty() ? "Cache-Control: no-store\r\n"
                                              : absl::StrCat("Cache-Control: no-cache\r\nETag: ", response.etag, "\r\n"));
  absl::StrAppend(&out, "\r\n", with_body ? absl::string_view(response.body) : absl::string_view());
  return out;
}

HttpResponse HttpServer::Answer(const HttpHead& head, const std::string& peer) const {
  const bool changes = takes_posts_ && head.method == "POST";
  if (!changes && head.method != "GET" && head.method != "HEAD") {
    return ErrorResponse(absl::UnimplementedError(takes_posts_ ? "expected method GET, HEAD or POST"
                                                               : "this server only reads: expected method GET or HEAD"));
  }
  for (const char* name : {"Host", "Authorization", "Cookie"}) {
    if (head.Count(name) < 2) continue;
    return ErrorResponse(
        absl::InvalidArgumentError(absl::StrCat("the request has more than one ", name, " header: one is expected")));
  }
  if (absl::Status status = names_.Check(head.Header("Host")); !status.ok()) return ErrorResponse(status);
  if (absl::Status status = changes ? CheckOrigin(head, by_tls_) : absl::OkStatus(); !status.ok()) return ErrorResponse(status);
  absl::StatusOr<HttpRequest> request = ParseTarget(head.path, head.query);
  if (!request.ok()) return ErrorResponse(request.status());
  const bool takes_body = changes && !takes_body_.empty() && request->path == takes_body_;
  const absl::StatusOr<std::uint64_t> body_bytes = changes ? BodyBytes(head, takes_body) : std::uint64_t{0};
  if (!body_bytes.ok()) return ErrorResponse(body_bytes.status());
  request->changes = changes;
  request->peer = peer;
  request->body_bytes = *body_bytes;
  request->if_none_match = std::string(head.Header("If-None-Match"));
  request->authorization = std::string(head.Header("Authorization"));
  request->cookie = std::string(head.Header("Cookie"));
  HttpResponse response = handler_(*request);
  if (!response.etag.empty() && response.etag == request->if_none_match) {
    return {.status = 304, .type = {}, .body = {}, .etag = std::move(response.etag)};
  }
  return response;
}

}  // namespace alloclab::server
