#include "server/entities/host_budget.h"

#include <utility>

#include "allocators/common/check.h"
#include "server/errors.h"

namespace alloclab::server {

HostBudget::HostBudget(std::shared_ptr<HostBudget> whole, std::string owner)
    : limits_(whole->of_one_), of_one_(whole->of_one_), whole_(std::move(whole)), owner_(std::move(owner)) {}

std::shared_ptr<HostBudget> HostBudget::Of(const std::string& owner) {
  ALLOCLAB_CHECK(whole_ == nullptr);
  if (owner.empty()) return shared_from_this();
  const MutexLock lock(mutex_);
  if (const auto known = owners_.find(owner); known != owners_.end()) {
    if (std::shared_ptr<HostBudget> budget = known->second.lock()) return budget;
  }
  std::erase_if(owners_, [](const auto& other) { return other.second.expired(); });
  std::shared_ptr<HostBudget> budget(new HostBudget(shared_from_this(), owner));
  owners_[owner] = budget;
  return budget;
}

absl::Status HostBudget::Take(const Kind& kind, std::uint64_t amount) {
  const std::uint64_t limit = limits_.*kind.limit;
  {
    const MutexLock lock(mutex_);
    std::uint64_t& taken = this->*kind.taken;
    // What was settled may be more than the limit: operations that give back are never refused.
    if (taken > limit || amount > limit - taken) return kind.refuse(amount, taken, limit, owner_);
    taken += amount;
  }
  absl::Status status = whole_ != nullptr ? whole_->Take(kind, amount) : absl::OkStatus();
  if (status.ok()) return status;
  const MutexLock lock(mutex_);
  this->*kind.taken -= amount;
  return status;
}

absl::Status HostBudget::Promise(std::uint64_t ram_bytes) {
  return Take({&HostBudget::promised_ram_bytes_, &HostBudgetLimits::promised_ram_bytes, errors::TooMuchRamPromised}, ram_bytes);
}

absl::Status HostBudget::TakeHandles(std::uint64_t count) {
  return Take({&HostBudget::handles_, &HostBudgetLimits::handles, errors::TooManyHandles}, count);
}

absl::Status HostBudget::TakeMemory(std::uint64_t bytes) {
  return Take({&HostBudget::held_bytes_, &HostBudgetLimits::held_bytes, errors::TooMuchMemoryHeld}, bytes);
}

void HostBudget::Release(std::uint64_t ram_bytes) {
  if (whole_ != nullptr) whole_->Release(ram_bytes);
  const MutexLock lock(mutex_);
  ALLOCLAB_CHECK_LE(ram_bytes, promised_ram_bytes_);
  promised_ram_bytes_ -= ram_bytes;
}

void HostBudget::ReturnHandles(std::uint64_t count) {
  if (whole_ != nullptr) whole_->ReturnHandles(count);
  const MutexLock lock(mutex_);
  ALLOCLAB_CHECK_LE(count, handles_);
  handles_ -= count;
}

void HostBudget::Settle(std::uint64_t taken_bytes, std::uint64_t held_bytes) {
  if (whole_ != nullptr) whole_->Settle(taken_bytes, held_bytes);
  const MutexLock lock(mutex_);
  ALLOCLAB_CHECK_LE(taken_bytes, held_bytes_);
  held_bytes_ += held_bytes - taken_bytes;
}

void HostBudget::Return(std::uint64_t taken_bytes) {
  if (whole_ != nullptr) whole_->Return(taken_bytes);
  const MutexLock lock(mutex_);
  ALLOCLAB_CHECK_LE(taken_bytes, held_bytes_);
  held_bytes_ -= taken_bytes;
  released_bytes_ += taken_bytes;
}

std::uint64_t HostBudget::released_bytes() const {
  const MutexLock lock(mutex_);
  return released_bytes_;
}

std::uint64_t HostBudget::held_bytes() const {
  const MutexLock lock(mutex_);
  return held_bytes_;
}

std::uint64_t HostBudget::promised_ram_bytes() const {
  const MutexLock lock(mutex_);
  return promised_ram_bytes_;
}

}  // namespace alloclab::server
