#include "clients/load/load_command.h"

#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "allocators/workload/builtins.h"
#include "clients/common/guest_argument.h"
#include "clients/common/interrupt.h"
#include "clients/common/threshold_options.h"
#include "clients/common/units.h"
#include "clients/load/demo.h"
#include "clients/load/join.h"
#include "clients/load/lead.h"
#include "clients/load/load_config.h"
#include "clients/load/load_document.h"
#include "clients/load/load_figures.h"
#include "clients/load/load_metrics.h"
#include "clients/load/load_report.h"
#include "clients/load/load_run.h"
#include "clients/load/share.h"
#include "clients/load/workload_source.h"
#include "server/http/metrics_server.h"

namespace alloclab::load {
namespace {

using client::ExitCode;
using client::Session;

constexpr const char kDescription[] =
    R"(Replay a workload over the network, as many clients at once would, and show rate and latency.

WORKLOAD is a built-in (alloclab workload list), a specification or a trace file, as for `alloclab submit`; it is made or
read here. Each connection sends it in batches over a stream of its own, to a fresh instance of its own.

In a closed loop (the default) a connection sends as fast as the replies come. At a --rate batches are due at fixed times,
whatever the server does, and latency counts from the time a batch was due: what a slow server makes others wait is seen.
While a batch waits for room in the window, the batches due meanwhile are dropped and counted; --catch-up sends them late.
A dropped batch skips no operation of the workload: the next one carries them.

A further pass over the workload (--repeat, or until --duration or --operations is reached) begins with a fresh instance.
On an instance that connections share, or an existing one, it begins by freeing what the last pass left.

Where one process is not enough, several on any hosts do one load: one leads with --generators, the others --join it and are
told all else. Connections are shared out, all begin at one moment, and the leader has one report of all, with the thresholds
judged on it. If one fails or is lost, the load ends. Those who join show the leader the token that they show the server.

Ctrl-C ends the load and reports what was done (exit code 130); a second one leaves at once, and says which instances stay.
Exit codes: 1 a call failed or no operation was done, 3 the server is not there, 4 the workload is missing or malformed,
99 a --threshold is not kept.)";

constexpr const char kAllowedHostsVariable[] = "ALLOCLAB_LOAD_ALLOWED_HOSTS";

struct Flags {
  std::string workload;
  bool demo = false;
  v1::LoadConfig config;
  // 0: not given.
  std::uint64_t connections = 1, instances = 0, batch = 0, window = 8;
  std::uint64_t rate = 0, seed = 0, operations = 0, arrival_seed = 0;
  bool arrival = false;  // given
  std::vector<client::Threshold> thresholds;
  std::string repeat;
  std::chrono::milliseconds duration{0}, warmup{0};
  bool keep = false;
  std::string metrics_listen, allowed_hosts;
  // Of several generators.
  std::uint64_t generators = 1;
  LeaderPort port;
  std::chrono::milliseconds join_timeout{60'000};
  std::string join;
};

absl::Status Clash(const std::string& what) { return absl::InvalidArgumentError(what); }

// The first option that describes a fresh machine; "" without one.
std::string_view MachineOption(const v1::InstanceConfig& config) {
  if (config.ram_bytes() != 0) return "--ram";
  if (!config.page_allocator().empty()) return "--page-allocator";
  if (!config.heap_allocator().empty()) return "--heap-allocator";
  if (config.unguarded()) return "--unguarded";
  return config.parameters().empty() ? "" : "--param";
}

absl::Status CheckInstanceOptions(const Flags& flags) {
  if (flags.config.instance().empty()) return absl::OkStatus();
  if (flags.instances > 0) return Clash("--instance and --instances: expected one of them");
  if (flags.keep) return Clash("--keep: expected without --instance, which is never deleted");
  const std::string_view option = MachineOption(flags.config.instance_config());
  if (option.empty()) return absl::OkStatus();
  return Clash(fmt::format("{}: expected without --instance, whose machine is made already", option));
}

// An option that another one would make pointless is refused, not ignored. The environment may name hosts for nothing.
absl::Status CheckTogether(const Flags& flags) {
  if (absl::Status status = CheckInstanceOptions(flags); !status.ok()) return status;
  if (flags.arrival_seed > 0 && flags.config.arrival() != v1::LoadConfig::POISSON) {
    return Clash("--arrival-seed: expected together with --arrival poisson");
  }
  if (flags.arrival && flags.rate == 0) return Clash("--arrival: expected together with --rate: a closed loop has no arrivals");
  const bool hosts = !flags.allowed_hosts.empty() && std::getenv(kAllowedHostsVariable) == nullptr;
  if (hosts && flags.metrics_listen.empty()) return Clash("--allowed-hosts: expected together with --metrics-listen");
  return absl::OkStatus();
}

// "3" or "forever"; without a word, once unless something else ends the load.
absl::StatusOr<std::uint64_t> Repeat(const Flags& flags) {
  if (flags.repeat.empty()) return flags.operations > 0 || flags.duration.count() > 0 ? 0 : 1;
  if (flags.repeat == "forever") return 0;
  const absl::StatusOr<std::uint64_t> passes = client::ParseCount(flags.repeat);
  if (passes.ok() && *passes > 0) return *passes;
  return absl::InvalidArgumentError(fmt::format("--repeat '{}': expected a number of passes, or forever", flags.repeat));
}

// 32 bits for the message; what is too large stays too large, for CheckConfig to refuse.
std::uint32_t Narrow(std::uint64_t value) { return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, 0xFFFFFFFF)); }

