// One call of Runs.WatchRun: the run now, as it goes, and at the end. One write in flight; what happened meanwhile is told by
// the next message, so a slow client misses steps but never the end.
#ifndef ALLOCLAB_SERVER_HANDLERS_RUN_WATCH_H_
#define ALLOCLAB_SERVER_HANDLERS_RUN_WATCH_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "allocators/common/mutex.h"
#include "alloclab/v1/run.pb.h"
#include "server/collections/run_executor.h"
#include "server/handlers/open_calls.h"
#include "server/handlers/write_watch.h"
#include "server/http/call_queue.h"

namespace alloclab::server {

class RunWatch final : public grpc::ServerWriteReactor<v1::Run> {
 public:
  // What all watchers share; it outlives them.
  struct Hosts {
    RunExecutor& runs;
    CallQueue& pieces;  // takes whatever comes
    OpenCalls& watchers;
    WriteWatch& writes;
  };

  // Deletes itself when the call is done, with the error of `owner` at once.
  RunWatch(grpc::CallbackServerContext& context, const Hosts& hosts, std::uint64_t id,
           const absl::StatusOr<std::string>& owner);

  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnCancel() override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnDone() override;

 private:
  // On another thread than gRPC's: the store may take long. Nothing is finished before it is over.
  void Begin(std::uint64_t id) ABSL_LOCKS_EXCLUDED(mutex_);
  void Changed() ABSL_LOCKS_EXCLUDED(mutex_);
  void End(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  // Writes the state that was not yet told, or finishes.
  void Proceed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Hosts hosts_;
  WriteWatch::Call write_;
  std::shared_ptr<LiveRun> live_;  // null: the run had ended before
  std::uint64_t watcher_ = 0;

  Mutex mutex_;
  bool beginning_ ABSL_GUARDED_BY(mutex_) = true;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);  // that came meanwhile
  v1::Run message_ ABSL_GUARDED_BY(mutex_);                  // gRPC's while writing_
  bool changed_ ABSL_GUARDED_BY(mutex_) = true;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_RUN_WATCH_H_
