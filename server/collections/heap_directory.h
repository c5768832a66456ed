// Who is seen in the metrics of the allocators: instances by name, runs as "run-ID". The first ones have series of their own,
// the rest is summed; when another owner has more of the series, with the one that comes, his oldest joins the rest. What
// leaves stays for kRunLinger, so that a scrape sees its last state.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_COLLECTIONS_HEAP_DIRECTORY_H_
#define ALLOCLAB_SERVER_COLLECTIONS_HEAP_DIRECTORY_H_

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "allocators/catalog/instance.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"
#include "server/entities/snapshot.h"

namespace alloclab::server {

// One machine as the metrics see it; the texts are labels.
struct HeapReading {
  std::string lab_instance;  // the instance's name, "run-17", or kOtherInstances
  std::string heap_allocator, page_allocator;
  bool guarded = true;
  Snapshot state;
  // Of the heap and of the page allocator's arena; sums do not fit the addresses of a shape.
  std::uint64_t size_bytes = 0, limit_bytes = 0, arena_bytes = 0;
  // How many of the machines have a broken chain of heap blocks, a broken list of free pages. A sum has the blocks of the
  // others.
  std::uint64_t broken_heaps = 0, broken_page_lists = 0;
};

HeapReading MakeHeapReading(const std::string& heap, const InstanceConfig& config, Snapshot state);

// Sums of others, by heap allocator and page allocator.
using OtherHeaps = std::map<std::pair<std::string, std::string>, HeapReading>;

class HeapDirectory {
 public:
  enum class Kind { kInstance, kRun };
  using Sampler = std::function<HeapReading()>;  // may be called until Leave returns and a moment longer

  struct Limits {
    std::uint32_t instances = 0, runs = 0;  // with series of their own
  };
  explicit HeapDirectory(const Limits& limits) : limits_(limits) {}

  // Returns the key to leave with. A heap that lingers under the same name goes at once.
  std::uint64_t Enter(Kind kind, const std::string& heap, Sampler sample, const std::string& owner = "",
                      MonotonicTime now = MonotonicTime::Now()) ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave(std::uint64_t key, HeapReading last, MonotonicTime now = MonotonicTime::Now()) ABSL_LOCKS_EXCLUDED(mutex_);

  // Those with series of their own, then one kOtherInstances for each pair of allocators that has any. Counters never go down
  // while a series lasts. With more than kOthersReadMax others their sums are those of up to kOthersAgeMax ago.
  std::vector<HeapReading> Read(MonotonicTime now = MonotonicTime::Now()) ABSL_LOCKS_EXCLUDED(mutex_, sums_mutex_);

 private:
  struct Entry {
    Kind kind;
    std::string owner, heap;
    Sampler sample;                   // until it left
    std::optional<HeapReading> last;  // since it left
    MonotonicTime left_at = MonotonicTime::InfinitePast();
  };

  // Whether there is room for another series of `owner`'s.
  bool MakeRoom(Kind kind, const std::string& owner) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Expire(MonotonicTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // One caller at a time adds up; who comes meanwhile gets what it found.
  OtherHeaps SumOthers(MonotonicTime now) ABSL_LOCKS_EXCLUDED(mutex_, sums_mutex_);

  const Limits limits_;
  Mutex mutex_;
  std::uint64_t next_key_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<std::uint64_t, Entry> named_ ABSL_GUARDED_BY(mutex_);
  std::map<std::uint64_t, Sampler> others_ ABSL_GUARDED_BY(mutex_);
  OtherHeaps retired_ ABSL_GUARDED_BY(mutex_);  // counters of others that left
  Mutex sums_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  OtherHeaps sums_ ABSL_GUARDED_BY(sums_mutex_);
  MonotonicTime sums_until_ ABSL_GUARDED_BY(sums_mutex_) = MonotonicTime::InfinitePast();
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_COLLECTIONS_HEAP_DIRECTORY_H_
