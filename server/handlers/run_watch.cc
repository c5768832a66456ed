#include "server/handlers/run_watch.h"

#include <grpcpp/server_context.h>

#include "server/converters/run_converter.h"
#include "server/errors.h"
#include "server/handlers/grpc_status.h"

namespace alloclab::server {

RunWatch::RunWatch(grpc::CallbackServerContext& context, RunExecutor& runs, OpenCalls& watchers, WriteWatch& writes,
                   std::uint64_t id, const std::string& owner)
    : watchers_(watchers), write_(writes, [&context] { context.TryCancel(); }) {
  absl::Status status = watchers_.Admit(this, {context.peer(), owner}, errors::TooManyWatchers(watchers_.max()),
                                        [this](const absl::Status& why) { End(why); });
  if (status.ok()) status = Begin(runs, id);
  if (!status.ok()) End(status);
}

absl::Status RunWatch::Begin(RunExecutor& runs, std::uint64_t id) {
  live_ = runs.FindLive(id);
  if (live_) {
    watcher_ = live_->Watch([this] { Changed(); });
    Changed();
    return absl::OkStatus();
  }
  const absl::StatusOr<Run> run = runs.Get(id);
  if (!run.ok()) return run.status();
  const MutexLock lock(mutex_);
  message_ = ToProto(*run);
  finished_ = true;
  write_.Began();
  StartWriteAndFinish(&message_, {}, grpc::Status::OK);
  return absl::OkStatus();
}

void RunWatch::Changed() {
  const MutexLock lock(mutex_);
  changed_ = true;
  Proceed();
}

void RunWatch::Proceed() {
  if (writing_ || finished_ || !changed_) return;
  changed_ = false;
  const Run run = live_->Get();
  message_ = ToProto(run);
  write_.Began();
  if (Ended(run.state)) {
    finished_ = true;
    StartWriteAndFinish(&message_, {}, grpc::Status::OK);
  } else {
    writing_ = true;
    StartWrite(&message_);
  }
}

void RunWatch::OnWriteDone(bool ok) {
  write_.Ended();
  if (!ok) return End(errors::CallCancelled());
  watchers_.Heard(this);
  const MutexLock lock(mutex_);
  writing_ = false;
  Proceed();
}

void RunWatch::OnCancel() { End(errors::CallCancelled()); }

void RunWatch::End(const absl::Status& status) {
  const MutexLock lock(mutex_);
  if (finished_) return;
  finished_ = true;
  Finish(ToGrpcStatus(status));
}

void RunWatch::OnDone() {
  if (live_) live_->Unwatch(watcher_);
  watchers_.Leave(this);
  delete this;
}

}  // namespace alloclab::server