// `batch_interval_seconds` as of DefaultBatch.
absl::StatusOr<v1::LoadConfig> Complete(const Flags& flags, const client::ConnectionOptions& connection,
                                        double batch_interval_seconds = 0.01) {
  v1::LoadConfig config = flags.config;
  if (absl::Status status = CheckTogether(flags); !status.ok()) return status;
  const absl::StatusOr<std::uint64_t> repeat = Repeat(flags);
  if (!repeat.ok()) return repeat.status();
  config.set_repeat(*repeat);
  config.set_server(connection.server);
  config.set_connections(Narrow(flags.connections));
  config.set_instances(flags.instances > 0 || !config.instance().empty() ? Narrow(flags.instances) : config.connections());
  config.set_rate(static_cast<double>(flags.rate));
  config.set_window(Narrow(flags.window));
  config.set_operations(flags.operations);
  config.set_duration_seconds(std::chrono::duration<double>(flags.duration).count());
  config.set_warmup_seconds(std::chrono::duration<double>(flags.warmup).count());
  config.set_timeout_seconds(std::chrono::duration<double>(connection.timeout).count());
  config.set_arrival_seed(flags.arrival_seed > 0 ? flags.arrival_seed : 1);
  config.set_generators(flags.generators > 1 ? Narrow(flags.generators) : 0);
  config.set_batch(flags.batch > 0 ? Narrow(flags.batch) : DefaultBatch(config, batch_interval_seconds));
  return config;
}

// Names of this run's own: two loads at the same time do not meet.
std::string RunId() { return fmt::format("load-{:06x}", std::random_device()() & 0xFFFFFF); }

// For the case that the load is left before it could delete its instances.
std::string WhatStays(const Session& session, const std::vector<std::string>& names) {
  if (names.empty()) return "";
  return fmt::format("alloclab: left at once; on the server at {} may stay: {}\nDelete with: alloclab instance delete {}",
                     session.options().connection.server, fmt::join(names, ", "), fmt::join(names, " "));
}

// Null if it is not asked for.
absl::StatusOr<std::unique_ptr<server::HttpServer>> ServeMetricsIfAsked(const Flags& flags,
                                                                        std::shared_ptr<LoadMetrics> metrics,
                                                                        Session& session) {
  if (flags.metrics_listen.empty()) return nullptr;
  auto http = server::ServeMetrics("--metrics-listen", flags.metrics_listen, flags.allowed_hosts,
                                   [metrics] { return server::ToText(metrics->Collect()); });
  if (http.ok()) session.Note(fmt::format("Metrics at http://{}/metrics", (*http)->address()));
  return http;
}

// What the command ends with, once the report is out.
absl::StatusOr<ExitCode> Verdict(const LoadRun::Result& result) {
  if (!result.error.ok()) return result.error;
  if (result.report.interrupted()) return ExitCode::kInterrupted;
  if (result.report.operations() > 0) return ExitCode::kOk;
  return absl::FailedPreconditionError(WhyNothingWasMeasured(result.report));
}

