#include "clients/load/join.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "allocators/common/mutex.h"
#include "allocators/common/printable.h"
#include "allocators/workload/trace.h"
#include "alloclab/v1/generators.grpc.pb.h"
#include "clients/common/interrupt.h"
#include "clients/common/version.h"
#include "clients/load/counts_codec.h"
#include "clients/load/leader.h"
#include "clients/load/load_config.h"
#include "clients/load/load_progress.h"
#include "clients/load/load_run.h"
#include "clients/load/share.h"

namespace alloclab::load {
namespace {

using client::Session;

constexpr std::chrono::hours kStreamLife{24 * 365};
constexpr Nanos kStartMax = std::chrono::seconds(10);  // between the word to begin and the beginning
constexpr std::size_t kRunIdBytesMax = 64;
constexpr Nanos kLookForStop = std::chrono::milliseconds(100);

// One generator's conversation with its leader, and its load.
class Joined {
 public:
  Joined(Session& session, const std::string& leader, LoadMetrics& metrics)
      : session_(session), metrics_(metrics), connection_(ToLeader(session, leader)) {
    connection_.AwaitServer([&session](std::string_view line) { session.Note(line); });
    stub_ = v1::Generators::NewStub(connection_.channel());
    context_ = connection_.MakeContext(kStreamLife);
    stream_ = stub_->Join(context_.get());
  }

  absl::StatusOr<JoinedLoad> Run();

 private:
  static client::ConnectionOptions ToLeader(const Session& session, const std::string& leader) {
    client::ConnectionOptions options = session.options().connection;
    options.server = leader;
    return options;
  }

  absl::Status Prepare();
  absl::Status ReadPlan();
  absl::Status ReadScript();
  absl::StatusOr<Nanos> AwaitStart();
  LoadRun::Result Load(Nanos start) ABSL_LOCKS_EXCLUDED(mutex_);
  void Hear();
  void Tell() ABSL_LOCKS_EXCLUDED(mutex_);

  bool Write(const v1::GeneratorSays& says) { return stream_->Write(says); }
  // The end of the stream is an error, which says why.
  absl::Status Read(v1::LeaderSays& says);
  absl::Status Explain(const grpc::Status& status) const;
  absl::Status Excuse(const absl::Status& why);

  Session& session_;
  LoadMetrics& metrics_;
  client::Connection connection_;
  std::unique_ptr<v1::Generators::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::GeneratorSays, v1::LeaderSays>> stream_;
  v1::LoadPlan plan_;
  std::shared_ptr<const Script> script_;
  std::unique_ptr<LoadRun> run_;
  std::atomic<bool> begun_ = false, stop_ = false;

