#include "server/http/http_server.h"

#include <civetweb.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "server/errors.h"
#include "server/http/json.h"

namespace alloclab::server {
namespace {

// Scripts, styles and data from this server only; nothing inline, nothing framed.
constexpr absl::string_view kSecurityHeaders =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
    "'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n";

bool IsLoopbackName(absl::string_view host) {
  return host == "localhost" || host == "[::1]" ||
         (absl::StartsWith(host, "127.") && host.find_first_not_of("0123456789.") == absl::string_view::npos);
}

// The name in a Host header, without its port.
absl::string_view HostName(absl::string_view header) {
  const std::size_t colon = header.rfind(':');
  const std::size_t bracket = header.rfind(']');
  if (colon == absl::string_view::npos || (bracket != absl::string_view::npos && colon < bracket)) return header;
  return header.substr(0, colon);
}

absl::string_view Header(const mg_connection* connection, const char* name) {
  const char* const value = mg_get_header(connection, name);
  return value == nullptr ? absl::string_view() : absl::string_view(value);
}

int CountHosts(const mg_request_info& info) {
  return static_cast<int>(std::count_if(info.http_headers, info.http_headers + info.num_headers,
                                        [](const mg_header& header) { return absl::EqualsIgnoreCase(header.name, "Host"); }));
}

absl::string_view Reason(int status) {
  const char* const text = mg_get_response_code_text(nullptr, status);
  return text == nullptr ? "" : text;
}

void Send(mg_connection* connection, const HttpResponse& response, bool with_body) {
  std::string out = absl::StrCat("HTTP/1.1 ", response.status, " ", Reason(response.status), "\r\n", kSecurityHeaders,
                                 "Connection: close\r\nContent-Length: ", response.body.size(), "\r\n");
  if (!response.type.empty()) absl::StrAppend(&out, "Content-Type: ", response.type, "\r\n");
  if (response.status == 405) absl::StrAppend(&out, "Allow: GET, HEAD\r\n");
  absl::StrAppend(&out, response.etag.empty() ? "Cache-Control: no-store\r\n"
                                              : absl::StrCat("Cache-Control: no-cache\r\nETag: ", response.etag, "\r\n"));
  absl::StrAppend(&out, "\r\n", with_body ? absl::string_view(response.body) : absl::string_view());
  mg_write(connection, out.data(), out.size());
}

int HttpStatus(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return 400;
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

}  // namespace

HttpResponse ErrorResponse(const absl::Status& status) {
  return {.status = HttpStatus(status.code()), .type = std::string(kJsonType), .body = ErrorJson(status), .etag = {}};
}

HttpResponse HttpServer::Answer(mg_connection* connection) const {
  const mg_request_info& info = *mg_get_request_info(connection);
  const absl::string_view method = info.request_method;
  if (method != "GET" && method != "HEAD") {
    return ErrorResponse(absl::UnimplementedError("this server only reads: expected method GET or HEAD"));
  }
  if (CountHosts(info) > 1) {
    return ErrorResponse(absl::InvalidArgumentError("the request has more than one Host header: one is expected"));
  }
  if (loopback_only_ && !IsLoopbackName(HostName(Header(connection, "Host")))) {
    return ErrorResponse(absl::PermissionDeniedError(
        "the Host header names another host: a server bound to loopback expects localhost, 127.0.0.1 or [::1]"));
  }
  absl::StatusOr<HttpRequest> request =
      ParseTarget(info.request_uri == nullptr ? "" : info.request_uri, info.query_string == nullptr ? "" : info.query_string);
  if (!request.ok()) return ErrorResponse(request.status());
  request->if_none_match = std::string(Header(connection, "If-None-Match"));
  HttpResponse response = handler_(*request);
  if (!response.etag.empty() && response.etag == request->if_none_match) {
    return {.status = 304, .type = {}, .body = {}, .etag = std::move(response.etag)};
  }
  return response;
}

int HttpServer::Serve(mg_connection* connection) const {
  const HttpResponse response = Answer(connection);
  Send(connection, response, absl::string_view(mg_get_request_info(connection)->request_method) != "HEAD");
  return response.status;
}

mg_callbacks HttpServer::Callbacks() {
  mg_callbacks callbacks{};
  callbacks.begin_request = [](mg_connection* connection) {
    return static_cast<const HttpServer*>(mg_get_request_info(connection)->user_data)->Serve(connection);
  };
  // What civetweb refuses by itself: a request that is not HTTP or too large.
  callbacks.http_error = [](mg_connection* connection, int status, const char*) {
    HttpResponse response = ErrorResponse(absl::InvalidArgumentError(
        absl::StrCat("bad request: expected HTTP/1.1 with at most ", kHttpRequestBytesMax, " bytes of headers")));
    response.status = status;
    Send(connection, response, true);
    return 0;
  };
  callbacks.log_message = [](const mg_connection*, const char*) { return 1; };
  return callbacks;
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const std::string& flag, BindAddress listen, Handler handler) {
  if (listen.host.find(':') != std::string::npos && mg_check_feature(MG_FEATURES_IPV6) == 0) {
    return errors::CannotListen(flag, ToString(listen), "HTTP is served over IPv4 only");
  }
  if (absl::Status status = CheckBindable(flag, listen); !status.ok()) return status;
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(handler), IsLoopback(listen)));
  if (listen.host == "localhost") listen.host = "127.0.0.1";  // civetweb takes numbers only
  if (listen.host == "*") listen.host = "0.0.0.0";
  const std::string bind = ToString(listen);
  const std::string threads = absl::StrCat(kHttpThreads), queue = absl::StrCat(kHttpQueue);
  const std::string request_bytes = absl::StrCat(kHttpRequestBytesMax), timeout = absl::StrCat(kClientTimeoutMs);
  std::array<const char*, 17> options = {"listening_ports",
                                         bind.c_str(),
                                         "num_threads",
                                         threads.c_str(),
                                         "connection_queue",
                                         queue.c_str(),
                                         "max_request_size",
                                         request_bytes.c_str(),
                                         "request_timeout_ms",
                                         timeout.c_str(),
                                         "enable_keep_alive",
                                         "no",
                                         "decode_url",
                                         "no",
                                         "linger_timeout_ms",
                                         "100",
                                         nullptr};
  const mg_callbacks callbacks = Callbacks();
  std::array<char, 256> why{};
  unsigned code = 0;
  mg_init_data init{.callbacks = &callbacks, .user_data = server.get(), .configuration_options = options.data()};
  mg_error_data error{.code = &code, .text = why.data(), .text_buffer_size = why.size()};
  server->context_ = mg_start2(&init, &error);
  if (server->context_ == nullptr) return errors::CannotListen(flag, bind, why.data());
  mg_server_port port{};
  mg_get_server_ports(server->context_, 1, &port);
  listen.port = port.port;
  server->address_ = ToString(listen);
  return server;
}

// civetweb looks whether it should stop every two seconds, and whenever somebody connects.
HttpServer::~HttpServer() {
  if (context_ == nullptr) return;
  std::atomic<bool> stopped{false};
  std::thread knocking([&] {
    const absl::StatusOr<BindAddress> self = ParseBindAddress(address_);
    while (!stopped && self.ok()) {
      Knock(*self);
      absl::SleepFor(absl::Milliseconds(5));
    }
  });
  mg_stop(context_);
  stopped = true;
  knocking.join();
}

}  // namespace alloclab::server