absl::StatusOr<ExitCode> Replay(Session& session, const Flags& flags) {
  absl::StatusOr<v1::LoadConfig> config = Complete(flags, session.options().connection);
  if (!config.ok()) return config.status();
  if (absl::Status status = CheckConfig(*config); !status.ok()) return status;
  absl::StatusOr<LoadedWorkload> workload = LoadWorkload(flags.workload, flags.seed);
  if (!workload.ok()) return workload.status();
  *config->mutable_workload() = workload->source;
  if (config->has_instance_config()) {
    absl::Status resolved = client::ResolveGuests(session.connection(), *config->mutable_instance_config());
    if (!resolved.ok()) return resolved;
  }
  const auto metrics = std::make_shared<LoadMetrics>();
  const auto http = ServeMetricsIfAsked(flags, metrics, session);
  if (!http.ok()) return http.status();
  const std::string run_id = RunId();
  const std::shared_ptr<const Script> script = workload->script;
  client::InterruptGuard guard([] {});
  const auto interrupted = [&guard] { return guard.interrupted(); };
  const std::vector<std::string> names = InstanceNames(run_id, *config);
  const Share share{.number = 0, .generators = std::max(config->generators(), 1u)};
  guard.SetLastWords(WhatStays(session, names));
  std::unique_ptr<Leader> leader;
  if (share.generators > 1) {
    auto started = StartLeader(session, flags.port, *config, run_id, flags.keep, *script);
    if (!started.ok()) return started.status();
    leader = *std::move(started);
  }
  absl::StatusOr<std::unique_ptr<LoadRun>> run =
      LoadRun::Prepare({.connection = session.options().connection,
                        .config = *config,
                        .script = script,
                        .names = InstanceNames(run_id, *config, share),
                        .keep = flags.keep,
                        .share = share,
                        .meter = [&](const std::string& heap) {
                          return metrics->MeterOf(heap, {run_id, script->name, script->trace_sha256});
                        }});
  if (!run.ok()) return run.status();
  absl::StatusOr<Nanos> start = Now();
  if (leader) start = Gather(*leader, flags.join_timeout, interrupted);
  if (!start.ok()) return start.status();
  (*run)->Begin(*start);
  AwaitEnd(session, interrupted, **run, leader.get());
  LoadRun::Result result = (*run)->Finish();
  if (leader) MergeParts(leader->Parts(), *start, result);
  if (!flags.keep) guard.SetLastWords("");
  result.report.set_interrupted(guard.interrupted());
  const std::string kept = flags.keep ? fmt::format("{}\n", fmt::join(names, "\n")) : "";
  const std::vector<client::Measurement> measurements = MeasurementsOf(result.report);
  client::Document document = ReportDocument(result.report);
  client::JsonExtras extras;
  if (!flags.thresholds.empty()) {
    document.sections.push_back(client::ThresholdSection(flags.thresholds, measurements));
    extras.emplace_back("thresholds", client::ThresholdsJson(flags.thresholds, measurements));
  }
  if (absl::Status status = session.Show(result.report, document, kept, extras); !status.ok()) return status;
  const absl::StatusOr<ExitCode> verdict = Verdict(result);
  const bool missed = verdict.ok() && *verdict == ExitCode::kOk && !client::AllHold(flags.thresholds, measurements);
  return missed ? ExitCode::kThreshold : verdict;
}

