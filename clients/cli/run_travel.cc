#include "clients/cli/run_travel.h"

#include <fmt/format.h>

#include "alloclab/v1/time_travel.grpc.pb.h"
#include "clients/common/progress.h"

namespace alloclab::client {

absl::StatusOr<v1::Moment> OpenRun(Session& session, std::uint64_t run) {
  v1::OpenRunRequest request;
  request.set_run(run);
  return session.connection().Call(&v1::TimeTravel::Stub::Open, request);
}

absl::StatusOr<v1::Moment> GoTo(Session& session, v1::Moment moment, std::uint64_t operation, const std::string& what) {
  if (operation > moment.operations()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {} is not one of the run's {} operations", what, operation, moment.operations()));
  }
  Progress progress(stderr, session.options().quiet);
  v1::SeekRequest request;
  request.set_instance(moment.instance());
  do {
    const bool far = operation > moment.operation() + kOperationsOfACall;
    request.set_operation(far ? moment.operation() + kOperationsOfACall : operation);
    absl::StatusOr<v1::Moment> reached = session.connection().Call(&v1::TimeTravel::Stub::Seek, request);
    if (!reached.ok()) {
      progress.Finish();
      return reached.status();
    }
    moment = *std::move(reached);
    progress.Update("replaying", moment.operation(), operation);
  } while (moment.operation() != operation);
  progress.Finish();
  return moment;
}

void CloseRun(Session& session, const std::string& instance) {
  v1::CloseRunRequest request;
  request.set_instance(instance);
  const auto closed = session.connection().Call(&v1::TimeTravel::Stub::Close, request);
  if (!closed.ok())
    session.Note(fmt::format("{} stays open for a while: {}", instance, std::string(closed.status().message())));
}

}  // namespace alloclab::client
