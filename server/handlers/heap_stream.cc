#include "server/handlers/heap_stream.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/time/clock.h"
#include "proto/converters/bounds.h"
#include "server/errors.h"
#include "server/handlers/grpc_status.h"

namespace alloclab::server {
namespace {

// About what it takes to wake another thread.
constexpr std::uint64_t kQuickBatchNs = 30'000;
// A long batch is applied in pieces, so that it can be looked at between two of them.
constexpr std::size_t kPieceOperations = 1024;

class Pieces {
 public:
  explicit Pieces(BatchWork& batch) : operations_(batch.operations), results_(batch.results) {}

  // Whether there are more.
  bool ApplyNext(Driver& driver) {
    const std::size_t count = std::min(operations_.size(), kPieceOperations);
    driver.Apply(operations_.first(count), results_.first(count));
    operations_ = operations_.subspan(count);
    results_ = results_.subspan(count);
    return !operations_.empty();
  }

 private:
  std::span<const Operation> operations_;
  std::span<OpResult> results_;
};

}  // namespace

absl::Status ApplyBatch(LiveInstance& instance, const v1::Batch& batch, BatchWork& work, v1::BatchReply& reply) {
  const std::int64_t began = absl::GetCurrentTimeNanos();
  if (absl::Status status = FromProto(batch, work); !status.ok()) return status;
  Pieces pieces(work);
  absl::Status status = instance.Operate(work.need, [&](Driver& driver) { return pieces.ApplyNext(driver); });
  if (!status.ok()) return status;
  ToProto(work, batch.quiet(), reply);
  reply.set_sequence(batch.sequence());
  reply.set_service_ns(static_cast<std::uint64_t>(std::max<std::int64_t>(absl::GetCurrentTimeNanos() - began, 0)));
  return absl::OkStatus();
}

HeapStream::HeapStream(const grpc::CallbackServerContext& context, InstanceRegistry& instances, WorkPool& pool,
                       OpenCalls& streams)
    : instances_(instances), pool_(pool), streams_(streams) {
  absl::Status status = streams_.Admit(this, context.peer(), errors::TooManyStreams(streams_.max()),
                                       [this](const absl::Status& why) { End(why); });
  if (status.ok()) {
    const MutexLock lock(mutex_);
    Read();
  } else {
    End(std::move(status));
  }
}

void HeapStream::OnReadDone(bool ok) {
  streams_.Heard(this);
  bool work_here = false;
  {
    const MutexLock lock(mutex_);
    reading_ = false;
    has_batch_ = ok;
    ending_ |= !ok;  // half-closed by the client: end_ is OK unless something else ended the call before
    work_here = Proceed();
  }
  if (work_here) Work();
}

void HeapStream::OnWriteDone(bool ok) {
  streams_.Heard(this);
  bool work_here = false;
  {
    const MutexLock lock(mutex_);
    writing_ = false;
    if (!ok && !ending_) {
      ending_ = true;
      end_ = errors::CallCancelled();
    }
    work_here = Proceed();
  }
  if (work_here) Work();
}

void HeapStream::OnCancel() { End(errors::CallCancelled()); }

void HeapStream::OnDone() {
  streams_.Leave(this);
  { const MutexLock lock(mutex_); }  // Work, which finished the call, is out of it
  delete this;
}

void HeapStream::End(absl::Status status) {
  const MutexLock lock(mutex_);
  if (!ending_) {
    ending_ = true;
    end_ = std::move(status);
  }
  if (Proceed()) pool_.Post([this] { Work(); });
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
    StartWrite(&outgoing_);
  }
  if (working_ || has_reply_ || finished_) return false;
  if (has_batch_ && end_.ok()) {
    has_batch_ = false;
    working_ = true;
    batch_.Swap(&incoming_);
    if (IsQuick()) return true;
    Read();
    pool_.Post([this] { Work(); });
  } else if (ending_ && !writing_) {
    finished_ = true;
    Finish(ToGrpcStatus(end_));
  }
  return false;
}

bool HeapStream::IsQuick() const { return batch_.kinds().size() * ns_per_operation_ <= kQuickBatchNs; }

void HeapStream::Work() {
  const absl::Status status = ApplyNext();
  bool work_here = false;
  {
    const MutexLock lock(mutex_);
    working_ = false;
    if (status.ok()) {
      has_reply_ = true;
      ns_per_operation_ = reply_.service_ns() / std::max(reply_.operations(), 1u) + 1;
      Read();
    } else {
      ending_ = true;
      end_ = status;
    }
    work_here = Proceed();
  }
  if (work_here) Work();
}

absl::Status HeapStream::ApplyNext() {
  if (absl::Status status = CheckBounds(batch_); !status.ok()) return status;
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
