#include "clients/load/load_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/time/clock.h"
#include "allocators/common/check.h"
#include "alloclab/v1/lab.grpc.pb.h"
#include "clients/common/version.h"
#include "clients/load/load_config.h"
#include "clients/load/load_report.h"

namespace alloclab::load {
namespace {

std::unique_ptr<Pacer> MakePacer(const v1::LoadConfig& config, std::uint32_t connection, Nanos start, const Period& period) {
  if (config.rate() == 0) return std::make_unique<ClosedLoop>();
  const double per_second = config.rate() / config.connections() / config.batch();
  std::unique_ptr<Arrivals> arrivals;
  if (config.arrival() == v1::LoadConfig::POISSON) {
    arrivals = std::make_unique<PoissonArrivals>(per_second, config.arrival_seed() + connection);
  } else {
    // Connections take turns.
    arrivals = std::make_unique<ConstantArrivals>(per_second, FromSeconds(connection / (per_second * config.connections())));
  }
  return std::make_unique<OpenLoop>(std::move(arrivals), start, period, config.catch_up());
}

// Its share of the operations of all connections.
std::uint64_t BudgetOf(const v1::LoadConfig& config, std::uint32_t connection) {
  if (config.operations() == 0) return std::numeric_limits<std::uint64_t>::max();
  return config.operations() / config.connections() + (connection < config.operations() % config.connections() ? 1 : 0);
}

// The one call that may wait for a server that is not up yet. All others go to the same one, if its name is of several:
// instances are where they were made.
absl::StatusOr<v1::Server> FindServer(client::ConnectionOptions& options) {
  const client::Connection connection(options);
  const std::unique_ptr<grpc::ClientContext> context = connection.MakeContext();
  v1::Server server;
  const grpc::Status status = v1::Lab::Stub(connection.channel()).GetServer(context.get(), v1::GetServerRequest(), &server);
  if (!status.ok()) return connection.Explain(status);
  const std::string peer = context->peer();
  if (peer.starts_with("ipv4:") || peer.starts_with("ipv6:")) options.address = peer;
  return server;
}

// Of a lab of several servers, the one where that instance lives; if that is not to be found out, the one that was asked.
client::ConnectionOptions HomeOf(const client::ConnectionOptions& options, const std::string& instance) {
  const client::Connection connection(options);
  v1::GetInstanceRequest request;
  request.set_instance(instance);
  v1::Instance found;
  const grpc::Status asked = v1::Lab::Stub(connection.channel()).GetInstance(connection.MakeContext().get(), request, &found);
  const client::Connection* const other = connection.Follow(asked);
  return other == nullptr ? options : other->options();
}

client::ConnectionOptions WithoutWait(client::ConnectionOptions options) {
  options.wait.reset();
  return options;
}

}  // namespace

LoadRun::LoadRun(LoadSetup setup) : setup_(std::move(setup)), control_(WithoutWait(setup_.connection)) {}

LoadRun::~LoadRun() {
  Abort();
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
  DeleteTargets();
}

absl::StatusOr<std::unique_ptr<LoadRun>> LoadRun::Start(LoadSetup setup) {
  absl::StatusOr<std::unique_ptr<LoadRun>> run = Prepare(std::move(setup));
  if (run.ok()) (*run)->Begin(Now());
  return run;
}

absl::StatusOr<std::unique_ptr<LoadRun>> LoadRun::Prepare(LoadSetup setup) {
  if (absl::Status status = CheckConfig(setup.config); !status.ok()) return status;
  if (absl::Status status = CheckScript(setup.config, *setup.script); !status.ok()) return status;
  absl::StatusOr<v1::Server> server = FindServer(setup.connection);
  if (!server.ok()) return server.status();
  if (const std::string& name = setup.config.instance(); !name.empty()) setup.connection = HomeOf(setup.connection, name);
  std::unique_ptr<LoadRun> run(new LoadRun(std::move(setup)));
  run->server_ = *std::move(server);
  if (absl::Status status = run->CreateTargets(); !status.ok()) return status;
  const v1::InstanceConfig& machine = run->driven_.front()->target.config();
  if (absl::Status status = CheckMachine(run->setup_.config, machine, *run->setup_.script); !status.ok()) return status;
  if (absl::Status status = run->Connect(); !status.ok()) return status;
  return run;
}

absl::Status LoadRun::CreateTargets() {
  const v1::LoadConfig& config = setup_.config;
  const auto add = [this](absl::StatusOr<Target> target) {
    if (!target.ok()) return target.status();
    auto driven =
        std::make_unique<Driven>(Driven{.target = *std::move(target), .meter = nullptr, .before = {}, .measured_before = {}});
    driven->meter = setup_.meter(driven->target.name());
    driven->before = driven->meter->Read().counts;
    driven->measured_before = driven->meter->Read(Part::kMeasured);
    driven_.push_back(std::move(driven));
    return absl::OkStatus();
  };
  if (!config.instance().empty()) return add(Target::Existing(control_, config.instance()));
  for (const std::string& name : setup_.names) {
    absl::Status status = add(Target::Fresh(control_, name, config.instance_config(), setup_.replace));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status LoadRun::Connect() {
  const v1::LoadConfig& config = setup_.config;
  const std::uint32_t instances = config.instance().empty() ? config.instances() : 1;
  for (std::uint32_t number = 0; number < config.connections(); ++number) {
    if (!setup_.share.HasConnection(config, number)) continue;
    auto worker = std::make_unique<Worker>();
    worker->number = number;
    worker->driven = driven_[number % instances / setup_.share.generators].get();
    ++worker->driven->connections;
    const std::uint32_t turn = number / instances;  // of those on its instance
    worker->offsets = {.heap = turn * setup_.script->heap_handles, .pages = turn * setup_.script->page_handles};
    worker->budget = BudgetOf(config, number);
    worker->connection = std::make_unique<client::Connection>(control_.options(), static_cast<int>(number) + 1);
    // Connects now, so that the first batch need not wait for it.
    absl::StatusOr<v1::Server> server = worker->connection->Call(&v1::Lab::Stub::GetServer, v1::GetServerRequest());
    if (!server.ok()) return server.status();
    workers_.push_back(std::move(worker));
  }
  return absl::OkStatus();
}

void LoadRun::Begin(Nanos start) {
  const v1::LoadConfig& config = setup_.config;
  start_ = start;
  start_time_ = absl::Now() + absl::FromChrono(start - Now());
  period_.from = start_ + FromSeconds(config.warmup_seconds());
  if (config.duration_seconds() > 0) period_.end = period_.from + FromSeconds(config.duration_seconds());
  for (const auto& driven : driven_) driven->meter->SetTarget(config.rate() * driven->connections / config.connections());
  {
    const MutexLock lock(mutex_);
    running_ = static_cast<std::uint32_t>(workers_.size());
  }
  for (const auto& worker : workers_) {
    worker->pacer = MakePacer(config, worker->number, start_, period_);
    worker->thread = std::thread([this, &worker = *worker] { Work(worker); });
  }
}

void LoadRun::Work(Worker& worker) {
  std::this_thread::sleep_until(std::chrono::steady_clock::time_point(start_));
  {
    const MutexLock lock(mutex_);
    began_at_ = Now();
  }
  absl::Status status = Replay(worker);
  const Missed unsent = worker.pacer->End(std::min(Now(), period_.end));
  worker.driven->meter->Dropped(DropReason::kAborted, unsent, setup_.config.batch());
  if (!status.ok()) stop_.drain = true;
  const MutexLock lock(mutex_);
  if (error_.ok() && !absl::IsCancelled(status)) error_ = std::move(status);
  ended_at_ = Now();
  if (--running_ == 0) all_ended_.NotifyAll();
}

bool LoadRun::Over(const Worker& worker) const {
  return stop_.drain || stop_.abort || worker.budget == 0 || Now() >= period_.end;
}

absl::Status LoadRun::Replay(Worker& worker) {
  const std::uint64_t passes = setup_.config.repeat() == 0 ? std::numeric_limits<std::uint64_t>::max() : setup_.config.repeat();
  for (std::uint64_t pass = 0; pass < passes && !Over(worker); ++pass) {
    if (pass > 0) {
      if (absl::Status status = BeginPass(worker); !status.ok()) return status;
    }
    worker.driven->meter->PassBegun(period_.PartAt(Now()));
    if (absl::Status status = Stream(worker, setup_.script->operations); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status LoadRun::BeginPass(Worker& worker) {
  const bool to_itself = worker.driven->connections == 1 && setup_.config.instance().empty();
  if (!to_itself) return Stream(worker, setup_.script->frees);
  const Nanos before = Now();
  absl::Status status = worker.driven->target.Renew();
  const Nanos pause = Now() - before;
  worker.pacer->Pause(pause);
  worker.driven->meter->Paused(period_.PartAt(before), pause);
  return status;
}

absl::Status LoadRun::Stream(Worker& worker, std::span<const Operation> operations) {
  const v1::LoadConfig& config = setup_.config;
  if (operations.empty()) return absl::OkStatus();
  Cursor cursor(operations, worker.offsets);
  const StreamLimits limits{
      .batch = config.batch(), .window = config.window(), .reply_timeout = FromSeconds(config.timeout_seconds())};
  BatchStream stream(*worker.connection, worker.driven->target.name(), limits, cursor, *worker.pacer, worker.budget, period_,
                     *worker.driven->meter);
  return stream.Run(stop_);
}

bool LoadRun::WaitFor(Nanos longest) {
  const MonotonicTime deadline = MonotonicTime::Now() + absl::FromChrono(longest);
  const MutexLock lock(mutex_);
  bool in_time = true;
  while (running_ != 0 && in_time) in_time = all_ended_.WaitUntil(mutex_, deadline);
  return running_ == 0;
}

bool LoadRun::failed() const {
  const MutexLock lock(mutex_);
  return !error_.ok();
}

LoadSnapshot LoadRun::Read() const {
  LoadSnapshot sum;
  for (const auto& driven : driven_) {
    LoadSnapshot now = driven->meter->Read();
    now.counts -= driven->before;
    sum += now;
    sum.gauges.position_ratio += now.gauges.position_ratio / static_cast<double>(driven_.size());
  }
  return sum;
}

LoadCounts LoadRun::Measured() const {
  LoadCounts sum;
  for (const auto& driven : driven_) {
    LoadCounts counts = driven->meter->Read(Part::kMeasured);
    counts -= driven->measured_before;
    sum += counts;
  }
  return sum;
}

LoadRun::Result LoadRun::Finish() {
  {
    const MutexLock lock(mutex_);
    ALLOCLAB_CHECK_EQ(running_, 0u);
  }
  for (const auto& worker : workers_) worker->thread.join();
  const MutexLock lock(mutex_);
  Result result{.report = {},
                .error = error_,
                .measured = Measured(),
                .elapsed = std::max(ended_at_ - period_.from, Nanos(0)),
                .began = began_at_};
  v1::LoadReport& report = result.report;
  const LoadCounts all = Read().counts;
  report.set_passes(all.passes);
  report.set_warmup_operations(all.Answered() - result.measured.Answered());
  FillReport(result.measured, result.elapsed, report);
  DescribeRun(report);
  DescribeInstances(report);
  if (!error_.ok()) AddError(error_, report);
  if (setup_.keep) driven_.clear();
  DeleteTargets();
  return result;
}

void LoadRun::DescribeRun(v1::LoadReport& report) const {
  *report.mutable_config() = setup_.config;
  *report.mutable_config()->mutable_instance_config() = driven_.front()->target.config();
  report.set_workload_name(setup_.script->name);
  report.set_trace_sha256(setup_.script->trace_sha256);
  report.set_trace_operations(setup_.script->operations.size());
  report.set_client_version(client::Version());
  report.set_server_version(server_.version());
  report.set_server_build(server_.build());
  report.mutable_start_time()->set_seconds(absl::ToUnixSeconds(start_time_));
  report.mutable_start_time()->set_nanos(static_cast<std::int32_t>(absl::ToUnixNanos(start_time_) % 1'000'000'000));
}

void LoadRun::DescribeInstances(v1::LoadReport& report) const {
  bool shared = !setup_.config.instance().empty();
  for (const auto& driven : driven_) {
    shared = shared || driven->connections > 1;
    v1::LoadInstance& instance = *report.add_instances();
    instance.set_name(driven->target.name());
    LoadCounts answered = driven->meter->Read().counts;
    answered -= driven->before;
    instance.set_operations(answered.Answered());
    absl::StatusOr<v1::Statistics> statistics = driven->target.Statistics();
    if (statistics.ok()) *instance.mutable_statistics() = *std::move(statistics);
  }
  report.set_order_is_trace(!shared);
}

void LoadRun::DeleteTargets() {
  for (const auto& driven : driven_) driven->target.Delete().IgnoreError();
  driven_.clear();
}

}  // namespace alloclab::load
