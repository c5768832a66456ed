#include "server/server/lab_server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "server/access/access_control.h"
#include "server/collections/guest_library.h"
#include "server/collections/heap_directory.h"
#include "server/collections/instance_registry.h"
#include "server/collections/opened_runs.h"
#include "server/collections/run_executor.h"
#include "server/collections/trace_library.h"
#include "server/errors.h"
#include "server/handlers/ticker.h"
#include "server/http/bind_address.h"
#include "server/limits.h"
#include "server/metrics/metrics_endpoint.h"
#include "server/metrics/rpc_metrics.h"
#include "server/server/access_watch.h"
#include "server/server/grpc_credentials.h"
#include "server/server/grpc_server.h"
#include "server/server/host.h"
#include "server/server/memory_return.h"
#include "server/server/server_card.h"
#include "server/server/tls_options.h"
#include "server/store/postgres_store.h"
#include "server/store/sqlite_store.h"
#include "server/version.h"
#include "server/web/web_server.h"

namespace alloclab::server {
namespace {

HostBudgetLimits BudgetOf(const ServerOptions& options) {
  HostBudgetLimits limits;
  limits.promised_ram_bytes = options.promised_ram_max;
  limits.handles = options.handles_max;
  limits.held_bytes = options.memory_max != 0 ? options.memory_max : HeldBytesDefault(MemoryBytes());
  return limits;
}

// Of one owner, where all may have so many.
template <class Number>
Number BoundOf(Number option, Number all) {
  return option == 0 ? all - all / 2 : option;
}

// Handles and promises have no option of their own.
HostBudgetLimits BudgetOfOne(const ServerOptions& options) {
  HostBudgetLimits limits = BudgetOf(options);
  limits.promised_ram_bytes = BoundOf<std::uint64_t>(0, limits.promised_ram_bytes);
  limits.handles = BoundOf<std::uint64_t>(0, limits.handles);
  limits.held_bytes = BoundOf(options.owner_memory_max, limits.held_bytes);
  return limits;
}

RunExecutor::Limits RunLimitsOf(const ServerOptions& options) {
  RunExecutor::Limits limits;
  limits.threads = options.run_threads != 0 ? options.run_threads : std::max(1u, std::thread::hardware_concurrency());
  limits.spare_threads = kSpareRunThreads;
  limits.queued_runs = options.queued_runs_max;
  limits.queued_of_one = BoundOf(options.owner_queued_runs_max, options.queued_runs_max);
  limits.running_of_one = options.owner_runs_max == 0 ? UINT32_MAX : options.owner_runs_max;
  limits.stored_runs = options.stored_runs_max;
  limits.stored_of_one = BoundOf(options.owner_stored_runs_max, options.stored_runs_max);
  limits.retire_runs = options.runs_retire;
  limits.retire_traces = options.traces_retire;
  const auto age_of = [](absl::Duration age) { return age > absl::ZeroDuration() ? age : absl::InfiniteDuration(); };
  limits.runs_age = age_of(options.runs_age);
  for (const auto& [owner, age] : options.runs_age_of) limits.runs_age_of[owner] = age_of(age);
  return limits;
}

NativeAllocators NativesOf(const ServerOptions& options) {
  NativeAllocators::Settings settings;
  settings.program = options.native_program;
  settings.time_max = options.native_time_max;
  settings.named = NativeAllocators::ParseNamed(options.native_allocators).value_or(std::map<std::string, std::string>());
  return NativeAllocators(std::move(settings));
}

absl::StatusOr<std::unique_ptr<RunStore>> OpenStore(const ServerOptions& options) {
  if (options.store.empty()) return SqliteStore::Open(options.data_dir);
  absl::StatusOr<std::unique_ptr<RunStore>> store =
      PostgresStore::Open(options.store, {.server_name = fmt::format("{} (process {})", HostName(), getpid())});
  if (!absl::IsUnavailable(store.status())) return store;
  const std::string why(store.status().message());
  const bool no_password = absl::StrContains(why, "no password supplied");
  return absl::UnavailableError(fmt::format(
      "--store {}: {}{}", options.store, why,
      no_password ? "; the password is expected in PGPASSWORD, or in a file of mode 0600 that PGPASSFILE names" : ""));
}

// Where other hosts reach what is bound there: by the host's name, if that is every address of it.
std::string SeenByOthers(const std::string& bound) {
  absl::StatusOr<BindAddress> address = ParseBindAddress(bound, Sockets::kTcpAndUnix);
  if (!address.ok() || !IsEveryAddress(*address)) return bound;
  address->host = HostName();
  return ToString(*address);
}

// The web page, bound there, for browsers; empty: there is none, and none is said.
std::string PageOf(const ServerOptions& options, const std::string& bound) {
  if (!options.advertise_page.empty() || bound.empty()) return options.advertise_page;
  return fmt::format("{}://{}/", options.tls_cert.empty() ? "http" : "https", SeenByOthers(bound));
}

// No two listeners at one address.
absl::Status CheckDistinct(const ServerOptions& options) {
  std::vector<std::pair<std::string, BindAddress>> listeners;
  for (const auto& [flag, text] : {std::pair{"--listen", options.listen},
                                   {"--web-listen", options.web_listen},
                                   {"--metrics-listen", options.metrics_listen}}) {
    if (text.empty()) continue;
    const absl::StatusOr<BindAddress> address = ParseBindAddress(flag, text, Sockets::kTcpAndUnix);
    if (!address.ok()) return address.status();
    for (const auto& [other_flag, other] : listeners) {
      if (!Collide(other, *address)) continue;
      return errors::BadField(
          flag, fmt::format("{} is taken by {} {}; each needs an address of its own", text, other_flag, ToString(other)));
    }
    listeners.emplace_back(flag, *address);
  }
  return absl::OkStatus();
}

}  // namespace

// In the order of construction: what comes later uses what came before.
struct LabServer::Parts {
  Parts(std::unique_ptr<RunStore> opened, const ServerOptions& options)
      : store(std::move(opened)),
        budget(std::make_shared<HostBudget>(BudgetOf(options), BudgetOfOne(options))),
        heaps({.instances = options.named_instances_max, .runs = kNamedRunsMax}),
        ids(*store),
        traces(*store, budget, options.trace_store_max, BoundOf(options.owner_stored_bytes_max, options.trace_store_max)),
        guests(*store, budget, options.trace_store_max, options.traces_retire,
               BoundOf(options.owner_stored_bytes_max, options.trace_store_max)),
        instances(ids, heaps, budget, options.instances_max, BoundOf(options.owner_instances_max, options.instances_max),
                  store->instances()),
        runs(*store, traces, heaps, budget, RunLimitsOf(options), NativesOf(options)),
        opened_runs(runs, traces, instances),
        card(instances, *store),
        access(options.data_dir),
        grpc({instances, runs, traces, opened_runs, guests, rpc_metrics, access, [this] { return card.Describe(); }},
             {.streams = options.streams_max,
              .connections_of_one = BoundOf(options.owner_connections_max, options.connections_max)}) {}

