// A run opened for the time of one command.
#ifndef ALLOCLAB_CLIENTS_CLI_RUN_TRAVEL_H_
#define ALLOCLAB_CLIENTS_CLI_RUN_TRAVEL_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "alloclab/v1/time_travel.pb.h"
#include "clients/common/session.h"

namespace alloclab::client {

inline constexpr std::uint64_t kOperationsOfACall = 200'000;  // so that a call ends in time, and progress is seen

// In front of its first operation.
absl::StatusOr<v1::Moment> OpenRun(Session& session, std::uint64_t run);
// Goes on in calls that each take a while, and shows progress. INVALID_ARGUMENT beyond the run's end, naming `what` was asked.
absl::StatusOr<v1::Moment> GoTo(Session& session, v1::Moment moment, std::uint64_t operation,
                                const std::string& what = "OPERATION");
// An instance that cannot be closed is remarked on.
void CloseRun(Session& session, const std::string& instance);

// Opens a run, hands it to `look`, and closes it whatever came of that.
template <class Result>
absl::StatusOr<Result> WithOpenedRun(Session& session, std::uint64_t run,
                                     const std::function<absl::StatusOr<Result>(const v1::Moment&)>& look) {
  const absl::StatusOr<v1::Moment> moment = OpenRun(session, run);
  if (!moment.ok()) return moment.status();
  absl::StatusOr<Result> result = look(*moment);
  CloseRun(session, moment->instance());
  return result;
}

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_RUN_TRAVEL_H_
