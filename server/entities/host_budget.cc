#include "server/entities/host_budget.h"

#include "allocators/common/check.h"
#include "server/errors.h"

namespace alloclab::server {

absl::Status HostBudget::Promise(std::uint64_t ram_bytes) {
  const MutexLock lock(mutex_);
  if (ram_bytes > limits_.promised_ram_bytes - promised_ram_bytes_) {
    return errors::TooMuchRamPromised(ram_bytes, promised_ram_bytes_, limits_.promised_ram_bytes);
  }
  promised_ram_bytes_ += ram_bytes;
  return absl::OkStatus();
}

void HostBudget::Release(std::uint64_t ram_bytes) {
  const MutexLock lock(mutex_);
  ALLOCLAB_CHECK_LE(ram_bytes, promised_ram_bytes_);
  promised_ram_bytes_ -= ram_bytes;
}

absl::Status HostBudget::TakeHandles(std::uint64_t count) {
  const MutexLock lock(mutex_);
  if (count > limits_.handles - handles_) return errors::TooManyHandles(count, handles_, limits_.handles);
  handles_ += count;
  return absl::OkStatus();
}

void HostBudget::ReturnHandles(std::uint64_t count) {
  const MutexLock lock(mutex_);
  ALLOCLAB_CHECK_LE(count, handles_);
  handles_ -= count;
}

absl::Status HostBudget::Admit() const {
  const MutexLock lock(mutex_);
  return held_bytes_ < limits_.held_bytes ? absl::OkStatus() : errors::TooMuchMemoryHeld(held_bytes_, limits_.held_bytes);
}

void HostBudget::Charge(std::uint64_t before_bytes, std::uint64_t after_bytes) {
  const MutexLock lock(mutex_);
  ALLOCLAB_CHECK_LE(before_bytes, held_bytes_);
  held_bytes_ += after_bytes - before_bytes;
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
