#include "server/metrics/metrics_endpoint.h"

#include <memory>
#include <optional>
#include <utility>

#include "server/http/metric_family.h"
#include "server/http/metrics_server.h"
#include "server/limits.h"
#include "server/metrics/machine_families.h"
#include "server/metrics/process_metrics.h"
#include "server/version.h"

namespace alloclab::server {
namespace {

using prometheus::MetricType;

void AddGauge(std::vector<prometheus::MetricFamily>& families, std::string_view name, std::string_view help, double value) {
  Family family(name, help, MetricType::Gauge);
  family.Add({}, value);
  families.push_back(std::move(family).Take());
}

void AddRuns(const RunExecutor& runs, std::vector<prometheus::MetricFamily>& families) {
  const RunExecutor::Census census = runs.Count();
  Family now("alloclab_server_runs", "Runs that wait and that are replayed.", MetricType::Gauge);
  now.Add({{"state", "queued"}}, std::uint64_t{census.queued});
  now.Add({{"state", "running"}}, std::uint64_t{census.running});
  families.push_back(std::move(now).Take());
  Family ended("alloclab_server_runs_ended_total", "Runs that ended since the server started, by how.", MetricType::Counter);
  for (const RunState state : {RunState::kSucceeded, RunState::kFailed, RunState::kCancelled, RunState::kInterrupted}) {
    ended.Add({{"state", RunStateName(state)}}, census.ended[static_cast<std::size_t>(state)]);
  }
  families.push_back(std::move(ended).Take());
  Family different("alloclab_server_runs_different_total",
                   "Of these, runs that came to something else than an earlier run of the same, which must not be.",
                   MetricType::Counter);
  different.Add({}, census.different);
  families.push_back(std::move(different).Take());
  AddGauge(families, "alloclab_server_queue_operations", "Operations of the runs that wait.",
           static_cast<double>(census.queued_operations));
}

void AddConnections(const ConnectionFigures& connections, std::vector<prometheus::MetricFamily>& families) {
  AddGauge(families, "alloclab_server_connections", "Open connections to gRPC.", static_cast<double>(connections.open));
  AddGauge(families, "alloclab_server_connections_limit", "Connections to gRPC that may be open.",
           static_cast<double>(connections.max));
  Family ended("alloclab_server_connections_ended_total",
               "Connections that the server hung up on, by why: refused as there were too many, of strangers without a token "
               "or silent while others wanted in, guests whose stay was over, or clients that cancelled calls too often, or "
               "whose owner had too many.",
               MetricType::Counter);
  ended.Add({{"reason", "refused"}}, connections.refused);
  ended.Add({{"reason", "stranger"}}, connections.strangers);
  ended.Add({{"reason", "silent"}}, connections.silent);
  ended.Add({{"reason", "guest"}}, connections.guests);
  ended.Add({{"reason", "cancels"}}, connections.vain);
  families.push_back(std::move(ended).Take());
}

void AddServer(const MetricsSources& sources, std::vector<prometheus::MetricFamily>& families) {
  Family info("alloclab_server_info", "Always 1: which server this is.", MetricType::Gauge);
  info.Add({{"version", Version()}, {"commit", Commit()}}, 1.0);
  families.push_back(std::move(info).Take());
  AddGauge(families, "alloclab_server_instances", "Instances that live.", sources.instances.size());
  AddGauge(families, "alloclab_server_instances_limit", "Instances that may live.", sources.instances.instances_max());
  AddGauge(families, "alloclab_server_inflight_streams", "Open data streams.", static_cast<double>(sources.open_streams()));
  AddGauge(families, "alloclab_server_held_bytes", "Host memory that instances, runs, traces and uploads hold.",
           static_cast<double>(sources.budget.held_bytes()));
  AddGauge(families, "alloclab_server_held_bytes_limit", "Host memory that they may hold.",
           static_cast<double>(sources.budget.limits().held_bytes));
  AddGauge(families, "alloclab_server_promised_ram_bytes", "RAM promised to instances and runs.",
           static_cast<double>(sources.budget.promised_ram_bytes()));
}

}  // namespace

std::vector<prometheus::MetricFamily> CollectMetrics(const MetricsSources& sources) {
  std::vector<prometheus::MetricFamily> families;
  AddServer(sources, families);
  AddConnections(sources.connections(), families);
  AddRuns(sources.runs, families);
  AddMachineFamilies(sources.heaps.Read(), families);
  sources.rpcs.AddFamilies(families);
  AddProcessFamilies(families);
  std::erase_if(families, [](const prometheus::MetricFamily& family) { return family.metric.empty(); });
  return families;
}

std::string ScrapeText(const MetricsSources& sources, AnswerCache<std::string>& cache) {
  static const std::string kQuestion = "/metrics";
  if (const std::optional<std::string> shared = cache.Find(kQuestion)) return *shared;
  std::string text = ToText(CollectMetrics(sources));
  if (sources.instances.size() > kOthersReadMax) cache.Put(kQuestion, text);
  return text;
}

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Start(const std::string& listen, MetricsSources sources,
                                                                        const std::string& allowed_hosts, Authorize authorize,
                                                                        std::shared_ptr<TlsContext> tls) {
  const auto cache = std::make_shared<AnswerCache<std::string>>(MonotonicTime::Now, kScrapeAgeMax);
  const Scrape scrape = [sources = std::move(sources), cache] { return ScrapeText(sources, *cache); };
  auto http = ServeMetrics("--metrics-listen", listen, allowed_hosts, scrape, std::move(authorize), std::move(tls));
  if (!http.ok()) return http.status();
  return std::unique_ptr<MetricsEndpoint>(new MetricsEndpoint(*std::move(http)));
}

}  // namespace alloclab::server