// What the demo has its own way of is refused.
absl::Status CheckDemo(const Flags& flags) {
  if (!flags.workload.empty()) return Clash("--demo replays the built-in workloads: expected no WORKLOAD with it");
  if (!flags.config.instance().empty() || flags.connections != 1 || flags.instances > 1 || flags.keep) {
    return Clash("--demo has one connection and one fresh instance for each workload: expected no other choice with it");
  }
  if (flags.generators > 1) return Clash("--generators: expected without --demo");
  const std::pair<const char*, bool> ends[] = {{"--duration", flags.duration.count() > 0},
                                               {"--operations", flags.operations > 0},
                                               {"--repeat", !flags.repeat.empty()},
                                               {"--warmup", flags.warmup.count() > 0}};
  for (const auto& [option, given] : ends) {
    if (given) return Clash(fmt::format("{}: expected without --demo, which goes on until it is interrupted", option));
  }
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Demo(Session& session, const Flags& given) {
  if (absl::Status status = CheckDemo(given); !status.ok()) return status;
  Flags flags = given;
  if (flags.rate == 0) flags.rate = static_cast<std::uint64_t>(kDemoRate);
  flags.repeat = "forever";
  constexpr double kDemoBatchSeconds = 0.05;  // 20 messages a second are enough
  absl::StatusOr<v1::LoadConfig> config = Complete(flags, session.options().connection, kDemoBatchSeconds);
  if (!config.ok()) return config.status();
  DemoSetup setup{.connection = session.options().connection,
                  .config = *config,
                  .scripts = {},
                  .metrics = std::make_shared<LoadMetrics>(),
                  .run_id = RunId(),
                  .say = [&session](std::string_view line) { session.Note(line); }};
  for (const BuiltinWorkload& builtin : BuiltinWorkloads()) {
    absl::StatusOr<LoadedWorkload> workload =
        LoadWorkload(builtin.name, std::holds_alternative<WorkloadSpec>(builtin.content) ? flags.seed : 0);
    if (!workload.ok()) return workload.status();
    setup.scripts.push_back(workload->script);
  }
  const auto http = ServeMetricsIfAsked(flags, setup.metrics, session);
  if (!http.ok()) return http.status();
  StopFlags stop;
  client::InterruptGuard guard([&stop] { stop.drain = true; });
  std::vector<std::string> names;
  for (const auto& script : setup.scripts) names.push_back(kDemoPrefix + script->name);
  guard.SetLastWords(WhatStays(session, names));
  session.Note(
      fmt::format("Replaying {} workloads at {} operations/s each until interrupted", setup.scripts.size(), flags.rate));
  if (absl::Status status = RunDemo(setup, stop); !status.ok()) return status;
  return guard.interrupted() ? ExitCode::kInterrupted : ExitCode::kOk;
}

absl::StatusOr<ExitCode> Join(Session& session, const Flags& flags) {
  const auto metrics = std::make_shared<LoadMetrics>();
  const auto http = ServeMetricsIfAsked(flags, metrics, session);
  if (!http.ok()) return http.status();
  const absl::StatusOr<JoinedLoad> joined = JoinLoad(session, flags.join, *metrics);
  if (!joined.ok()) return joined.status();
  session.Note(fmt::format("Done: {} operations; the report is the leader's", client::Count(joined->operations)));
  return joined->interrupted ? ExitCode::kInterrupted : ExitCode::kOk;
}

absl::StatusOr<ExitCode> Run(Session& session, const Flags& flags) {
  if (!flags.join.empty()) return Join(session, flags);
  if (flags.demo) return Demo(session, flags);
  if (flags.workload.empty()) return Clash("WORKLOAD is required: a built-in name, specification or trace file (or --demo)");
  return Replay(session, flags);
}

void AddSchedule(CLI::App& load, Flags& flags) {
  client::AddPositiveCount(load, "--rate", flags.rate,
                           "Operations per second over all connections (default: as fast as it goes)",
                           "expected at least 1 operation per second; without --rate it goes as fast as it can");
  client::AddWord(
      load, "--arrival", {"constant", "poisson"},
      [&flags](std::size_t word) {
        flags.config.set_arrival(static_cast<v1::LoadConfig::Arrival>(word));
        flags.arrival = true;
      },
      "How batches fall at a --rate (default constant)");
  client::AddPositiveCount(load, "--arrival-seed", flags.arrival_seed, "Seed of Poisson arrivals (default 1)",
                           "expected 1 or more");
  load.add_flag_function(
      "--catch-up", [&flags](std::int64_t times) { flags.config.set_catch_up(times > 0); },
      "Send what was due while the window was full late instead of dropping it");
  client::AddPositiveDuration(load, "--duration", flags.duration, "End after this time, warm-up not counted",
                              "expected at least 1ms; without --duration the workload or --operations ends the load");
  client::AddDuration(load, "--warmup", flags.warmup, "Leave the first part out of the report (default 0)");
  client::AddPositiveCount(load, "--operations", flags.operations, "End after this many operations over all connections",
                           "expected at least 1 operation; without --operations the workload or --duration ends the load");
  load.add_option("--repeat", flags.repeat, "End after this many passes, or never: forever (default 1, or until another end)")
      ->type_name("COUNT|forever");
}

void AddGenerators(CLI::App& load, Flags& flags) {
  CLI::Option* const generators = client::AddPositiveCount(
      load, "--generators", flags.generators, "Share the load with others that --join, so many in all (default 1, at most 64)",
      "expected at least 1 generator");
  CLI::Option* const leads[] = {
      load.add_option("--listen", flags.port.listen, "Where they join (default 127.0.0.1:7416)")->type_name("HOST:PORT"),
      client::AddPositiveDuration(load, "--join-timeout", flags.join_timeout, "How long to wait for them (default 1m)",
                                  "expected at least 1ms"),
      load.add_option("--tls-cert", flags.port.tls_cert, "Certificate with which to listen, PEM")->type_name("FILE"),
      load.add_option("--tls-key", flags.port.tls_key, "Its key")->type_name("FILE"),
      load.add_option("--client-ca", flags.port.client_ca, "Who signs the certificates of those who join")->type_name("FILE"),
      load.add_flag("--insecure", flags.port.insecure, "Listen for other hosts without TLS or token")};
  for (CLI::Option* option : leads) option->needs(generators);
}

// Joins without a word on what to do: that is the leader's to say. All other options must be there already.
void AddJoin(CLI::App& load, Flags& flags) {
  const std::vector<CLI::Option*> others = load.get_options();
  CLI::Option* const join = load.add_option("--join", flags.join, "Do a part of the load of the leader there, against --server")
                                ->type_name("HOST:PORT");
  for (CLI::Option* other : others) {
    const std::string name = other->get_name();
    if (name != "--help" && name != "--metrics-listen" && name != "--allowed-hosts") join->excludes(other);
  }
}

}  // namespace

