#include "server/handlers/heap_stream.h"

#include <utility>

#include "absl/time/clock.h"
#include "server/errors.h"
#include "server/server/grpc_status.h"

namespace alloclab::server {

absl::Status ApplyBatch(LiveInstance& instance, const v1::Batch& batch, BatchWork& work, v1::BatchReply& reply) {
  const std::int64_t began = absl::GetCurrentTimeNanos();
  if (absl::Status status = FromProto(batch, work); !status.ok()) return status;
  if (absl::Status status = instance.Apply(work.operations, work.need, work.results); !status.ok()) return status;
  ToProto(work, batch.quiet(), reply);
  reply.set_sequence(batch.sequence());
  reply.set_service_ns(static_cast<std::uint64_t>(absl::GetCurrentTimeNanos() - began));
  return absl::OkStatus();
}

HeapStream::HeapStream(InstanceRegistry& instances, WorkPool& pool, OpenCalls& streams)
    : instances_(instances), pool_(pool), streams_(streams) {
  absl::Status status = streams_.Admit(this, errors::TooManyStreams(streams_.max()), [this] { End(errors::Draining()); });
  if (status.ok()) {
    StartRead(&batch_);
  } else {
    End(std::move(status));
  }
}

void HeapStream::OnReadDone(bool ok) {
  const absl::MutexLock lock(&mutex_);
  if (ok) {
    has_batch_ = true;
  } else {
    ending_ = true;  // half-closed by the client: end_ is OK unless something else ended the call before
  }
  Proceed();
}

void HeapStream::OnWriteDone(bool ok) {
  const absl::MutexLock lock(&mutex_);
  writing_ = false;
  if (!ok && !ending_) {
    ending_ = true;
    end_ = errors::CallCancelled();
  }
  Proceed();
}

void HeapStream::OnCancel() { End(errors::CallCancelled()); }

void HeapStream::OnDone() {
  streams_.Leave(this);
  delete this;
}

void HeapStream::End(absl::Status status) {
  const absl::MutexLock lock(&mutex_);
  if (!ending_) {
    ending_ = true;
    end_ = std::move(status);
  }
  Proceed();
}

void HeapStream::Proceed() {
  if (working_ || writing_ || finished_) return;
  if (has_batch_ && end_.ok()) {
    has_batch_ = false;
    working_ = true;
    pool_.Post([this] { Work(); });
  } else if (ending_) {
    finished_ = true;
    Finish(ToGrpcStatus(end_));
  }
}

void HeapStream::Work() {
  const absl::Status status = ApplyNext();
  const absl::MutexLock lock(&mutex_);
  working_ = false;
  if (!status.ok()) {
    ending_ = true;
    end_ = status;
  } else {
    writing_ = true;
    StartWrite(&reply_);
    if (!ending_) StartRead(&batch_);
  }
  Proceed();
}

absl::Status HeapStream::ApplyNext() {
  if (!instance_ || (!batch_.instance().empty() && batch_.instance() != instance_named_)) {
    if (instance_) return errors::InstanceChangedInStream(instance_named_, batch_.instance());
    absl::StatusOr<std::shared_ptr<LiveInstance>> found = instances_.Find(batch_.instance());
    if (!found.ok()) return found.status();
    instance_ = *std::move(found);
    instance_named_ = batch_.instance();
  }
  return ApplyBatch(*instance_, batch_, work_, reply_);
}

}  // namespace alloclab::server