  Mutex mutex_;
  Condition changed_;
  LoadSnapshot snapshot_ ABSL_GUARDED_BY(mutex_);
  bool told_ ABSL_GUARDED_BY(mutex_) = false;  // all but the part
};

absl::Status Joined::Read(v1::LeaderSays& says) {
  if (stream_->Read(&says)) return absl::OkStatus();
  return Explain(stream_->Finish());
}

absl::Status Joined::Explain(const grpc::Status& status) const {
  const std::string& leader = connection_.options().server;
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return absl::InternalError(fmt::format("the leader at {} hung up before the load began", leader));
    case grpc::StatusCode::UNAVAILABLE: {
      const std::string why(connection_.Explain(status).message());
      return absl::UnavailableError(
          fmt::format("{}\nA leader is started with `alloclab load WORKLOAD --generators COUNT --listen HOST:PORT`.",
                      why.substr(0, why.find('\n'))));
    }
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::FailedPreconditionError(
          fmt::format("what answers at {} leads no load; expected an `alloclab load --generators`", leader));
    default:
      return {static_cast<absl::StatusCode>(status.error_code()),
              fmt::format("the leader at {} says: {}", leader, Printable(status.error_message()))};
  }
}

// Tells the leader why this generator cannot be ready, and returns that.
absl::Status Joined::Excuse(const absl::Status& why) {
  v1::GeneratorSays says;
  says.mutable_part()->mutable_error()->set_code(absl::StatusCodeToString(why.code()));
  says.mutable_part()->mutable_error()->set_message(std::string(why.message()));
  Write(says);
  stream_->WritesDone();
  stream_->Finish();
  return why;
}

absl::Status Joined::ReadPlan() {
  v1::GeneratorSays hello;
  hello.mutable_hello()->set_version(client::Version());
  hello.mutable_hello()->set_name(GeneratorName());
  Write(hello);  // if it fails, so does the read
  v1::LeaderSays says;
  if (absl::Status status = Read(says); !status.ok()) return status;
  plan_ = std::move(*says.mutable_plan());
  const std::uint32_t generators = plan_.config().generators();
  const bool id_is_plain = IsPrintable(plan_.run_id()) && plan_.run_id().size() <= kRunIdBytesMax;
  if (generators <= kGeneratorsMax && plan_.number() > 0 && plan_.number() < generators && id_is_plain &&
      plan_.trace_bytes() <= kSharedTraceBytesMax) {
    return ReadScript();
  }
  return Excuse(
      absl::InvalidArgumentError("the leader's plan is none: expected number, run_id and trace_bytes within their bounds"));
}

absl::Status Joined::ReadScript() {
  std::string bytes;
  v1::LeaderSays says;
  while (bytes.size() < plan_.trace_bytes()) {
    if (absl::Status status = Read(says); !status.ok()) return status;
    if (says.trace().empty() || says.trace().size() > plan_.trace_bytes() - bytes.size()) {
      return Excuse(absl::DataLossError("the leader's trace is not as long as it says"));
    }
    bytes += says.trace();
  }
  absl::StatusOr<Trace> trace = ReadTrace(bytes, plan_.workload_name());
  if (!trace.ok()) return Excuse(absl::DataLossError(trace.status().message()));
  script_ = std::make_shared<const Script>(MakeScript(plan_.workload_name(), *std::move(trace)));
  if (script_->trace_sha256 == plan_.trace_sha256()) return absl::OkStatus();
  return Excuse(absl::DataLossError("the leader's trace is not the one that it names"));
}

absl::Status Joined::Prepare() {
  if (absl::Status status = ReadPlan(); !status.ok()) return status;
  const Share share{.number = plan_.number(), .generators = plan_.config().generators()};
  if (absl::Status status = CheckConfig(plan_.config()); !status.ok()) return Excuse(status);
  absl::StatusOr<std::unique_ptr<LoadRun>> run =
      LoadRun::Prepare({.connection = session_.options().connection,
                        .config = plan_.config(),
                        .script = script_,
                        .names = InstanceNames(plan_.run_id(), plan_.config(), share),
                        .keep = plan_.keep(),
                        .share = share,
                        .meter = [&](const std::string& heap) {
                          return metrics_.MeterOf(heap, {plan_.run_id(), script_->name, script_->trace_sha256});
                        }});
  if (!run.ok()) return Excuse(run.status());
  run_ = *std::move(run);
  v1::GeneratorSays ready;
  ready.mutable_ready()->set_server(session_.options().connection.server);
  Write(ready);
  return absl::OkStatus();
}

absl::StatusOr<Nanos> Joined::AwaitStart() {
  v1::LeaderSays says;
  v1::GeneratorSays answer;
  while (true) {
    if (absl::Status status = Read(says); !status.ok()) return status;
    if (says.has_clock()) {
      answer.mutable_clock()->set_now_ns(Now().count());
      Write(answer);
    } else if (says.has_start()) {
      const Nanos start(says.start().at_ns());
      if (start > Now() - kStartMax && start < Now() + kStartMax) return start;
      return Excuse(absl::InvalidArgumentError("the leader says to begin at a time that is not now"));
    } else {
      return Excuse(absl::InvalidArgumentError("the leader says something else than when to begin"));
    }
  }
}

v1::GeneratorState StateOf(const LoadSnapshot& now) {
  v1::GeneratorState state;
  *state.mutable_counts() = CountsToProto(now.counts);
  state.set_inflight_operations(now.gauges.inflight_operations);
  state.set_target_per_second(now.gauges.target_per_second);
  state.set_lag_ns(static_cast<std::uint64_t>(std::max(now.gauges.lag, Nanos(0)).count()));
  return state;
}

v1::GeneratorPart PartOf(const LoadRun::Result& result) {
  v1::GeneratorPart part;
  *part.mutable_measured() = CountsToProto(result.measured);
  part.set_passes(result.report.passes());
  part.set_warmup_operations(result.report.warmup_operations());
  part.set_elapsed_ns(static_cast<std::uint64_t>(result.elapsed.count()));
  part.set_began_ns(result.began.count());
  part.set_server_version(result.report.server_version());
  part.set_server_build(result.report.server_build());
  *part.mutable_instance_config() = result.report.config().instance_config();
  *part.mutable_instances() = result.report.instances();
  if (!result.report.errors().empty()) *part.mutable_error() = result.report.errors(0);
  return part;
}

// Until the leader ends the stream; on a thread of its own.
void Joined::Hear() {
  v1::LeaderSays says;
  while (stream_->Read(&says)) {
    if (says.has_stop()) stop_ = true;
  }
  stop_ = true;
}

// So that the leader knows that this generator lives, whatever it waits for; on a thread of its own.
void Joined::Tell() {
  while (true) {
    v1::GeneratorSays says;
    {
      const MutexLock lock(mutex_);
      if (told_) return;
      *says.mutable_state() = StateOf(snapshot_);
    }
    Write(says);
    const MutexLock lock(mutex_);
    if (!told_) changed_.WaitUntil(mutex_, MonotonicTime::Now() + absl::FromChrono(kStateInterval));
  }
}

LoadRun::Result Joined::Load(Nanos start) {
  run_->Begin(start);
  std::thread teller([this] { Tell(); });
  LoadProgress progress(stderr, session_.options().quiet);
  while (!run_->WaitFor(kLookForStop)) {
    if (stop_) run_->Drain();
    const LoadSnapshot snapshot = run_->Read();
    progress.Update(snapshot, run_->elapsed());
    const MutexLock lock(mutex_);
    snapshot_ = snapshot;
  }
  LoadRun::Result result = run_->Finish();
  {
    const MutexLock lock(mutex_);
    told_ = true;
    changed_.NotifyAll();
  }
  teller.join();
  return result;
}

absl::StatusOr<JoinedLoad> Joined::Run() {
  client::InterruptGuard guard([this] {
    stop_ = true;
    if (!begun_) context_->TryCancel();
  });
  const auto instead = [&guard](absl::Status status) {
    return guard.interrupted() ? absl::CancelledError("interrupted before the load began") : status;
  };
  if (absl::Status status = Prepare(); !status.ok()) return instead(std::move(status));
  const absl::StatusOr<Nanos> start = AwaitStart();
  if (!start.ok()) return instead(start.status());
  begun_ = true;
  std::thread hearer([this] { Hear(); });
  const LoadRun::Result result = Load(*start);
  v1::GeneratorSays says;
  *says.mutable_part() = PartOf(result);
  says.mutable_part()->set_interrupted(guard.interrupted());
  Write(says);
  stream_->WritesDone();
  hearer.join();
  const grpc::Status status = stream_->Finish();
  if (!result.error.ok()) return result.error;
  if (!status.ok()) return Explain(status);
  return JoinedLoad{.operations = result.measured.Answered(), .interrupted = guard.interrupted()};
}

}  // namespace

absl::StatusOr<JoinedLoad> JoinLoad(client::Session& session, const std::string& leader, LoadMetrics& metrics) {
  return Joined(session, leader, metrics).Run();
}

}  // namespace alloclab::load