  absl::Status Start(const ServerOptions& options);
  absl::Status StartMetrics(const ServerOptions& options);
  absl::Status StartPage(const ServerOptions& options);

  const std::unique_ptr<RunStore> store;
  const std::shared_ptr<HostBudget> budget;
  MemoryReturn memory_return{budget};
  HeapDirectory heaps;
  IdSource ids;
  TraceLibrary traces;
  GuestLibrary guests;
  InstanceRegistry instances;
  RunExecutor runs;
  OpenedRuns opened_runs;
  Ticker closing{kOpenedRunsLookInterval, [this] { opened_runs.CloseUnused(); }};
  ServerCard card;
  RpcMetrics rpc_metrics;
  AccessControl access;
  std::unique_ptr<AccessWatch> access_watch;
  GrpcServer grpc;
  std::unique_ptr<MetricsEndpoint> metrics;
  std::unique_ptr<WebServer> web;
  ServerAddresses addresses;
  std::vector<Exposure> exposures;
  std::unique_ptr<Ticker> beating;  // with other servers on one store
};

absl::Status LabServer::Parts::StartMetrics(const ServerOptions& options) {
  if (options.metrics_listen.empty()) return absl::OkStatus();
  const auto open_streams = [this] { return grpc.streams().size(); };
  const auto connections = [this] { return grpc.connections(); };
  const auto tls = MakeHttpTls(options, {.flag = "--metrics-client-ca", .path = options.metrics_client_ca});
  if (!tls.ok()) return tls.status();
  auto started = MetricsEndpoint::Start(
      options.metrics_listen, {heaps, instances, runs, rpc_metrics, *budget, open_streams, connections}, options.allowed_hosts,
      [this](const HttpRequest& request) { return access.Admit(request.authorization, Role::kViewer, "/metrics").status(); },
      *tls);
  if (!started.ok()) return started.status();
  metrics = *std::move(started);
  addresses.metrics = metrics->address();
  return absl::OkStatus();
}

absl::Status LabServer::Parts::StartPage(const ServerOptions& options) {
  if (options.web_listen.empty()) return absl::OkStatus();
  const absl::StatusOr<BindAddress> listen = ParseBindAddress("--web-listen", options.web_listen);
  if (!listen.ok()) return listen.status();
  const absl::StatusOr<HostNames> names = HostNames::Parse(options.allowed_hosts);
  if (!names.ok()) return errors::BadField("--allowed-hosts", std::string(names.status().message()));
  const auto tls = MakeHttpTls(options, {.flag = "--web-client-ca", .path = options.web_client_ca});
  if (!tls.ok()) return tls.status();
  auto started = WebServer::Start(*listen,
                                  {instances, runs, opened_runs, traces, [this] { return card.Describe(); },
                                   options.prometheus_url, options.grafana_url, &access},
                                  *names, *tls);
  if (!started.ok()) return started.status();
  web = *std::move(started);
  addresses.web = web->address();
  return absl::OkStatus();
}

// gRPC comes last: who reaches it reaches everything.
absl::Status LabServer::Parts::Start(const ServerOptions& options) {
  const absl::StatusOr<BindAddress> listen = ParseBindAddress("--listen", options.listen, Sockets::kTcpAndUnix);
  if (!listen.ok()) return listen.status();
  if (absl::Status status = CheckDistinct(options); !status.ok()) return status;
  if (absl::Status status = access.Refresh(); !status.ok()) return status;
  exposures = ExposuresOf(options, access.in_force());
  if (absl::Status status = CheckExposures(options, exposures); !status.ok()) return status;
  addresses.by_tls = !options.tls_cert.empty();
  addresses.page = options.advertise_page;
  access_watch = std::make_unique<AccessWatch>(access);
  const auto credentials = MakeServerCredentials(options, access);
  if (!credentials.ok()) return credentials.status();
  if (absl::Status status = StartMetrics(options); !status.ok()) return status;
  if (absl::Status status = StartPage(options); !status.ok()) return status;
  card.SetAddresses(addresses);
  const std::size_t connections = ConnectionsFor(DescriptorLimit(), options.connections_max);
  const std::uint32_t handshakes_max = addresses.by_tls ? options.handshakes_max : 0;
  if (absl::Status status = grpc.Start(*listen, options.reflection, connections, *credentials, handshakes_max); !status.ok()) {
    return status;
  }
  addresses.grpc = grpc.address();
  card.SetAddresses(addresses);
  if (InstanceDirectory* const directory = store->instances()) {
    instances.Advertise(options.advertise.empty() ? SeenByOthers(addresses.grpc) : options.advertise,
                        PageOf(options, addresses.web));
    beating = std::make_unique<Ticker>(directory->lease() / 10, [this] { instances.Beat(); });
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<LabServer>> LabServer::Start(const ServerOptions& options) {
  absl::StatusOr<std::unique_ptr<RunStore>> store = OpenStore(options);
  if (!store.ok()) return store.status();
  auto parts = std::make_unique<Parts>(*std::move(store), options);
  if (absl::Status status = parts->Start(options); !status.ok()) return status;
  return std::unique_ptr<LabServer>(new LabServer(std::move(parts)));
}

LabServer::LabServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
LabServer::~LabServer() { Stop(MonotonicTime::InfinitePast()); }

void LabServer::Drain() {
  parts_->grpc.Drain();
  parts_->runs.Drain();
}

void LabServer::Stop(MonotonicTime deadline) {
  Drain();
  parts_->runs.Stop(deadline);
  parts_->grpc.Stop(deadline);
  parts_->beating.reset();
  parts_->instances.Leave();
}

const std::string& LabServer::grpc_address() const { return parts_->addresses.grpc; }
const std::string& LabServer::web_address() const { return parts_->addresses.web; }
const std::string& LabServer::metrics_address() const { return parts_->addresses.metrics; }
const std::vector<Exposure>& LabServer::exposures() const { return parts_->exposures; }
std::uint64_t LabServer::interrupted_runs() const { return parts_->store->interrupted_at_open(); }

}  // namespace alloclab::server
