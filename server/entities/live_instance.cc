#include "server/entities/live_instance.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "server/errors.h"

namespace alloclab::server {
namespace {

// How often whoever looks tries the lock itself: the work that should have served the look may have ended.
constexpr absl::Duration kLookRetry = absl::Milliseconds(5);

}  // namespace

LiveInstance::LiveInstance(std::uint64_t id, std::string name, std::unique_ptr<Instance> machine,
                           std::shared_ptr<HostBudget> budget)
    : id_(id),
      name_(std::move(name)),
      config_(machine->config()),
      create_time_(absl::Now()),
      budget_(std::move(budget)),
      machine_(std::move(machine)),
      driver_(*machine_) {
  const MutexLock lock(mutex_);
  EndUse();
}

LiveInstance::~LiveInstance() {
  const MutexLock lock(mutex_);
  budget_->Charge(charged_bytes_, 0);
  budget_->ReturnHandles(std::uint64_t{reserved_.heap} + reserved_.pages);
}

absl::Status LiveInstance::Operate(HandleNeed need, absl::FunctionRef<bool(Driver&)> work) {
  const MutexLock lock(mutex_);
  if (absl::Status status = CheckOpen(); !status.ok()) return status;
  if (absl::Status status = budget_->Admit(); !status.ok()) return status;
  if (absl::Status status = ReserveHandles(need); !status.ok()) return status;
  do {
    Pause();
  } while (work(driver_));
  EndUse();
  return absl::OkStatus();
}

absl::Status LiveInstance::LookAt(const Look& look, absl::Time deadline) {
  do {
    if (mutex_.TryLock()) {
      absl::Status status = CheckOpen();
      if (status.ok()) look(driver_);
      mutex_.Unlock();
      return status;
    }
    if (looks_.Wait(look, std::min(deadline, absl::Now() + kLookRetry))) return absl::OkStatus();
  } while (absl::Now() < deadline);
  return absl::DeadlineExceededError("the instance is too busy to be looked at; try again");
}

Snapshot LiveInstance::Sample() {
  if (!mutex_.TryLock()) {
    {
      const MutexLock lock(published_mutex_);
      if (published_) return WithViolations(*published_);
    }
    mutex_.Lock();  // nothing is published only while the first use begins
  }
  Snapshot snapshot = TakeSnapshot(driver_);
  mutex_.Unlock();
  return WithViolations(std::move(snapshot));
}

Snapshot LiveInstance::WithViolations(Snapshot snapshot) const {
  snapshot.violations = violations_.load(std::memory_order_relaxed);
  return snapshot;
}

void LiveInstance::Close() {
  const MutexLock lock(mutex_);
  closed_ = true;
}

absl::Status LiveInstance::CheckOpen() const { return closed_ ? errors::InstanceDeleted(name_) : absl::OkStatus(); }

absl::Status LiveInstance::ReserveHandles(HandleNeed need) {
  const std::uint32_t heap = std::max(need.heap, reserved_.heap), pages = std::max(need.pages, reserved_.pages);
  const std::uint64_t more = std::uint64_t{heap} - reserved_.heap + pages - reserved_.pages;
  if (more == 0) return absl::OkStatus();
  if (absl::Status status = budget_->TakeHandles(more); !status.ok()) return status;
  if (absl::Status status = driver_.ReserveHandles(heap, pages); !status.ok()) {
    budget_->ReturnHandles(more);
    return status;
  }
  reserved_ = {heap, pages};
  return absl::OkStatus();
}

void LiveInstance::Pause() {
  if (const absl::Time now = absl::Now(); pace_.Due(now)) Publish(now);
  looks_.Serve(driver_);
}

void LiveInstance::Publish(absl::Time now) {
  auto snapshot = std::make_unique<const Snapshot>(TakeSnapshot(driver_));
  pace_.Taken(now, absl::Now());
  const MutexLock lock(published_mutex_);
  published_ = std::move(snapshot);
}

void LiveInstance::EndUse() {
  operations_.store(driver_.operations(), std::memory_order_relaxed);
  const std::uint64_t held = machine_->host_bytes() + driver_.host_bytes();
  budget_->Charge(charged_bytes_, held);
  charged_bytes_ = held;
}

}  // namespace alloclab::server
