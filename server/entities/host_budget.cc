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

absl::Status HostBudget::Promise(std::uint64_t ram_bytes) {
  {
    const MutexLock lock(mutex_);
    if (ram_bytes > limits_.promised_ram_bytes - promised_ram_bytes_) {
      return errors::TooMuchRamPromised(ram_bytes, promised_ram_bytes_, limits_.promised_ram_bytes, owner_);
    }
    promised_ram_bytes_ += ram_bytes;
  }
  absl::Status status = whole_ != nullptr ? whole_->Promise(ram_bytes) : absl::OkStatus();
  if (status.ok()) return status;
  const MutexLock lock(mutex_);
  promised_ram_bytes_ -= ram_bytes;
  return status;
}

void HostBudget::Release(std::uint64_t ram_bytes) {
  if (whole_ != nullptr) whole_->Release(ram_bytes);
  const MutexLock lock(mutex_);
  ALLOCLAB_CHECK_LE(ram_bytes, promised_ram_bytes_);
  promised_ram_bytes_ -= ram_bytes;
}

absl::Status HostBudget::TakeHandles(std::uint64_t count) {
  {
    const MutexLock lock(mutex_);
    if (count > limits_.handles - handles_) return errors::TooManyHandles(count, handles_, limits_.handles, owner_);
    handles_ += count;
  }
  absl::Status status = whole_ != nullptr ? whole_->TakeHandles(count) : absl::OkStatus();
  if (status.ok()) return status;
  const MutexLock lock(mutex_);
  handles_ -= count;
  return status;
}

void HostBudget::ReturnHandles(std::uint64_t count) {
  if (whole_ != nullptr) whole_->ReturnHandles(count);
  const MutexLock lock(mutex_);
  ALLOCLAB_CHECK_LE(count, handles_);
  handles_ -= count;
}

absl::Status HostBudget::TakeMemory(std::uint64_t bytes) {
  {
    const MutexLock lock(mutex_);
    // What was settled may be more than the limit: operations that give back are never refused.
    if (held_bytes_ > limits_.held_bytes || bytes > limits_.held_bytes - held_bytes_) {
      return errors::TooMuchMemoryHeld(bytes, held_bytes_, limits_.held_bytes, owner_);
    }
    held_bytes_ += bytes;
  }
  absl::Status status = whole_ != nullptr ? whole_->TakeMemory(bytes) : absl::OkStatus();
  if (status.ok()) return status;
  const MutexLock lock(mutex_);
  held_bytes_ -= bytes;
  return status;
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
