// What the web page shows of a machine that may be at work: memory maps, read in short looks.
//
// After each look the whole server's page rests for four times its length, as long for each of those at the same moment:
// whatever browsers ask for, the web page takes at most a fifth of one core from the machines, and a look itself takes about a
// millisecond. Who waits for a machine that is busy keeps nobody from looking at another one.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_WEB_MACHINE_VIEW_H_
#define ALLOCLAB_SERVER_WEB_MACHINE_VIEW_H_

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"
#include "alloclab/v1/web.pb.h"
#include "server/entities/look_queue.h"
#include "server/web/memory_map.h"

namespace alloclab::server {

inline constexpr absl::Duration kViewDeadline = absl::Seconds(2);

// Serves one look at a certain machine before the deadline, or says why not.
using LookAt = std::function<absl::Status(const Look&, MonotonicTime deadline)>;

class MachineView {
 public:
  using Clock = std::function<MonotonicTime()>;
  using Sleep = std::function<void(absl::Duration)>;
  explicit MachineView(Clock clock = MonotonicTime::Now, Sleep sleep = absl::SleepFor)
      : clock_(std::move(clock)), sleep_(std::move(sleep)) {}

  // A map that is not complete in time says so. Errors of `look_at` before the first look.
  absl::StatusOr<v1::MemoryMap> Map(const LookAt& look_at, const MapRequest& request) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  absl::Status PacedLook(const LookAt& look_at, MonotonicTime deadline, const Look& look) ABSL_LOCKS_EXCLUDED(mutex_);

  const Clock clock_;
  const Sleep sleep_;
  Mutex mutex_;
  MonotonicTime rest_until_ ABSL_GUARDED_BY(mutex_) = MonotonicTime::InfinitePast();
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_WEB_MACHINE_VIEW_H_
