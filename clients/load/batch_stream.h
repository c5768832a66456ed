// Replays operations over one Heap.Stream: sends each batch when the pacer says so and the window has room, matches replies,
// and enters everything in a meter.
//
// gRPC's own threads send and receive; the thread in Run() wakes up only for what they do not notice: a batch that is due, a
// reply that is overdue, the end. Messages are reused, so that a batch costs no allocation.
#ifndef ALLOCLAB_CLIENTS_LOAD_BATCH_STREAM_H_
#define ALLOCLAB_CLIENTS_LOAD_BATCH_STREAM_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "allocators/common/mutex.h"
#include "alloclab/v1/heap.grpc.pb.h"
#include "clients/common/connection.h"
#include "clients/load/clock.h"
#include "clients/load/meter.h"
#include "clients/load/schedule.h"
#include "clients/load/script.h"

namespace alloclab::load {

struct StreamLimits {
  std::uint32_t batch = 4096;  // operations per message
  std::uint32_t window = 8;    // batches sent and not yet answered
  Nanos reply_timeout{10'000'000'000};
};

// How a run is told to end before its time.
struct StopFlags {
  std::atomic<bool> drain{false};  // send nothing more, wait for what was sent
  std::atomic<bool> abort{false};  // do not wait either
};

class BatchStream final : private grpc::ClientBidiReactor<v1::Batch, v1::BatchReply> {
 public:
  // All references outlive the stream. `budget` is the number of operations that may still be sent; it is counted down.
  BatchStream(const client::Connection& connection, std::string instance, StreamLimits limits, Cursor& cursor, Pacer& pacer,
              std::uint64_t& budget, const Period& period, Meter& meter);

  // Returns when everything that was sent is answered and there is nothing more to send: the cursor is at its end, the budget
  // is used up, the period is over, or a flag says so. Otherwise what went wrong: the call's own error, DEADLINE_EXCEEDED
  // when a reply took longer than the limit, INTERNAL when the server broke the protocol. To be called once.
  absl::Status Run(const StopFlags& stop) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct InFlight {
    std::span<const Operation> operations;
    Nanos intended, sent;
  };

  void OnWriteDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

  void Look(Nanos now, const StopFlags& stop) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Pump(Nanos now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Send(Nanos now, Nanos intended) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Settle(Nanos now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveUp(absl::Status why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Release() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Nanos NextLook(Nanos now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Conclude() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const client::Connection& connection_;
  const std::string instance_;
  const StreamLimits limits_;
  const Period period_;
  Pacer& pacer_;
  Meter& meter_;
  const std::unique_ptr<grpc::ClientContext> context_;
  v1::Heap::Stub stub_;

  Mutex mutex_;
  Condition changed_;
  Cursor& cursor_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t& budget_ ABSL_GUARDED_BY(mutex_);
  v1::Batch batch_;       // being written
  v1::BatchReply reply_;  // being read
  std::vector<Outcome> outcomes_ ABSL_GUARDED_BY(mutex_);
  std::deque<InFlight> in_flight_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t sent_batches_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t answered_batches_ ABSL_GUARDED_BY(mutex_) = 0;
  Nanos next_look_ ABSL_GUARDED_BY(mutex_){0};
  Nanos closed_at_ ABSL_GUARDED_BY(mutex_) = Nanos::max();  // when our side of the stream was
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool held_back_ ABSL_GUARDED_BY(mutex_) = false;  // the batch that is due found the window full, or the wire
  bool last_sent_ ABSL_GUARDED_BY(mutex_) = false;  // there is nothing more to send
  bool released_ ABSL_GUARDED_BY(mutex_) = false;   // no call on this stream may be made any more
  absl::Status verdict_ ABSL_GUARDED_BY(mutex_);    // why we gave up, if we did
  std::optional<grpc::Status> ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_BATCH_STREAM_H_
