// One call of Heap.Stream: batches in, replies out, in order.
//
// At most one read, one batch at work and one write are in flight: the next batch is read while a reply is written, and waits
// for it. The messages are reused. A client that does not read its replies is not read from.
#ifndef ALLOCLAB_SERVER_HANDLERS_HEAP_STREAM_H_
#define ALLOCLAB_SERVER_HANDLERS_HEAP_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "alloclab/v1/heap.pb.h"
#include "server/collections/instance_registry.h"
#include "server/converters/batch_converter.h"
#include "server/handlers/open_calls.h"
#include "server/handlers/work_pool.h"

namespace alloclab::server {

// Applies one batch to an instance and fills the reply in. Every error changes nothing.
absl::Status ApplyBatch(LiveInstance& instance, const v1::Batch& batch, BatchWork& work, v1::BatchReply& reply);

class HeapStream final : public grpc::ServerBidiReactor<v1::Batch, v1::BatchReply> {
 public:
  // Deletes itself when the call is done. All outlive it.
  HeapStream(InstanceRegistry& instances, WorkPool& pool, OpenCalls& streams);

  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnCancel() override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnDone() override;

 private:
  void Work() ABSL_LOCKS_EXCLUDED(mutex_);  // on the pool
  absl::Status ApplyNext();
  void End(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);
  // Starts the work that has become possible, or finishes the call.
  void Proceed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  InstanceRegistry& instances_;
  WorkPool& pool_;
  OpenCalls& streams_;

  // Touched by whoever is at work.
  v1::Batch batch_;
  v1::BatchReply reply_;
  BatchWork work_;
  std::shared_ptr<LiveInstance> instance_;
  std::string instance_named_;

  absl::Mutex mutex_;
  bool has_batch_ ABSL_GUARDED_BY(mutex_) = false;
  bool working_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_HEAP_STREAM_H_
