// Batches of operations: proto -> operations, results -> proto. The hot path: buffers are reused from batch to batch.
#ifndef ALLOCLAB_SERVER_CONVERTERS_BATCH_CONVERTER_H_
#define ALLOCLAB_SERVER_CONVERTERS_BATCH_CONVERTER_H_

#include <vector>

#include "absl/status/status.h"
#include "allocators/workload/driver.h"
#include "alloclab/v1/heap.pb.h"
#include "server/entities/live_instance.h"

namespace alloclab::server {

// A batch on its way through the server. Reused, so that its arrays keep their memory.
struct BatchWork {
  std::vector<Operation> operations;
  std::vector<OpResult> results;  // of the same length; after the work, of those that were applied
  HandleNeed need;
};

// INVALID_ARGUMENT naming the array and the element: lengths that differ, too many operations, an unknown kind, a handle that
// is too large or missing.
absl::Status FromProto(const v1::Batch& batch, BatchWork& work);

// All but sequence and service_ns.
void ToProto(const BatchWork& work, bool quiet, v1::BatchReply& reply);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_BATCH_CONVERTER_H_
