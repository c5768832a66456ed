// GET /metrics. Everything is read when it is asked for, but with many instances it is shared by those who ask within
// kScrapeAgeMax; a scrape never waits for a long batch.
#ifndef ALLOCLAB_SERVER_METRICS_METRICS_ENDPOINT_H_
#define ALLOCLAB_SERVER_METRICS_METRICS_ENDPOINT_H_

#include <prometheus/metric_family.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/collections/heap_directory.h"
#include "server/collections/instance_registry.h"
#include "server/collections/run_executor.h"
#include "server/entities/host_budget.h"
#include "server/http/answer_cache.h"
#include "server/http/http_server.h"
#include "server/http/metrics_server.h"
#include "server/metrics/rpc_metrics.h"

namespace alloclab::server {

// Connections to gRPC.
struct ConnectionFigures {
  std::uint64_t open = 0, max = 0, refused = 0, strangers = 0, silent = 0, guests = 0, vain = 0;
};

// What is measured; all outlive the endpoint.
struct MetricsSources {
  HeapDirectory& heaps;
  const InstanceRegistry& instances;
  const RunExecutor& runs;
  const RpcMetrics& rpcs;
  const HostBudget& budget;
  std::function<std::size_t()> open_streams;
  std::function<ConnectionFigures()> connections;
};

// One scrape, family by family.
std::vector<prometheus::MetricFamily> CollectMetrics(const MetricsSources& sources);

// The same in the text format; with more than kOthersReadMax instances it may be one from `cache`, and is put there.
std::string ScrapeText(const MetricsSources& sources, AnswerCache<std::string>& cache);

class MetricsEndpoint {
 public:
  // Serving when it returns, to whom `authorize` lets in, by `tls` if there is some. INVALID_ARGUMENT or
  // FAILED_PRECONDITION naming the flag: no address, or it cannot be bound.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Start(const std::string& listen, MetricsSources sources,
                                                                const std::string& allowed_hosts = "", Authorize authorize = {},
                                                                std::shared_ptr<TlsContext> tls = nullptr);

  const std::string& address() const { return http_->address(); }

 private:
  explicit MetricsEndpoint(std::unique_ptr<HttpServer> http) : http_(std::move(http)) {}

  const std::unique_ptr<HttpServer> http_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_METRICS_METRICS_ENDPOINT_H_
