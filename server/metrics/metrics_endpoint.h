// GET /metrics. Everything is read when it is asked for; a scrape never waits for a long batch.
#ifndef ALLOCLAB_SERVER_METRICS_METRICS_ENDPOINT_H_
#define ALLOCLAB_SERVER_METRICS_METRICS_ENDPOINT_H_

#include <prometheus/metric_family.h>

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
#include "server/http/http_server.h"
#include "server/metrics/rpc_metrics.h"

namespace alloclab::server {

// What is measured; all outlive the endpoint.
struct MetricsSources {
  HeapDirectory& heaps;
  const InstanceRegistry& instances;
  const RunExecutor& runs;
  const RpcMetrics& rpcs;
  const HostBudget& budget;
  std::function<std::size_t()> open_streams;
};

// One scrape, family by family.
std::vector<prometheus::MetricFamily> CollectMetrics(const MetricsSources& sources);

class MetricsEndpoint {
 public:
  // Serving when it returns. INVALID_ARGUMENT or FAILED_PRECONDITION naming the flag: no address, or it cannot be bound.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Start(const std::string& listen, MetricsSources sources);

  const std::string& address() const { return http_->address(); }

 private:
  explicit MetricsEndpoint(std::unique_ptr<HttpServer> http) : http_(std::move(http)) {}

  const std::unique_ptr<HttpServer> http_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_METRICS_METRICS_ENDPOINT_H_
