#include "server/entities/live_instance.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "allocators/guest/guest_heap.h"
#include "allocators/guest/guest_pages.h"
#include "allocators/workload/host_need.h"
#include "server/errors.h"
#include "server/guest_limits.h"

namespace alloclab::server {
namespace {

// How often whoever looks tries the lock itself: the work that should have served the look may have ended.
constexpr absl::Duration kLookRetry = absl::Milliseconds(5);

// Nothing: neither heap nor page allocator is a program.
std::optional<std::uint64_t> InstructionsOf(const Instance& machine) {
  const auto* const heap = dynamic_cast<const GuestHeap*>(machine.heap());
  const auto* const pages = dynamic_cast<const GuestPages*>(&machine.pages());
  if (heap == nullptr && pages == nullptr) return std::nullopt;
  return (heap != nullptr ? heap->instructions() : 0) + (pages != nullptr ? pages->instructions() : 0);
}

// A user's program searches too, in its own way.
std::uint64_t SearchSteps(const Instance& machine) {
  return machine.pages().costs().search_steps + (machine.heap() != nullptr ? machine.heap()->costs().search_steps : 0) +
         InstructionsOf(machine).value_or(0) / kGuestInstructionsPerStep;
}

}  // namespace

LiveInstance::LiveInstance(std::uint64_t id, std::string name, std::unique_ptr<Instance> machine,
                           std::shared_ptr<HostBudget> budget, std::optional<OpenedRun> opened, std::string owner)
    : id_(id),
      name_(std::move(name)),
      owner_(std::move(owner)),
      config_(machine->config()),
      create_time_(absl::Now()),
      budget_(std::move(budget)),
      opened_(std::move(opened)),
      machine_(std::move(machine)),
      driver_(*machine_),
      lease_(budget_),
      images_(budget_),
      surveyed_(budget_) {
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
  if (absl::Status status = CheckChangeable(); !status.ok()) return status;
  Applied applied;
  std::uint64_t steps = 0;
  absl::Status status = Operate(
      need,
      [&](Driver& driver) {
        mutex_.AssertHeld();
        if (applied.operations != 0 && Interrupted(left)) {
          applied.stopped = errors::CallCancelled();
          return false;
        }
        return ApplyPiece(driver, operations, results, steps, applied);
      },
      left);
  if (!status.ok()) return status;
  if (applied.operations == 0 && !applied.stopped.ok()) return applied.stopped;
  return applied;
}

bool LiveInstance::ApplyPiece(Driver& driver, std::span<const Operation> operations, std::span<OpResult> results,
                              std::uint64_t& steps, Applied& applied) {
  const std::span<const Operation> rest = operations.subspan(applied.operations);
  if (rest.empty()) return false;
  if (steps >= kBatchSearchStepsMax) {
    applied.stopped = errors::TooMuchWork(kBatchSearchStepsMax);
    return false;
  }
  const std::size_t piece_max = InstructionsOf(driver.instance()) ? kGuestPieceOperationsMax : rest.size();
  const absl::StatusOr<std::size_t> count =
      lease_.Admit(driver, rest.first(std::min<std::size_t>({rest.size(), pacer_.slice(), piece_max})));
  if (!count.ok()) {
    applied.stopped = count.status();
    return false;
  }
  const MonotonicTime began = MonotonicTime::Now();
  const std::uint64_t steps_before = SearchSteps(driver.instance());
  driver.Apply(rest.first(*count), results.subspan(applied.operations, *count));
  steps += SearchSteps(driver.instance()) - steps_before;
  pacer_.Took(*count, static_cast<std::uint64_t>(absl::ToInt64Nanoseconds(MonotonicTime::Now() - began)));
  applied.operations += *count;
  return *count < rest.size();
}

absl::Status LiveInstance::ApplyOne(const Operation& operation, absl::FunctionRef<void(Driver&)> work, const Interrupt& left) {
  if (absl::Status status = CheckChangeable(); !status.ok()) return status;
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

absl::Status LiveInstance::MakeTimeline() {
  if (!opened_) return errors::NoOpenedRun(name_);
  if (timeline_ != nullptr) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<Timeline>> made = Timeline::Create(
      opened_->trace, *driver_, std::min(kOpenedRunImageBytesMax, budget_->limits().held_bytes / kOpenedRunImagePart));
  if (made.ok()) timeline_ = *std::move(made);
  return made.status();
}

absl::Status LiveInstance::Seek(std::uint64_t operations, const Interrupt& left) {
  return Replay(operations, /*to_search=*/false, left);
}

absl::Status LiveInstance::Replay(std::uint64_t operations, bool to_search, const Interrupt& left) {
  if (!opened_) return errors::NoOpenedRun(name_);
  bool started = false;
  absl::Status stopped;
  absl::Status status = Operate(
      {opened_->trace->heap_handles, opened_->trace->page_handles},
      [&](Driver& driver) {
        mutex_.AssertHeld();
        if (!started) stopped = MakeTimeline();
        if (stopped.ok() && !started) stopped = timeline_->Start(operations);
        if (stopped.ok() && Interrupted(left)) stopped = errors::CallCancelled();
        started = true;
        if (!stopped.ok()) return false;
        const absl::StatusOr<bool> more = ReplayPiece(driver, operations, to_search);
        stopped = more.status();
        return more.ok() && *more;
      },
      left);
  return status.ok() ? stopped : status;
}

absl::StatusOr<bool> LiveInstance::ReplayPiece(Driver& driver, std::uint64_t operations, bool to_search) {
  if (to_search && search_->operations() != driver.operations()) return false;
  const std::span<const Operation> next = timeline_->NextPiece(operations);
  if (next.empty()) return false;
  const absl::StatusOr<std::size_t> count = lease_.Admit(driver, next);
  if (!count.ok()) return count.status();
  std::vector<OpResult> results(to_search ? *count : 0);
  timeline_->Advance(driver.operations() + *count, results);
  if (to_search) search_->Take(next.first(*count), results);
  images_.Settle(timeline_->image_bytes());
  return driver.operations() < operations;
}

absl::StatusOr<Explanation> LiveInstance::ExplainOperation(std::uint64_t operation, const Interrupt& left) {
  if (!opened_) return errors::NoOpenedRun(name_);
  const std::uint64_t length = opened_->trace->operations.size();
  if (operation == 0 || operation > length) return errors::NoSuchOperation(operation, length);
  if (absl::Status status = Seek(operation - 1, left); !status.ok()) return status;
  absl::StatusOr<Explanation> explanation = absl::InternalError("not explained");
  MemoryLease blocks(budget_);
  const Interrupt stop = [&] { return closing_ || Interrupted(left); };
  absl::Status status = Operate(
      {},
      [&](Driver&) {
        mutex_.AssertHeld();
        explanation = Explain(*timeline_, operation, stop, [&blocks](std::uint64_t bytes) { return blocks.Take(bytes); });
        return false;
      },
      left);
  if (!status.ok()) return status;
  return explanation;
}

absl::Status LiveInstance::MakeSurvey() {
  if (survey_) return absl::OkStatus();
  if (absl::Status status = surveyed_.Take(HoleSurvey::HostNeed(*opened_->trace)); !status.ok()) return status;
  survey_.emplace(opened_->trace);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::uint64_t>> LiveInstance::NextLook(std::uint64_t until, const Interrupt& left) {
  std::optional<std::uint64_t> next;
  absl::Status looked;
  const Interrupt stop = [&] { return closing_ || Interrupted(left); };
  absl::Status status = Operate(
      {},
      [&](Driver& driver) {
        mutex_.AssertHeld();
        looked = MakeSurvey();
        if (!looked.ok()) return false;
        if (!survey_->done() && survey_->next() == driver.operations()) looked = survey_->Look(driver, stop);
        surveyed_.Settle(survey_->host_bytes());
        if (!survey_->done() && survey_->next() <= until) next = survey_->next();
        return false;
      },
      left);
  if (!status.ok()) return status;
  if (!looked.ok()) return looked;
  return next;
}

absl::Status LiveInstance::SurveyHoles(std::uint64_t until, const Interrupt& left) {
  if (!opened_) return errors::NoOpenedRun(name_);
  const std::uint64_t length = opened_->trace->operations.size();
  if (until > length) return errors::NoSuchOperation(until, length);
  for (;;) {
    const absl::StatusOr<std::optional<std::uint64_t>> next = NextLook(until, left);
    if (!next.ok()) return next.status();
    if (!*next) return absl::OkStatus();
    if (absl::Status status = Seek(**next, left); !status.ok()) return status;
  }
}

absl::StatusOr<HoleReport> LiveInstance::ReportHoles() {
  if (!opened_) return errors::NoOpenedRun(name_);
  HoleReport report;
  absl::Status made;
  absl::Status status = Operate({},
                                [&](Driver&) {
                                  mutex_.AssertHeld();
                                  made = MakeSurvey();
                                  if (made.ok()) report = survey_->Report();
                                  return false;
                                },
                                {});
  if (status.ok()) status = made;
  if (!status.ok()) return status;
  return report;
}

absl::StatusOr<TenantReport> LiveInstance::FindTenants(std::uint32_t address, bool pages, std::uint64_t until,
                                                       const Interrupt& left) {
  if (!opened_) return errors::NoOpenedRun(name_);
  const std::uint64_t length = opened_->trace->operations.size();
  if (until > length) return errors::NoSuchOperation(until, length);
  for (;;) {
    TenantReport report;
    absl::Status status = Operate({},
                                  [&](Driver&) {
                                    mutex_.AssertHeld();
                                    if (!search_ || search_->address() != address || search_->pages() != pages)
                                      search_.emplace(address, pages);
                                    report = search_->Report();
                                    return false;
                                  },
                                  {});
    if (!status.ok()) return status;
    if (report.operations >= until || Interrupted(left)) return report;
    status = Seek(report.operations, left);
    if (status.ok()) status = Replay(until, /*to_search=*/true, left);
    if (!status.ok() && !absl::IsCancelled(status)) return status;
  }
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
  const MutexLock lock(published_mutex_);
  if (!snapshot) return WithViolations(*published_);  // it was closed
  if (!opened_) history_.Offer(*snapshot);
  return WithViolations(*std::move(snapshot));
}

std::vector<HistoryPoint> LiveInstance::History() {
  const MutexLock lock(published_mutex_);
  return history_.All();
}

Snapshot LiveInstance::WithViolations(Snapshot snapshot) const {
  snapshot.violations = violations_.load(std::memory_order_relaxed);
  return snapshot;
}

void LiveInstance::Close() {
  closing_ = true;
  const TurnLockHolder lock(mutex_);
  if (!driver_) return;
  Publish(MonotonicTime::Now());
  timeline_.reset();
  survey_.reset();
  driver_.reset();
  machine_.reset();
  lease_.End();
  images_.End();
  surveyed_.End();
  budget_->ReturnHandles(std::uint64_t{reserved_.heap} + reserved_.pages);
}

absl::Status LiveInstance::CheckChangeable() const {
  return opened_ ? errors::ShowsRun(name_, opened_->run) : absl::OkStatus();
}

absl::Status LiveInstance::CheckOpen() const {
  return driver_ && !closing_ ? absl::OkStatus() : errors::InstanceDeleted(name_);
}

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
  if (!opened_) history_.Offer(*snapshot);
  published_ = std::move(snapshot);
}

void LiveInstance::EndUse() {
  operations_.store(driver_->operations(), std::memory_order_relaxed);
  lease_.Settle(*driver_);
}

}  // namespace alloclab::server
