// Watching a run to its end, and showing what it found.
#ifndef ALLOCLAB_CLIENTS_CLI_RUN_WATCH_H_
#define ALLOCLAB_CLIENTS_CLI_RUN_WATCH_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "allocators/common/mutex.h"
#include "alloclab/v1/run.pb.h"
#include "clients/common/command.h"
#include "clients/common/progress.h"
#include "clients/common/threshold.h"

namespace alloclab::client {

// What Ctrl-C does to a command that calls the server several times: the first one ends the call that is under way, or what
// takes its place.
//
// Thread safety: safe for concurrent use.
class Interruption {
 public:
  // From the signal.
  void Interrupt();
  bool interrupted() const;

  // `action` runs at the interrupt, or now if that has been; the one before is forgotten.
  void Set(std::function<void()> action);

 private:
  mutable Mutex mutex_;
  bool interrupted_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> action_ ABSL_GUARDED_BY(mutex_);
};

enum class OnInterrupt { kStopWatching, kCancelRun };

// The run as it ended. CANCELLED: interrupted, and the run goes on. Draws `progress`.
absl::StatusOr<v1::Run> WatchToEnd(const Connection& connection, std::uint64_t id, OnInterrupt mode, Interruption& interruption,
                                   Progress& progress);

// Asks the server to stop the run.
absl::StatusOr<v1::Run> CancelRun(const Connection& connection, std::uint64_t id);

// Prints the run, with the command that reproduces it as the last line. The exit code tells how it ended: kViolation for a
// broken invariant, kRuntimeError if it did not succeed, kThreshold if it does not keep one. `workload` as for
// ReproducingCommand.
CommandResult ShowRun(Session& session, const v1::Run& run, const std::string& workload,
                      std::span<const Threshold> thresholds = {});

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_RUN_WATCH_H_
