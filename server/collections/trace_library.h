// The operations that a workload stands for: built-in, generated, or recorded and uploaded before. Traces last used are kept
// ready in memory, up to kTraceCacheBytes but always a single one, so that an uploaded file is read once; nothing is kept that
// is more than 1/kTraceCachePart of the memory that the server may hold. When they are too much, whoever has most of it loses
// the one of his that was not used for longest.
//
// Operations, and what reading them takes, are host memory: it is taken before from the budget of whoever they are read for,
// and given back with the trace.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_COLLECTIONS_TRACE_LIBRARY_H_
#define ALLOCLAB_SERVER_COLLECTIONS_TRACE_LIBRARY_H_

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "allocators/common/interrupt.h"
#include "allocators/common/mutex.h"
#include "allocators/workload/trace.h"
#include "server/entities/host_budget.h"
#include "server/entities/run.h"
#include "server/entities/trace_entry.h"
#include "server/store/run_store.h"

namespace alloclab::server {

class TraceLibrary {
 public:
  // `store` outlives this; it takes at most `bytes_max` bytes of traces, of one owner `bytes_of_one_max`, programs included.
  TraceLibrary(RunStore& store, std::shared_ptr<HostBudget> budget, std::uint64_t bytes_max,
               std::uint64_t bytes_of_one_max = UINT64_MAX)
      : store_(store), budget_(std::move(budget)), bytes_max_(bytes_max), bytes_of_one_max_(bytes_of_one_max) {}

  // Reads an uploaded file and keeps it in the store, as `owner`'s; of several files with the same operations the last, with
  // its name, notes and call sites: runs that are opened from then on show those. Unless the first is another's: his stays.
  // INVALID_ARGUMENT: malformed; RESOURCE_EXHAUSTED: too large, host memory short, store full, or what one owner may have of
  // it; CANCELLED: interrupted. The bytes themselves are the caller's to take from the budget.
  // `make_room` is told how many bytes there is no room for before that is an error.
  absl::StatusOr<TraceEntry> Add(
      std::string bytes, const std::string& name, const Interrupt& interrupt = {},
      const std::function<void(std::uint64_t)>& make_room = [](std::uint64_t) {}, const std::string& owner = "")
      ABSL_LOCKS_EXCLUDED(mutex_);

  // A page of what the store has, one more than `size` if there are more: those before the id `before`, 0: from the newest.
  absl::StatusOr<TraceList> List(std::uint64_t before, std::size_t size) const;
  absl::StatusOr<std::uint64_t> StoredBytes() const { return store_.TraceBytes(); }
  std::uint64_t bytes_max() const { return bytes_max_; }
  // Without its content. NOT_FOUND; DATA_LOSS: it is damaged.
  absl::StatusOr<StoredTrace> Find(const std::string& sha256) const;
  // NOT_FOUND.
  absl::Status Delete(const std::string& sha256) ABSL_LOCKS_EXCLUDED(mutex_);

  // How many operations the workload has (a built-in about as many). INVALID_ARGUMENT naming the field; NOT_FOUND: no such
  // built-in or trace.
  absl::StatusOr<std::uint64_t> CountOperations(const RunRequest& request) const;

  // Whether some operation of the workload is one on pages. Errors as above.
  absl::StatusOr<bool> HasPageOperations(const RunRequest& request, const Interrupt& interrupt = {})
      ABSL_LOCKS_EXCLUDED(mutex_);
  // The name of an uploaded trace's file; empty for any other workload. Errors as above.
  absl::StatusOr<std::string> FileName(const RunRequest& request) const;
  // What was said of that file, if it is kept ready: it is when it was uploaded just now.
  std::optional<TraceFile> FileAtHand(const RunRequest& request) ABSL_LOCKS_EXCLUDED(mutex_);

  // The operations themselves, for the owner of the request. Errors as above; RESOURCE_EXHAUSTED: host memory short;
  // CANCELLED: interrupted.
  absl::StatusOr<std::shared_ptr<const Trace>> Load(const RunRequest& request, const Interrupt& interrupt = {})
      ABSL_LOCKS_EXCLUDED(mutex_);

  const std::shared_ptr<HostBudget>& budget() const { return budget_; }

 private:
  struct Kept {
    TraceEntry entry;
    std::string owner;  // for whom it was read
  };
  std::shared_ptr<const Trace> Cached(const std::string& sha256) ABSL_LOCKS_EXCLUDED(mutex_);
  void Cache(const TraceEntry& entry, const std::string& owner) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<std::shared_ptr<const Trace>> LoadUploaded(const std::string& sha256, const Interrupt& interrupt,
                                                            const std::string& owner) ABSL_LOCKS_EXCLUDED(mutex_);
  // Reads a file; and makes operations, about so many.
  absl::StatusOr<std::shared_ptr<const Trace>> Read(std::string_view bytes, std::string_view name, const Interrupt& interrupt,
                                                    const std::string& owner);
  absl::StatusOr<std::shared_ptr<const Trace>> Make(const RunRequest& request,
                                                    absl::FunctionRef<absl::StatusOr<Trace>()> make) const;

  RunStore& store_;
  const std::shared_ptr<HostBudget> budget_;
  const std::uint64_t bytes_max_, bytes_of_one_max_;
  Mutex mutex_;
  std::list<Kept> cache_ ABSL_GUARDED_BY(mutex_);  // last used first
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_COLLECTIONS_TRACE_LIBRARY_H_
