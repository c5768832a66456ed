#include "clients/cli/run_watch.h"

#include <fmt/format.h>

#include <utility>

#include "alloclab/v1/lab.grpc.pb.h"
#include "alloclab/v1/run.grpc.pb.h"
#include "clients/cli/run_figures.h"
#include "clients/cli/run_view.h"
#include "clients/common/json.h"

namespace alloclab::client {
namespace {

// A watch is renewed that often: no call goes without a deadline, yet a run may take as long as it takes.
constexpr std::chrono::milliseconds kWatchDeadline{60'000};

// One watch: leaves in `run` what came last.
grpc::Status Watch(const Connection& connection, std::uint64_t id, OnInterrupt mode, Interruption& interruption,
                   Progress& progress, v1::Run& run) {
  v1::WatchRunRequest request;
  request.set_id(id);
  v1::Runs::Stub stub(connection.channel());
  const std::shared_ptr<grpc::ClientContext> context = connection.MakeContext(kWatchDeadline);
  interruption.Set([context, &connection, id, mode] {
    if (mode == OnInterrupt::kStopWatching || !CancelRun(connection, id).ok()) context->TryCancel();
  });
  const auto reader = stub.WatchRun(context.get(), request);
  while (reader->Read(&run)) {
    progress.Update(run.state() == v1::Run::QUEUED ? "queued" : "replaying", run.operations_done(), run.operations_total());
  }
  return reader->Finish();
}

}  // namespace

void Interruption::Interrupt() {
  std::function<void()> action;
  {
    const MutexLock lock(mutex_);
    interrupted_ = true;
    action = action_;
  }
  if (action) action();
}

bool Interruption::interrupted() const {
  const MutexLock lock(mutex_);
  return interrupted_;
}

void Interruption::Set(std::function<void()> action) {
  {
    const MutexLock lock(mutex_);
    action_ = action;
    if (!interrupted_) return;
  }
  action();
}

absl::StatusOr<v1::Run> WatchToEnd(const Connection& connection, std::uint64_t id, OnInterrupt mode, Interruption& interruption,
                                   Progress& progress) {
  v1::Run run;
  for (;;) {
    const grpc::Status status = Watch(connection, id, mode, interruption, progress, run);
    if (status.ok() && HasEnded(run)) return run;
    if (interruption.interrupted() && status.error_code() == grpc::StatusCode::CANCELLED)
      return absl::CancelledError(fmt::format("interrupted; run {} goes on", id));
    if (status.ok() || status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) continue;
    const absl::Status error = connection.Explain(status);
    if (error.code() != absl::StatusCode::kUnavailable) return error;
    return absl::UnavailableError(
        fmt::format("{}\nRun {} is in the server's store: alloclab runs show {}", std::string(error.message()), id, id));
  }
}

absl::StatusOr<v1::Run> CancelRun(const Connection& connection, std::uint64_t id) {
  v1::CancelRunRequest request;
  request.set_id(id);
  return connection.Call(&v1::Runs::Stub::CancelRun, request);
}

CommandResult ShowRun(Session& session, const v1::Run& run, const std::string& workload,
                      std::span<const Threshold> thresholds) {
  const v1::Catalog catalog = CatalogOrNothing(session.connection());  // without it the command merely gets longer
  const std::string reproduce = ReproducingCommand(run, workload, catalog);
  const std::vector<Measurement> measurements = MeasurementsOf(run.result());
  JsonExtras extras = {{"reproduce", JsonText(reproduce)}};
  Document document = RunDocument(run, session.width(), FigureUnits(catalog));
  document.command = reproduce;
  if (!thresholds.empty()) {
    document.sections.push_back(ThresholdSection(thresholds, measurements));
    extras.emplace_back("thresholds", ThresholdsJson(thresholds, measurements));
  }
  const absl::Status shown = session.Show(run, document, fmt::format("{}\n", run.id()), extras);
  ExitCode code = AllHold(thresholds, measurements) ? ExitCode::kOk : ExitCode::kThreshold;
  if (HasEnded(run) && run.state() != v1::Run::SUCCEEDED) code = ExitCode::kRuntimeError;
  if (run.result().exact().violations() > 0) code = ExitCode::kViolation;
  return Done(shown, code);
}

}  // namespace alloclab::client
