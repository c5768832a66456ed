// What one holder has taken of the host's memory (HostBudget): taken before it is held, given back when the lease ends.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_SERVER_ENTITIES_MEMORY_LEASE_H_
#define ALLOCLAB_SERVER_ENTITIES_MEMORY_LEASE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "allocators/workload/driver.h"
#include "server/entities/host_budget.h"

namespace alloclab::server {

class MemoryLease {
 public:
  explicit MemoryLease(std::shared_ptr<HostBudget> budget) : budget_(std::move(budget)) {}
  ~MemoryLease() { End(); }
  MemoryLease(const MemoryLease&) = delete;
  MemoryLease& operator=(const MemoryLease&) = delete;

  // So much more. RESOURCE_EXHAUSTED, and nothing taken, where it would pass the limit.
  absl::Status Take(std::uint64_t bytes);
  // So much in all, at least: takes what is missing.
  absl::Status TakeUpTo(std::uint64_t bytes) { return bytes <= bytes_ ? absl::OkStatus() : Take(bytes - bytes_); }
  // Exactly this is held from now on.
  void Settle(std::uint64_t bytes);
  // What it was for is gone.
  void End() { budget_->Return(std::exchange(bytes_, 0)); }

  std::uint64_t bytes() const { return bytes_; }

 private:
  const std::shared_ptr<HostBudget> budget_;
  std::uint64_t bytes_ = 0;
};

// The same for a simulated machine and its driver.
class MachineLease {
 public:
  explicit MachineLease(std::shared_ptr<HostBudget> budget) : lease_(std::move(budget)) {}

  absl::Status Take(std::uint64_t bytes) { return lease_.Take(bytes); }
  // Takes what the next operations may need, and says how many of them it is enough for: all, or fewer where the host's memory
  // is short. RESOURCE_EXHAUSTED where it is not enough for the first. Operations that give back are never refused.
  absl::StatusOr<std::size_t> Admit(const Driver& driver, std::span<const Operation> operations);
  // What the machine and its driver hold is held from now on.
  void Settle(const Driver& driver) {
    lease_.Settle(driver.instance().host_bytes() + driver.host_bytes());
    settled_ = true;
  }
  // The machine is gone.
  void End() { lease_.End(); }

 private:
  MemoryLease lease_;
  bool settled_ = false;  // since operations were last admitted
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_MEMORY_LEASE_H_
