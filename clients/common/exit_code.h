// How a command of the command line ends, as scripts see it. The numbers are documented and never change.
#ifndef ALLOCLAB_CLIENTS_COMMON_EXIT_CODE_H_
#define ALLOCLAB_CLIENTS_COMMON_EXIT_CODE_H_

#include "absl/status/status.h"

namespace alloclab::client {

enum class ExitCode {
  kOk = 0,
  kRuntimeError = 1,
  kUsage = 2,  // the command line is wrong, or names a value the server refuses
  kServerUnreachable = 3,
  kBadWorkload = 4,    // the trace or the specification is missing, unreadable or malformed
  kViolation = 5,      // an allocator's invariant is broken
  kDifference = 6,     // two runs that were compared differ, or one is worse than the baseline allows
  kThreshold = 99,     // a threshold was not kept
  kInterrupted = 130,  // by SIGINT or SIGTERM
};

// Inside the clients an error is a Status; its code decides the exit code: INVALID_ARGUMENT is kUsage, UNAVAILABLE is
// kServerUnreachable, DATA_LOSS (a bad trace or specification) is kBadWorkload, CANCELLED is kInterrupted, any other
// kRuntimeError.
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_EXIT_CODE_H_
