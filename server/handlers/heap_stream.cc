#include "server/handlers/heap_stream.h"

#include <grpcpp/server_context.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "allocators/common/check.h"
#include "proto/converters/bounds.h"
#include "server/access/access_control.h"
#include "server/errors.h"
#include "server/handlers/grpc_status.h"

namespace alloclab::server {
namespace {

// About what it takes to wake another thread.
constexpr std::uint64_t kQuickBatchNs = 30'000;

}  // namespace

absl::StatusOr<BatchEnd> ApplyBatch(LiveInstance& instance, const v1::Batch& batch, const Interrupt& left, BatchWork& work,
                                    v1::BatchReply& reply) {
  const MonotonicTime began = MonotonicTime::Now();
  if (absl::Status status = FromProto(batch, work); !status.ok()) return status;
  const absl::StatusOr<LiveInstance::Applied> applied = instance.Apply(work.need, work.operations, work.results, left);
  if (!applied.ok()) return applied.status();
  work.results.resize(applied->operations);
  ToProto(work, batch.quiet(), reply);
  reply.set_sequence(batch.sequence());
  reply.set_stopped(std::string(applied->stopped.message()));
  reply.set_service_ns(static_cast<std::uint64_t>(absl::ToInt64Nanoseconds(MonotonicTime::Now() - began)));
  return BatchEnd{applied->stopped};
}

HeapStream::HeapStream(grpc::CallbackServerContext& context, Find find, const Hosts& hosts,
                       const absl::StatusOr<std::string>& owner)
    : find_(std::move(find)), hosts_(hosts), owner_{.name = owner.value_or("")}, write_(hosts.writes, [&context] {
        context.TryCancel();
      }) {
  absl::Status status = owner.status();
  if (status.ok())
    status = hosts_.streams.Admit(this, {context.peer(), *owner}, errors::TooManyStreams(hosts_.streams.max()),
                                  [this](const absl::Status& why) { End(why); });
  if (status.ok()) {
    const MutexLock lock(mutex_);
    Read();
  } else {
    End(std::move(status));
  }
}

void HeapStream::OnReadDone(bool ok) {
  hosts_.streams.Heard(this);
  bool work_here = false;
  {
    const MutexLock lock(mutex_);
    reading_ = false;
    has_batch_ = ok;
    ending_ |= !ok;  // half-closed by the client: end_ is OK unless something else ended the call before
    work_here = Proceed();
  }
  if (work_here) WorkHere();
}

void HeapStream::OnWriteDone(bool ok) {
  hosts_.streams.Heard(this);
  bool work_here = false;
  {
    const MutexLock lock(mutex_);
    writing_ = false;
    write_.Ended();
    if (!ok && !ending_) {
      ending_ = true;
      end_ = errors::CallCancelled();
    }
    work_here = Proceed();
  }
  if (work_here) WorkHere();
}

void HeapStream::OnCancel() {
  cancelled_ = true;
  End(errors::CallCancelled());
}

void HeapStream::OnDone() {
  hosts_.streams.Leave(this);
  { const MutexLock lock(mutex_); }  // Work, which finished the call, is out of it
  delete this;
}

void HeapStream::End(absl::Status status) {
  const MutexLock lock(mutex_);
  if (!ending_) {
    ending_ = true;
    end_ = std::move(status);
  }
  if (Proceed()) Post();
}

void HeapStream::Post() {
  ALLOCLAB_CHECK(hosts_.pieces.Offer(owner_, [this] { Work(); }));
}

void HeapStream::WorkHere() {
  if (!hosts_.operations.DoNow([this] { Work(); })) Post();
}

void HeapStream::Read() {
  if (reading_ || has_batch_ || ending_) return;
  reading_ = true;
  StartRead(&incoming_);
}

bool HeapStream::Proceed() {
  if (has_reply_ && !writing_) {
    has_reply_ = false;
    writing_ = true;
    reply_.Swap(&outgoing_);
    write_.Began();
    StartWrite(&outgoing_);
  }
  if (working_ || has_reply_ || finished_) return false;
  if (has_batch_ && end_.ok()) {
    has_batch_ = false;
    working_ = true;
    batch_.Swap(&incoming_);
    if (IsQuick()) return true;
    Read();
    Post();
  } else if (ending_ && !writing_) {
    finished_ = true;
    Finish(ToGrpcStatus(end_));
  }
  return false;
}

bool HeapStream::IsQuick() const { return batch_.kinds().size() * ns_per_operation_ <= kQuickBatchNs; }

void HeapStream::Work() {
  const absl::StatusOr<BatchEnd> end = ApplyNext();
  bool work_here = false;
  {
    const MutexLock lock(mutex_);
    working_ = false;
    has_reply_ = end.ok();
    if (end.ok() && end->stopped.ok()) {
      ns_per_operation_ = reply_.service_ns() / std::max(reply_.operations(), 1u) + 1;
      Read();
    } else {  // later batches are not applied: their place is behind the rest of this one
      ending_ = true;
      end_ = end.ok() ? end->stopped : end.status();
    }
    work_here = Proceed();
  }
  if (work_here) Work();
}

absl::Status HeapStream::FindAgain() {
  const MonotonicTime now = MonotonicTime::Now();
  if (now - found_ < kTokensLookInterval) return absl::OkStatus();
  found_ = now;
  absl::Status status = find_(std::to_string(instance_->id())).status();
  return absl::IsNotFound(status) ? absl::OkStatus() : status;  // what was deleted says so itself
}

absl::StatusOr<BatchEnd> HeapStream::ApplyNext() {
  if (absl::Status status = CheckBounds(batch_); !status.ok()) return status;
  if (!instance_ || (!batch_.instance().empty() && batch_.instance() != instance_named_)) {
    if (instance_) return errors::InstanceChangedInStream(instance_named_, batch_.instance());
    absl::StatusOr<std::shared_ptr<LiveInstance>> found = find_(batch_.instance());
    if (!found.ok()) return found.status();
    instance_ = *std::move(found);
    instance_named_ = batch_.instance();
    found_ = MonotonicTime::Now();
  }
  if (absl::Status status = FindAgain(); !status.ok()) return status;
  return ApplyBatch(
      *instance_, batch_, [this] { return cancelled_.load(std::memory_order_relaxed); }, work_, reply_);
}

}  // namespace alloclab::server
