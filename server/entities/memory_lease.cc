#include "server/entities/memory_lease.h"

#include <algorithm>

#include "allocators/workload/host_need.h"

namespace alloclab::server {

absl::Status MemoryLease::Take(std::uint64_t bytes) {
  absl::Status status = budget_->TakeMemory(bytes);
  if (status.ok()) bytes_ += bytes;
  return status;
}

void MemoryLease::Settle(std::uint64_t bytes) {
  budget_->Settle(bytes_, bytes);
  bytes_ = bytes;
}

absl::StatusOr<std::size_t> MachineLease::Admit(const Driver& driver, std::span<const Operation> operations) {
  if (!settled_) Settle(driver);
  settled_ = false;
  absl::Status status;
  for (std::size_t count = operations.size(); count > 0; count /= 2) {
    status = lease_.Take(HostNeed(driver, operations.first(count)));
    if (status.ok()) return count;
  }
  const auto gives_back = [](const Operation& op) { return GivesBack(op.kind); };
  const auto frees = std::find_if_not(operations.begin(), operations.end(), gives_back) - operations.begin();
  if (frees == 0) return status;
  return static_cast<std::size_t>(frees);
}

}  // namespace alloclab::server
