// What instances, runs, traces and uploads of one server may cost its host: RAM promised, memory really held, handles. And what
// those of one owner of a token may, which is a part of that: a budget of his own, whatever is taken from which is taken from
// the whole one too.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_ENTITIES_HOST_BUDGET_H_
#define ALLOCLAB_SERVER_ENTITIES_HOST_BUDGET_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

struct HostBudgetLimits {
  std::uint64_t promised_ram_bytes = 0;
  std::uint64_t held_bytes = 0;
  std::uint64_t handles = 0;
};

class HostBudget : public std::enable_shared_from_this<HostBudget> {
 public:
  // Without `of_one` an owner may have all.
  explicit HostBudget(const HostBudgetLimits& limits, const std::optional<HostBudgetLimits>& of_one = std::nullopt)
      : limits_(limits), of_one_(of_one.value_or(limits)) {}

  // That of one owner, the same as long as anybody has it; of nobody the whole one. Whoever has taken something keeps it until
  // he gives that back. REQUIRES: this is the whole one, and shared.
  std::shared_ptr<HostBudget> Of(const std::string& owner) ABSL_LOCKS_EXCLUDED(mutex_);

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
  // One of the things that are taken: how much is, how much may be, and what is said to who wants more.
  struct Kind {
    std::uint64_t HostBudget::*taken;
    std::uint64_t HostBudgetLimits::*limit;
    absl::Status (*refuse)(std::uint64_t wanted, std::uint64_t taken, std::uint64_t limit, std::string_view owner);
  };

  HostBudget(std::shared_ptr<HostBudget> whole, std::string owner);
  absl::Status Take(const Kind& kind, std::uint64_t amount) ABSL_LOCKS_EXCLUDED(mutex_);

  const HostBudgetLimits limits_, of_one_;
  const std::shared_ptr<HostBudget> whole_;  // null: it is this one
  const std::string owner_;                  // empty: nobody's
  mutable Mutex mutex_;
  std::map<std::string, std::weak_ptr<HostBudget>> owners_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t promised_ram_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t held_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t released_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t handles_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_HOST_BUDGET_H_
