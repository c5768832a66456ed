#include "server/http/metrics_server.h"

#include <prometheus/text_serializer.h>

#include <utility>

#include "server/errors.h"
#include "server/http/bind_address.h"

namespace alloclab::server {
namespace {

HttpResponse Answer(SharedScrape& scrape, const HttpRequest& request) {
  if (request.path != std::vector<std::string>{"metrics"}) return ErrorResponse(absl::NotFoundError("expected /metrics"));
  return {.status = 200, .type = "text/plain; version=0.0.4; charset=utf-8", .body = scrape.Text(), .etag = {}};
}

}  // namespace

std::string ToText(const std::vector<prometheus::MetricFamily>& families) {
  return prometheus::TextSerializer().Serialize(families);
}

std::string SharedScrape::Text() {
  {
    const MutexLock lock(mutex_);
    const std::uint64_t wanted = begun_ + 1;
    while (made_ < wanted && made_ != begun_) ended_.Wait(mutex_);
    if (made_ >= wanted) return text_;
    ++begun_;
  }
  std::string text = make_();
  const MutexLock lock(mutex_);
  text_ = text;
  made_ = begun_;
  ended_.NotifyAll();
  return text;
}

absl::StatusOr<std::unique_ptr<HttpServer>> ServeMetrics(const std::string& flag, const std::string& listen,
                                                         const std::string& allowed_hosts, Scrape scrape, Authorize authorize,
                                                         std::shared_ptr<TlsContext> tls) {
  const absl::StatusOr<BindAddress> address = ParseBindAddress(flag, listen);
  if (!address.ok()) return address.status();
  const absl::StatusOr<HostNames> names = HostNames::Parse(allowed_hosts);
  if (!names.ok()) return errors::BadField("--allowed-hosts", std::string(names.status().message()));
  return HttpServer::Start({.flag = flag, .listen = *address, .names = *names, .tls = std::move(tls)},
                           [shared = std::make_shared<SharedScrape>(std::move(scrape)),
                            authorize = std::move(authorize)](const HttpRequest& request) {
                             const absl::Status status = authorize ? authorize(request) : absl::OkStatus();
                             return status.ok() ? Answer(*shared, request) : ErrorResponse(status);
                           });
}

}  // namespace alloclab::server
