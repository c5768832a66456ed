// What the instances and runs of one server may cost its host: RAM promised, memory really held, handles.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_ENTITIES_HOST_BUDGET_H_
#define ALLOCLAB_SERVER_ENTITIES_HOST_BUDGET_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

struct HostBudgetLimits {
  std::uint64_t promised_ram_bytes = 0;
  std::uint64_t held_bytes = 0;
  std::uint64_t handles = 0;
};

class HostBudget {
 public:
  explicit HostBudget(const HostBudgetLimits& limits) : limits_(limits) {}

  // RESOURCE_EXHAUSTED naming the limit, and nothing taken. REQUIRES of what gives back: it was taken before.
  absl::Status Promise(std::uint64_t ram_bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  void Release(std::uint64_t ram_bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status TakeHandles(std::uint64_t count) ABSL_LOCKS_EXCLUDED(mutex_);
  void ReturnHandles(std::uint64_t count) ABSL_LOCKS_EXCLUDED(mutex_);

  // Memory is held first and counted after: work is admitted while the total is below the limit.
  absl::Status Admit() const ABSL_LOCKS_EXCLUDED(mutex_);
  void Charge(std::uint64_t before_bytes, std::uint64_t after_bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  const HostBudgetLimits& limits() const { return limits_; }
  std::uint64_t held_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);
  std::uint64_t promised_ram_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const HostBudgetLimits limits_;
  mutable Mutex mutex_;
  std::uint64_t promised_ram_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t held_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t handles_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_HOST_BUDGET_H_
