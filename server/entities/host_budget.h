// What instances, runs, traces and uploads of one server may cost its host: RAM promised, memory really held, handles.
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

  // Memory is taken before it is held, as much as it may become; then settled to what it became, which cannot be refused.
  // Through a MemoryLease.
  absl::Status TakeMemory(std::uint64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  void Settle(std::uint64_t taken_bytes, std::uint64_t held_bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  // Of a machine, a trace, a file that is gone: all that was taken for it, which is freed now.
  void Return(std::uint64_t taken_bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  const HostBudgetLimits& limits() const { return limits_; }
  std::uint64_t held_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);
  // All that was ever returned.
  std::uint64_t released_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);
  std::uint64_t promised_ram_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const HostBudgetLimits limits_;
  mutable Mutex mutex_;
  std::uint64_t promised_ram_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t held_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t released_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t handles_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_HOST_BUDGET_H_
