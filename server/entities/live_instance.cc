#include "server/entities/live_instance.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "allocators/workload/host_need.h"
#include "server/errors.h"

namespace alloclab::server {
namespace {

// How often whoever looks tries the lock itself: the work that should have served the look may have ended.
constexpr absl::Duration kLookRetry = absl::Milliseconds(5);

std::uint64_t SearchSteps(const Instance& machine) {
  const std::uint64_t heap = machine.heap() != nullptr ? machine.heap()->costs().search_steps : 0;
  return heap + machine.pages().costs().search_steps;
}

}  // namespace

LiveInstance::LiveInstance(std::uint64_t id, std::string name, std::unique_ptr<Instance> machine,
                           std::shared_ptr<HostBudget> budget)
    : id_(id),
      name_(std::move(name)),
      config_(machine->config()),
      create_time_(absl::Now()),
      budget_(std::move(budget)),
      machine_(std::move(machine)),
      driver_(*machine_),
      lease_(budget_) {
  const TurnLockHolder lock(mutex_);
  EndUse();
}

LiveInstance::~LiveInstance() { Close(); }

absl::Status LiveInstance::Operate(HandleNeed need, absl::FunctionRef<bool(Driver&)> work, const Interrupt& left) {
  const TurnLockHolder lock(mutex_);
  if (Interrupted(left)) return errors::CallCancelled();
  absl::Status status = CheckOpen();
  if (status.ok()) status = ReserveHandles(need);
  while (status.ok()) {
    Pause();
    if (!work(*driver_)) {
      EndUse();
      break;
    }
    status = GiveTurn();
  }
  return status;
}

absl::Status LiveInstance::GiveTurn() {
  if (!mutex_.IsWanted()) return absl::OkStatus();
  EndUse();
  mutex_.Unlock();
  mutex_.Lock();
  return CheckOpen();
}

absl::StatusOr<LiveInstance::Applied> LiveInstance::Apply(HandleNeed need, std::span<const Operation> operations,
                                                          std::span<OpResult> results, const Interrupt& left) {
  Applied applied;
  std::optional<std::uint64_t> first_steps;
  absl::Status status = Operate(
      need,
      [&](Driver& driver) {
        mutex_.AssertHeld();
        if (!first_steps) first_steps = SearchSteps(driver.instance());
        if (applied.operations != 0 && Interrupted(left)) {
          applied.stopped = errors::CallCancelled();
          return false;
        }
        return ApplyPiece(driver, operations, results, *first_steps, applied);
      },
      left);
  if (!status.ok()) return status;
  if (applied.operations == 0 && !applied.stopped.ok()) return applied.stopped;
  return applied;
}

bool LiveInstance::ApplyPiece(Driver& driver, std::span<const Operation> operations, std::span<OpResult> results,
                              std::uint64_t first_steps, Applied& applied) {
  const std::span<const Operation> rest = operations.subspan(applied.operations);
  if (rest.empty()) return false;
  if (SearchSteps(driver.instance()) - first_steps >= kBatchSearchStepsMax) {
    applied.stopped = errors::TooMuchWork(kBatchSearchStepsMax);
    return false;
  }
  const absl::StatusOr<std::size_t> count =
      lease_.Admit(driver, rest.first(std::min<std::size_t>(rest.size(), pacer_.slice())));
  if (!count.ok()) {
    applied.stopped = count.status();
    return false;
  }
  const MonotonicTime began = MonotonicTime::Now();
  driver.Apply(rest.first(*count), results.subspan(applied.operations, *count));
  pacer_.Took(*count, static_cast<std::uint64_t>(absl::ToInt64Nanoseconds(MonotonicTime::Now() - began)));
  applied.operations += *count;
  return *count < rest.size();
}

absl::Status LiveInstance::ApplyOne(const Operation& operation, absl::FunctionRef<void(Driver&)> work, const Interrupt& left) {
  absl::Status refused;
  absl::Status status = Operate(
      {},
      [&](Driver& driver) {
        mutex_.AssertHeld();
        refused = lease_.Admit(driver, std::span(&operation, 1)).status();
        if (refused.ok()) work(driver);
        return false;
      },
      left);
  return status.ok() ? refused : status;
}

absl::Status LiveInstance::LookAt(const Look& look, MonotonicTime deadline, const Interrupt& left) {
  do {
    if (Interrupted(left)) return errors::CallCancelled();
    if (mutex_.TryLock()) {
      absl::Status status = CheckOpen();
      if (status.ok()) look(*driver_);
      mutex_.Unlock();
      return status;
    }
    if (looks_.Wait(look, std::min(deadline, MonotonicTime::Now() + kLookRetry))) return absl::OkStatus();
  } while (MonotonicTime::Now() < deadline);
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
  std::optional<Snapshot> snapshot;
  if (driver_) snapshot = TakeSnapshot(*driver_);
  mutex_.Unlock();
  if (snapshot) return WithViolations(*std::move(snapshot));
  const MutexLock lock(published_mutex_);
  return WithViolations(*published_);  // it was closed
}

Snapshot LiveInstance::WithViolations(Snapshot snapshot) const {
  snapshot.violations = violations_.load(std::memory_order_relaxed);
  return snapshot;
}

void LiveInstance::Close() {
  const TurnLockHolder lock(mutex_);
  if (!driver_) return;
  Publish(MonotonicTime::Now());
  driver_.reset();
  machine_.reset();
  lease_.End();
  budget_->ReturnHandles(std::uint64_t{reserved_.heap} + reserved_.pages);
}

absl::Status LiveInstance::CheckOpen() const { return driver_ ? absl::OkStatus() : errors::InstanceDeleted(name_); }

absl::Status LiveInstance::ReserveHandles(HandleNeed need) {
  const std::uint32_t heap = std::max(need.heap, reserved_.heap), pages = std::max(need.pages, reserved_.pages);
  const std::uint64_t more = std::uint64_t{heap} - reserved_.heap + pages - reserved_.pages;
  if (more == 0) return absl::OkStatus();
  if (absl::Status status = budget_->TakeHandles(more); !status.ok()) return status;
  absl::Status status = lease_.Take(HandlesHostNeed(more));
  if (status.ok()) status = driver_->ReserveHandles(heap, pages);
  if (status.ok()) {
    reserved_ = {heap, pages};
  } else {
    budget_->ReturnHandles(more);
  }
  lease_.Settle(*driver_);
  return status;
}

void LiveInstance::Pause() {
  if (const MonotonicTime now = MonotonicTime::Now(); pace_.Due(now)) Publish(now);
  looks_.Serve(*driver_);
}

void LiveInstance::Publish(MonotonicTime now) {
  auto snapshot = std::make_unique<const Snapshot>(TakeSnapshot(*driver_));
  pace_.Taken(now, MonotonicTime::Now());
  const MutexLock lock(published_mutex_);
  published_ = std::move(snapshot);
}

void LiveInstance::EndUse() {
  operations_.store(driver_->operations(), std::memory_order_relaxed);
  lease_.Settle(*driver_);
}

}  // namespace alloclab::server
