#include "server/web/web_server.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "allocators/common/printable.h"
#include "allocators/common/sha256.h"
#include "server/errors.h"
#include "server/http/json.h"
#include "server/http/web_url.h"
#include "server/web/web_files.h"

namespace alloclab::server {
namespace {

std::string TypeOf(absl::string_view name) {
  if (absl::EndsWith(name, ".html")) return "text/html; charset=utf-8";
  if (absl::EndsWith(name, ".css")) return "text/css; charset=utf-8";
  if (absl::EndsWith(name, ".js")) return "text/javascript; charset=utf-8";
  return "image/svg+xml";
}

HttpResponse JsonResponse(absl::StatusOr<std::string> json) {
  if (!json.ok()) return ErrorResponse(json.status());
  return {.status = 200, .type = std::string(kJsonType), .body = *std::move(json), .etag = {}};
}

// A link of the web page must lead to another page, not run a script.
absl::Status CheckLink(const char* option, const std::string& url) {
  if (url.empty() || IsWebUrl(url)) return absl::OkStatus();
  return errors::BadField(option, fmt::format("\"{}\" is no address of a page; expected http:// or https://", Printable(url)));
}

}  // namespace

WebServer::WebServer(WebSubjects subjects)
    : access_(subjects.access == nullptr ? nullptr : std::make_unique<WebAccess>(*subjects.access)), api_(std::move(subjects)) {
  for (const WebFile& file : WebFiles()) {
    const std::string content(file.content.begin(), file.content.end());
    Sha256 digest;
    digest.Update(content);
    files_[std::string(file.name)] = {
        .status = 200, .type = TypeOf(file.name), .body = content, .etag = fmt::format("\"{}\"", digest.HexDigest())};
  }
}

WebServer::~WebServer() {
  api_.Stop();
  http_.reset();
}

HttpResponse WebServer::Answer(const HttpRequest& request) {
  if (!request.path.empty() && request.path.front() == "api") {
    if (access_) {
      if (std::optional<HttpResponse> answer = access_->Answer(request)) return *std::move(answer);
    }
    const absl::StatusOr<Bearer> who = access_ ? access_->Admit(request) : Bearer();
    if (!who.ok()) return ErrorResponse(who.status());
    if (who->name.empty()) return AnswerData(request, *who);  // in the turn of his address
    HttpResponse response = ErrorResponse(errors::TooManyAnswers(who->name, kHttpThreads / 2));
    response.make = [this, request, who = *who] { return AnswerData(request, who); };
    response.whose = who->name;
    return response;
  }
  const auto file = files_.find(request.path.empty() ? "index.html" : absl::StrJoin(request.path, "/"));
  if (file == files_.end()) {
    return ErrorResponse(absl::NotFoundError(
        fmt::format("no address \"/{}\": the web page is at /, its data below /api", absl::StrJoin(request.path, "/"))));
  }
  return file->second;
}

HttpResponse WebServer::AnswerData(const HttpRequest& request, const Bearer& who) {
  if (WebApi::IsLive(request)) return Stream(request, who);
  if (request.changes && request.path == kTracesPath) return Upload(request, who);
  absl::StatusOr<std::string> json = api_.Answer(request, who);
  if (access_) access_->Audit(request, json.status());
  return JsonResponse(std::move(json));
}

HttpResponse WebServer::Stream(HttpRequest request, const Bearer& who) {
  request.caller = who.name;
  auto stream =
      api_.OpenLive(request, [this, request] { return access_ ? access_->Admit(request).status() : absl::OkStatus(); });
  if (!stream.ok()) return ErrorResponse(stream.status());
  return {.status = 200, .type = "text/event-stream", .body = {}, .etag = {}, .stream = *std::move(stream)};
}

HttpResponse WebServer::Upload(HttpRequest request, const Bearer& who) {
  request.caller = who.name;
  auto take = api_.StartUpload(request);
  if (!take.ok()) return ErrorResponse(take.status());
  return {.status = 200,
          .type = {},
          .body = {},
          .etag = {},
          .take_body =
              [this, request, take = *std::move(take)](std::string body) {
                absl::StatusOr<std::string> json = take(std::move(body));
                if (access_) access_->Audit(request, json.status());
                return JsonResponse(std::move(json));
              },
          .body_bytes = request.body_bytes};
}

absl::StatusOr<std::unique_ptr<WebServer>> WebServer::Start(const BindAddress& listen, WebSubjects subjects, HostNames names,
                                                            std::shared_ptr<TlsContext> tls) {
  for (const auto& [option, url] :
       {std::pair{"--prometheus-url", subjects.prometheus_url}, {"--grafana-url", subjects.grafana_url}}) {
    if (absl::Status status = CheckLink(option, url); !status.ok()) return status;
  }
  std::unique_ptr<WebServer> server(new WebServer(std::move(subjects)));
  auto http = HttpServer::Start({"--web-listen", listen, std::move(names), /*takes_posts=*/true, kTracesPath, std::move(tls)},
                                [web = server.get()](const HttpRequest& request) { return web->Answer(request); });
  if (!http.ok()) return http.status();
  server->http_ = *std::move(http);
  return server;
}

}  // namespace alloclab::server
