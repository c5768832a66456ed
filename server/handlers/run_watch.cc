#include "server/handlers/run_watch.h"

#include <grpcpp/server_context.h>

#include <utility>

#include "allocators/common/check.h"
#include "server/converters/run_converter.h"
#include "server/errors.h"
#include "server/handlers/grpc_status.h"

namespace alloclab::server {

RunWatch::RunWatch(grpc::CallbackServerContext& context, const Hosts& hosts, std::uint64_t id,
                   const absl::StatusOr<std::string>& owner)
    : hosts_(hosts), write_(hosts.writes, [&context] { context.TryCancel(); }) {
  absl::Status status = owner.status();
  if (status.ok()) {
    status = hosts_.watchers.Admit(this, {context.peer(), *owner}, errors::TooManyWatchers(hosts_.watchers.max()),
                                   [this](const absl::Status& why) { End(why); });
  }
  if (status.ok()) {
    ALLOCLAB_CHECK(hosts_.pieces.Offer({.name = *owner}, [this, id] { Begin(id); }));
    return;
  }
  const MutexLock lock(mutex_);
  finished_ = true;
  Finish(ToGrpcStatus(status));
}

void RunWatch::Begin(std::uint64_t id) {
  absl::Status status;
  v1::Run ended;
  live_ = hosts_.runs.FindLive(id);
  if (live_) {
    watcher_ = live_->Watch([this] { Changed(); });
  } else {
    const absl::StatusOr<Run> run = hosts_.runs.Get(id);
    status = run.status();
    if (run.ok()) ended = ToProto(*run);
  }
  const MutexLock lock(mutex_);
  beginning_ = false;
  if (!status.ok()) end_ = status;
  if (!end_ && live_) return Proceed();
  finished_ = true;
  if (end_) return Finish(ToGrpcStatus(*end_));
  message_ = std::move(ended);
  write_.Began();
  StartWriteAndFinish(&message_, {}, grpc::Status::OK);
}

void RunWatch::Changed() {
  const MutexLock lock(mutex_);
  changed_ = true;
  Proceed();
}

void RunWatch::Proceed() {
  if (beginning_ || writing_ || finished_ || !changed_) return;
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
  hosts_.watchers.Heard(this);
  const MutexLock lock(mutex_);
  writing_ = false;
  Proceed();
}

void RunWatch::OnCancel() { End(errors::CallCancelled()); }

void RunWatch::End(const absl::Status& status) {
  const MutexLock lock(mutex_);
  if (finished_) return;
  if (beginning_) {
    end_ = status;
    return;
  }
  finished_ = true;
  Finish(ToGrpcStatus(status));
}

void RunWatch::OnDone() {
  if (live_) live_->Unwatch(watcher_);
  hosts_.watchers.Leave(this);
  { const MutexLock lock(mutex_); }  // Begin, which may have finished the call, is out of it
  delete this;
}

}  // namespace alloclab::server
