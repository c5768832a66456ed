// The operations that a workload stands for: built-in, generated, or recorded and uploaded before. Traces last used are kept
// ready in memory, up to kTraceCacheBytes but always the last one, so that an uploaded file is read once.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_COLLECTIONS_TRACE_LIBRARY_H_
#define ALLOCLAB_SERVER_COLLECTIONS_TRACE_LIBRARY_H_

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "allocators/common/mutex.h"
#include "allocators/workload/trace.h"
#include "server/entities/run.h"
#include "server/entities/trace_entry.h"
#include "server/store/run_store.h"

namespace alloclab::server {

class TraceLibrary {
 public:
  // `store` outlives this; it takes at most `bytes_max` bytes of traces.
  TraceLibrary(RunStore& store, std::uint64_t bytes_max) : store_(store), bytes_max_(bytes_max) {}

  // Reads an uploaded file and keeps it in the store; of several files with the same operations the first. INVALID_ARGUMENT:
  // malformed; RESOURCE_EXHAUSTED: too large, store full.
  // `make_room` is told how many bytes there is no room for before that is an error.
  absl::StatusOr<TraceEntry> Add(
      std::string bytes, const std::string& name, const std::function<void(std::uint64_t)>& make_room = [](std::uint64_t) {})
      ABSL_LOCKS_EXCLUDED(mutex_);

  // A page of what the store has, one more than `size` if there are more: those before the id `before`, 0: from the newest.
  absl::StatusOr<TraceList> List(std::uint64_t before, std::size_t size) const;
  absl::StatusOr<std::uint64_t> StoredBytes() const { return store_.TraceBytes(); }
  std::uint64_t bytes_max() const { return bytes_max_; }
  // NOT_FOUND.
  absl::Status Delete(const std::string& sha256) ABSL_LOCKS_EXCLUDED(mutex_);

  // How many operations the workload has (a built-in about as many). INVALID_ARGUMENT naming the field; NOT_FOUND: no such
  // built-in or trace.
  absl::StatusOr<std::uint64_t> CountOperations(const RunRequest& request) const;

  // Whether some operation of the workload is one on pages. Errors as above.
  absl::StatusOr<bool> HasPageOperations(const RunRequest& request) ABSL_LOCKS_EXCLUDED(mutex_);
  // The name of an uploaded trace's file; empty for any other workload. Errors as above.
  absl::StatusOr<std::string> FileName(const RunRequest& request) const;

  // The operations themselves. Errors as above.
  absl::StatusOr<std::shared_ptr<const Trace>> Load(const RunRequest& request) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  std::shared_ptr<const Trace> Cached(const std::string& sha256) ABSL_LOCKS_EXCLUDED(mutex_);
  void Cache(const TraceEntry& entry) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<std::shared_ptr<const Trace>> LoadUploaded(const std::string& sha256);

  RunStore& store_;
  const std::uint64_t bytes_max_;
  Mutex mutex_;
  std::list<TraceEntry> cache_ ABSL_GUARDED_BY(mutex_);  // last used first
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_COLLECTIONS_TRACE_LIBRARY_H_
