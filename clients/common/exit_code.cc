#include "clients/common/exit_code.h"

namespace alloclab::client {

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kInvalidArgument:
      return ExitCode::kUsage;
    case absl::StatusCode::kUnavailable:
      return ExitCode::kServerUnreachable;
    case absl::StatusCode::kDataLoss:
      return ExitCode::kBadWorkload;
    case absl::StatusCode::kCancelled:
      return ExitCode::kInterrupted;
    default:
      return ExitCode::kRuntimeError;
  }
}

}  // namespace alloclab::client
