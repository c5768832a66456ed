// The built-in web page: its files, its data, and the HTTP server that brings both to a browser. Its pages read, follow
// what changes by streams, and work on instances, runs and traces as the services do.
//
// Answers below /api take turns by the owner of a token (http_transport.h).
#ifndef ALLOCLAB_SERVER_WEB_WEB_SERVER_H_
#define ALLOCLAB_SERVER_WEB_WEB_SERVER_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/http/http_server.h"
#include "server/web/web_access.h"
#include "server/web/web_api.h"

namespace alloclab::server {

class WebServer {
 public:
  // Serving when it returns, by `tls` if there is some; stops when it is destroyed, within two seconds.
  // INVALID_ARGUMENT: a URL of `subjects` that is not http(s); FAILED_PRECONDITION: cannot be bound.
  static absl::StatusOr<std::unique_ptr<WebServer>> Start(const BindAddress& listen, WebSubjects subjects, HostNames names = {},
                                                          std::shared_ptr<TlsContext> tls = nullptr);

  ~WebServer();

  const std::string& address() const { return http_->address(); }  // as bound: "127.0.0.1:7412"

 private:
  explicit WebServer(WebSubjects subjects);
  HttpResponse Answer(const HttpRequest& request);
  HttpResponse AnswerData(const HttpRequest& request, const Bearer& who);
  HttpResponse Stream(HttpRequest request, const Bearer& who);
  HttpResponse Upload(HttpRequest request, const Bearer& who);

  std::unique_ptr<WebAccess> access_;  // null: everybody may do everything
  WebApi api_;
  std::map<std::string, HttpResponse> files_;  // by path without the first slash
  std::unique_ptr<HttpServer> http_;           // last: it stops first
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_WEB_WEB_SERVER_H_
