// GET /metrics in the text format of Prometheus.
#ifndef ALLOCLAB_SERVER_HTTP_METRICS_SERVER_H_
#define ALLOCLAB_SERVER_HTTP_METRICS_SERVER_H_

#include <prometheus/metric_family.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "allocators/common/mutex.h"
#include "server/http/http_server.h"

namespace alloclab::server {

// One scrape in the text format; called by one thread at a time.
using Scrape = std::function<std::string()>;

// Scrapes that come while one is made share the next: however many come, one at a time is made, and each began after it was
// asked for.
//
// Thread safety: all methods may be called from any thread.
class SharedScrape {
 public:
  explicit SharedScrape(Scrape make) : make_(std::move(make)) {}

  std::string Text() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const Scrape make_;
  Mutex mutex_;
  Condition ended_;
  std::uint64_t begun_ ABSL_GUARDED_BY(mutex_) = 0, made_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string text_ ABSL_GUARDED_BY(mutex_);  // the last one
};

std::string ToText(const std::vector<prometheus::MetricFamily>& families);

// Whether a request may be answered; what it says otherwise is the answer.
using Authorize = std::function<absl::Status(const HttpRequest&)>;

// Serving when it returns, at HOST:PORT `listen`, to requests under the names of a list with commas (host_names.h) that
// `authorize` lets in (all, without it), by `tls` if there is some; port 0 takes a free one. INVALID_ARGUMENT or
// FAILED_PRECONDITION naming `flag` or --allowed-hosts: no address or list, or it cannot be bound.
absl::StatusOr<std::unique_ptr<HttpServer>> ServeMetrics(const std::string& flag, const std::string& listen,
                                                         const std::string& allowed_hosts, Scrape scrape,
                                                         Authorize authorize = {}, std::shared_ptr<TlsContext> tls = nullptr);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_METRICS_SERVER_H_
