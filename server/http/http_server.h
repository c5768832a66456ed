// A small HTTP server over civetweb, of the web page and of /metrics: GET and HEAD only, a fixed number of threads, one request per
// connection, security headers on every answer. A slow or silent client holds one of the threads for at most kClientTimeoutMs.
//
// A server bound to a loopback address answers only requests whose Host is a loopback name, so that no other site can reach it
// through a browser by renaming itself (DNS rebinding).
//
// Thread safety: the handler is called from several threads at once.
#ifndef ALLOCLAB_SERVER_HTTP_HTTP_SERVER_H_
#define ALLOCLAB_SERVER_HTTP_HTTP_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/http/bind_address.h"
#include "server/http/http_request.h"

struct mg_callbacks;
struct mg_connection;
struct mg_context;

namespace alloclab::server {

inline constexpr int kHttpThreads = 16;
inline constexpr int kHttpQueue = 32;              // connections that wait for a thread
inline constexpr int kHttpRequestBytesMax = 8192;  // request line and headers
inline constexpr int kClientTimeoutMs = 3000;

struct HttpResponse {
  int status = 200;
  std::string type;  // "application/json"
  std::string body;
  std::string etag;  // with quotes; empty: not to be stored by the browser
};

// {"code": "NOT_FOUND", "message": "..."} with the HTTP status that fits.
HttpResponse ErrorResponse(const absl::Status& status);

class HttpServer {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  // Serving when it returns; port 0 picks one. FAILED_PRECONDITION naming `flag`: cannot be bound.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const std::string& flag, BindAddress listen, Handler handler);
  ~HttpServer();  // ends the requests under way; silent clients hold it up for 2 s at most
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  const std::string& address() const { return address_; }  // as bound: "127.0.0.1:41234"

 private:
  HttpServer(Handler handler, bool loopback) : handler_(std::move(handler)), loopback_only_(loopback) {}

  static mg_callbacks Callbacks();
  int Serve(mg_connection* connection) const;
  HttpResponse Answer(mg_connection* connection) const;

  const Handler handler_;
  const bool loopback_only_;
  std::string address_;
  mg_context* context_ = nullptr;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_HTTP_SERVER_H_
