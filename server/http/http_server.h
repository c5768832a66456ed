// A small HTTP server, by TLS or in the clear, of the web page and of /metrics: GET and HEAD, and POST where that is allowed,
// one request per connection, security headers on every answer. A POST carries its values in the address, and must come from
// a page of this very server (its Origin is its Host), so that no other site can make a browser change something here. A
// body is taken at one address alone (HttpPlace::takes_body), and only if the handler, who has seen the head, wants it.
//
// It is a server of its own, on sockets and poll: what Debian has, civetweb, takes a thread for each client, silent ones too,
// and binds its own sockets, so that a bound on connections, the eviction of whoever keeps silent and an address that is bound
// before the server starts (listener.h) cannot be had of it.
//
// It answers only requests whose Host is known (host_names.h), so that no other site can reach it through a browser by renaming
// itself.
//
// Thread safety: the handler is called from several threads at once.
#ifndef ALLOCLAB_SERVER_HTTP_HTTP_SERVER_H_
#define ALLOCLAB_SERVER_HTTP_HTTP_SERVER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/http/bind_address.h"
#include "server/http/host_names.h"
#include "server/http/http_head.h"
#include "server/http/http_request.h"
#include "server/http/http_transport.h"

namespace alloclab::server {

struct HttpResponse {
  int status = 200;
  std::string type;  // "application/json"
  std::string body;
  std::string etag;             // with quotes; empty: not to be stored by the browser
  std::string set_cookie = {};  // NAME=VALUE and its attributes; empty: none
  // Instead of a body: goes on for as long as somebody reads.
  std::shared_ptr<HttpStream> stream = nullptr;
  // Instead of all of the above: what answers when the body of the request, of so many bytes, has come.
  std::function<HttpResponse(std::string body)> take_body = nullptr;
  std::size_t body_bytes = 0;
  // Makes the answer, in the turn of an owner (HttpAnswer::make); status and body are what is said if that does not come in
  // time.
  std::function<HttpResponse()> make = nullptr;
  std::string whose = {};
};

// {"code": "NOT_FOUND", "message": "..."} with the HTTP status that fits.
HttpResponse ErrorResponse(const absl::Status& status);

// An address to serve at, and the option that says so.
struct HttpPlace {
  std::string flag;
  BindAddress listen;
  HostNames names = {};
  bool takes_posts = false;
  std::vector<std::string> takes_body = {};   // the path of the only POST that has a body; empty: none
  std::shared_ptr<TlsContext> tls = nullptr;  // of this place alone; null: HTTP in the clear
};

class HttpServer {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  // Serving when it returns; port 0 picks one. FAILED_PRECONDITION naming the flag: cannot be bound.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const HttpPlace& place, Handler handler);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  const std::string& address() const { return address_; }  // as bound: "127.0.0.1:41234"

 private:
  HttpServer(const HttpPlace& place, Handler handler, Listener listener);

  HttpAnswer Respond(absl::string_view bytes, const std::string& peer) const;
  HttpResponse Answer(const HttpHead& head, const std::string& peer) const;
  HttpAnswer ToAnswer(HttpResponse response, bool with_body) const;
  std::string ToBytes(const HttpResponse& response, bool with_body) const;

  const HostNames names_;
  const bool takes_posts_, by_tls_;
  const std::vector<std::string> takes_body_;
  const Handler handler_;
  const std::string address_;
  HttpTransport transport_;  // last: it stops first
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_HTTP_SERVER_H_
