// One call of Heap.Stream: batches in, replies out, in order.
//
// At most one read, one batch at work and one write are in flight, all three at the same time; a client that does not read its
// replies is soon not read from. The messages are reused. A batch that will take a few microseconds, going by the one before,
// is applied on gRPC's own thread: waking another one would take longer. As it may take seconds all the same, it needs a place
// there as a single operation does (CallQueue::DoNow).
#ifndef ALLOCLAB_SERVER_HANDLERS_HEAP_STREAM_H_
#define ALLOCLAB_SERVER_HANDLERS_HEAP_STREAM_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"
#include "alloclab/v1/heap.pb.h"
#include "server/converters/batch_converter.h"
#include "server/entities/live_instance.h"
#include "server/handlers/open_calls.h"
#include "server/handlers/write_watch.h"
#include "server/http/call_queue.h"

namespace alloclab::server {

// Applies one batch to an instance and fills the reply in. An error: nothing was applied. Otherwise why the rest of the batch
// was not, as the reply says too; OK: all was.
struct BatchEnd {
  absl::Status stopped;
};
absl::StatusOr<BatchEnd> ApplyBatch(LiveInstance& instance, const v1::Batch& batch, const Interrupt& left, BatchWork& work,
                                    v1::BatchReply& reply);

class HeapStream final : public grpc::ServerBidiReactor<v1::Batch, v1::BatchReply> {
 public:
  // The instance of that name, for this caller.
  using Find = std::function<absl::StatusOr<std::shared_ptr<LiveInstance>>(const std::string& name)>;

  // All outlive a stream.
  struct Hosts {
    CallQueue& operations;  // has the places
    CallQueue& pieces;      // takes whatever comes
    OpenCalls& streams;
    WriteWatch& writes;
  };

  // Deletes itself when the call is done, with the error of `owner` at once.
  HeapStream(grpc::CallbackServerContext& context, Find find, const Hosts& hosts, const absl::StatusOr<std::string>& owner);

  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnCancel() override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnDone() override;

 private:
  static constexpr std::uint64_t kUnknownNs = 1'000'000'000;

  void Work() ABSL_LOCKS_EXCLUDED(mutex_);
  // Has Work called on another thread.
  void Post();
  // Calls Work on this thread, if there is a place for it.
  void WorkHere() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<BatchEnd> ApplyNext();
  // Whether the caller may still use the instance, a look in kTokensLookInterval.
  absl::Status FindAgain();
  // Whether the batch at hand will be done soon, going by the one before.
  bool IsQuick() const;
  void End(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);
  // Starts whatever has become possible, or finishes the call. True: the caller is to call Work, or WorkHere, without the lock.
  [[nodiscard]] bool Proceed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Read() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Find find_;
  const Hosts hosts_;
  const CallQueue::Client owner_;
  WriteWatch::Call write_;

  // Touched by whoever is at work.
  v1::Batch batch_;
  v1::BatchReply reply_;
  BatchWork work_;
  std::shared_ptr<LiveInstance> instance_;
  std::string instance_named_;
  MonotonicTime found_ = MonotonicTime::InfinitePast();
  std::uint64_t ns_per_operation_ = kUnknownNs;

  std::atomic<bool> cancelled_{false};

  v1::Batch incoming_;       // gRPC's while reading_
  v1::BatchReply outgoing_;  // gRPC's while writing_

  Mutex mutex_;
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_batch_ ABSL_GUARDED_BY(mutex_) = false;  // incoming_ is complete
  bool working_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_reply_ ABSL_GUARDED_BY(mutex_) = false;  // reply_ is complete
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_HEAP_STREAM_H_