void RegisterLoad(CLI::App& app, client::Command& chosen, const AddMachineOptions& add_machine_options) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* load = client::AddCommand(app, "load", kDescription, "alloclab load steady-state --rate 100k --duration 10s",
                                      chosen, [flags](Session& session) { return Run(session, *flags); });
  load->add_option("WORKLOAD", flags->workload, "Built-in name, specification or trace file")->type_name("WORKLOAD");
  load->add_flag("--demo", flags->demo,
                 "Replay all built-in workloads until interrupted, each on its instance demo-NAME, at a modest rate");
  client::AddCount(*load, "--connections", flags->connections,
                   "Connections, each with a stream of its own (default 1, at most 256)");
  client::AddPositiveCount(*load, "--instances", flags->instances,
                           "Fresh instances that the connections share (default one for each)", "expected at least 1 instance");
  load->add_option("--instance", *flags->config.mutable_instance(), "An existing instance instead, which is not deleted")
      ->type_name("INSTANCE");
  load->add_flag("--keep", flags->keep, "Do not delete the fresh instances at the end");
  client::AddPositiveCount(*load, "--batch", flags->batch,
                           "Operations per message, up to 65536 (default 4096, or 10 ms of the --rate)",
                           "expected 1 to 65536 operations");
  client::AddCount(*load, "--window", flags->window, "Batches in flight per connection (default 8)");
  client::AddPositiveCount(*load, "--seed", flags->seed, "Seed of a synthetic workload (default its own)",
                           "expected 1 or more; without --seed the workload has its own");
  AddSchedule(*load, *flags);
  client::AddThresholds(*load, LoadFigures(), flags->thresholds);
  load->add_option("--metrics-listen", flags->metrics_listen, "Serve /metrics here, e.g. 127.0.0.1:7415 (default: nowhere)")
      ->envname("ALLOCLAB_LOAD_METRICS_LISTEN")
      ->type_name("HOST:PORT");
  load->add_option("--allowed-hosts", flags->allowed_hosts,
                   "Names under which /metrics may be asked for, beside localhost and addresses (default none)")
      ->envname(kAllowedHostsVariable)
      ->type_name("NAME,...");
  add_machine_options(*load, *flags->config.mutable_instance_config());
  AddGenerators(*load, *flags);
  AddJoin(*load, *flags);
}

}  // namespace alloclab::load
