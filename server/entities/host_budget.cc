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

absl::Status HostBudget::TakeMemory(std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  // What was settled may be more than the limit: operations that give back are never refused.
  if (held_bytes_ > limits_.held_bytes || bytes > limits_.held_bytes - held_bytes_) {
    return errors::TooMuchMemoryHeld(bytes, held_bytes_, limits_.held_bytes);
  }
  held_bytes_ += bytes;
  return absl::OkStatus();
}

void HostBudget::Settle(std::uint64_t taken_bytes, std::uint64_t held_bytes) {
  const MutexLock lock(mutex_);
  ALLOCLAB_CHECK_LE(taken_bytes, held_bytes_);
  held_bytes_ += held_bytes - taken_bytes;
}

void HostBudget::Return(std::uint64_t taken_bytes) {
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
