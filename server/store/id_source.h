// Instance ids that are never given twice, not even after a crash: blocks of them are taken from the store ahead of use.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_STORE_ID_SOURCE_H_
#define ALLOCLAB_SERVER_STORE_ID_SOURCE_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "allocators/common/mutex.h"
#include "server/store/run_store.h"

namespace alloclab::server {

class IdSource {
 public:
  explicit IdSource(RunStore& store) : store_(store) {}  // `store` outlives this

  // RESOURCE_EXHAUSTED or INTERNAL when the store cannot be written.
  absl::StatusOr<std::uint64_t> Next() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  RunStore& store_;
  Mutex mutex_;
  std::uint64_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t end_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_ID_SOURCE_H_
