#include "server/collections/run_executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "allocators/catalog/guests.h"
#include "allocators/workload/checkpoints.h"
#include "allocators/workload/host_need.h"
#include "server/entities/machine.h"
#include "server/entities/memory_lease.h"
#include "server/errors.h"
#include "server/limits.h"
#include "server/log.h"

namespace alloclab::server {
namespace {

constexpr const char* kShutDown = "the server was shut down";
constexpr std::size_t kRunRowsAtATime = 256;  // of a list that looks for runs that pass a filter

// At most `max` bytes of UTF-8 text, whole letters.
std::string FirstBytes(const std::string& text, std::size_t max) {
  if (text.size() <= max) return text;
  while (max > 0 && (text[max] & 0xC0) == 0x80) --max;
  return text.substr(0, max);
}

// `otherwise`: there is no earlier run.
absl::StatusOr<Run> AnswerOf(absl::StatusOr<std::optional<Run>> earlier, const absl::Status& otherwise) {
  if (!earlier.ok()) return earlier.status();
  if (!earlier->has_value()) return otherwise;
  return **std::move(earlier);
}

}  // namespace

RunExecutor::RunExecutor(RunStore& store, TraceLibrary& traces, HeapDirectory& heaps, std::shared_ptr<HostBudget> budget,
                         const Limits& limits, NativeAllocators natives)
    : store_(store),
      shared_(store.queue()),
      traces_(traces),
      heaps_(heaps),
      budget_(std::move(budget)),
      limits_(limits),
      natives_(std::move(natives)) {
  beats_ = shared_ != nullptr;
  if (beats_) beat_ = std::thread([this] { Beat(); });
  for (std::uint32_t i = 0; i < limits_.threads + limits_.spare_threads; ++i) {
    workers_.emplace_back([this, is_spare = i >= limits_.threads] { Work(is_spare); });
  }
}

RunExecutor::~RunExecutor() { Stop(MonotonicTime::InfinitePast()); }

absl::Status RunExecutor::CompleteConfig(RunRequest& request) const {
  if (IsNative(request.config)) {
    if (!request.digest_at.empty()) return errors::BadField("digest_at", "a real allocator shows no metadata to digest");
    return natives_.Complete(request.config);
  }
  MemoryLease building(budget_->Of(request.owner));
  if (RunsProgram(request.config)) {
    if (absl::Status status = building.Take(MachineHostNeed(request.config)); !status.ok()) return status;
  }
  const absl::StatusOr<std::unique_ptr<Instance>> machine = BuildMachine(request.config);
  if (!machine.ok()) return machine.status();
  request.config = (*machine)->config();
  return absl::OkStatus();
}

absl::Status RunExecutor::Prepare(RunRequest& request, const Interrupt& left) const {
  const bool without_heap = request.config.heap_allocator == "none";
  if (!RunsProgram(request.config) && !without_heap) return absl::OkStatus();
  if (absl::Status status = CompleteConfig(request); !status.ok() || !without_heap) return status;
  if (absl::Status status = traces_.CountOperations(request).status(); !status.ok()) return status;
  return CheckWithoutHeap(request, left);
}

absl::StatusOr<std::uint64_t> RunExecutor::Validate(RunRequest& request) const {
  if (!RunsProgram(request.config)) {
    if (absl::Status status = CompleteConfig(request); !status.ok()) return status;
  }
  const absl::StatusOr<std::uint64_t> operations = traces_.CountOperations(request);
  if (!operations.ok()) return operations;
  const auto checkpoints = ParseCheckpoints(request.digest_at, *operations);
  if (!checkpoints.ok()) return errors::BadField("digest_at", std::string(checkpoints.status().message()));
  if (!request.label.empty()) return operations;
  const absl::StatusOr<std::string> file = traces_.FileName(request);
  if (!file.ok()) return file.status();
  request.label = FirstBytes(*file, kLabelMax);
  return operations;
}

absl::Status RunExecutor::CheckWithoutHeap(const RunRequest& request, const Interrupt& left) const {
  if (!request.digest_at.empty()) return errors::BadField("digest_at", "a machine without a heap has no metadata to digest");
  const absl::StatusOr<bool> some = traces_.HasPageOperations(request, left);
  if (!some.ok()) return some.status();
  if (*some) return absl::OkStatus();
  return errors::BadField("config.heap_allocator", "none, but every operation of this workload needs a heap");
}

absl::StatusOr<std::optional<Run>> RunExecutor::FindEarlier(const RunSubmission& submission) const {
  if (submission.request_id.empty()) return std::nullopt;
  const auto earlier = store_.FindSubmission(submission.request_id);
  if (!earlier.ok()) return earlier.status();
  if (!earlier->has_value()) return std::nullopt;
  if ((*earlier)->fingerprint != submission.fingerprint) return errors::RequestIdReused(submission.request_id);
  return Get((*earlier)->run);
}

absl::StatusOr<Run> RunExecutor::Submit(RunSubmission submission, const Interrupt& left) {
  const absl::Status prepared = Prepare(submission.request, left);
  const MutexLock submitting(submit_mutex_);
  if (shared_ == nullptr) SaveUnsaved();
  const absl::StatusOr<std::optional<Run>> earlier = FindEarlier(submission);
  if (!earlier.ok()) return earlier.status();
  if (earlier->has_value()) return **earlier;
  if (!prepared.ok()) return prepared;
  const absl::StatusOr<std::uint64_t> operations = Validate(submission.request);
  if (!operations.ok()) return operations.status();
  if (absl::Status status = CheckQueue(submission.request.owner); !status.ok()) return status;

  Run run;
  run.request = submission.request;
  run.submit_time = absl::Now();
  run.file = traces_.FileAtHand(run.request);
  run.operations_total = *operations;
  const absl::StatusOr<std::uint64_t> id = Insert(run, submission);
  if (absl::IsAlreadyExists(id.status())) return AnswerOf(FindEarlier(submission), id.status());  // by another server
  if (!id.ok()) return id.status();
  run.id = *id;
  Log(LogLevel::kInfo, "run.accepted", {{"run", run.id}, {"operations", run.operations_total}});
  Enqueue(std::make_shared<LiveRun>(run));
  return run;
}

absl::StatusOr<std::optional<RunQueue::User>> RunExecutor::FindUser(const std::string& sha256, const std::string& owner) const {
  if (shared_ != nullptr) return shared_->FindUserOf(sha256, owner);
  const MutexLock lock(mutex_);
  std::optional<RunQueue::User> user;
  for (const auto& [id, live] : live_) {
    const Run run = live->Get();
    const auto* trace = std::get_if<UploadedTrace>(&run.request.workload);
    if (trace == nullptr || trace->sha256 != sha256) continue;
    if (!user || live->owner() == owner) user = {id, live->owner()};
    if (live->owner() == owner) break;
  }
  return user;
}

absl::Status RunExecutor::DeleteTrace(const std::string& sha256,
                                      absl::FunctionRef<absl::Status(const std::string& owner)> may) {
  const MutexLock submitting(submit_mutex_);  // no run takes it up meanwhile
  const absl::StatusOr<StoredTrace> trace = traces_.Find(sha256);
  if (!trace.ok() && !absl::IsDataLoss(trace.status())) return trace.status();
  const std::string owner = trace.ok() ? trace->owner : "";  // a damaged one is nobody's
  if (absl::Status status = may(owner); !status.ok()) return status;
  const auto user = FindUser(sha256, owner);
  if (!user.ok()) return user.status();
  if (!user->has_value()) return traces_.Delete(sha256);
  if ((*user)->owner != owner && trace.ok()) {
    Log(LogLevel::kInfo, "trace.passed_on", {{"sha256", sha256}, {"to", (*user)->owner}, {"run", (*user)->run}});
    return store_.GiveTrace(sha256, (*user)->owner);
  }
  const absl::StatusOr<Run> run = Get((*user)->run);
  return run.ok() ? errors::TraceInUse(sha256, run->id, RunStateName(run->state)) : run.status();
}

void RunExecutor::Enqueue(const LiveRunPtr& live) {
  {
    const MutexLock lock(mutex_);
    if (shared_ != nullptr) {
      followed_.push_back(live);  // until a worker here takes it, or nobody watches
      to_do_.NotifyOne();
      return;
    }
    live_.emplace(live->id(), live);
    if (!stopping_) {
      queue_.push_back(live);
      to_do_.NotifyOne();
      return;
    }
  }
  FinishWithoutResult(*live, RunState::kInterrupted, kShutDown);  // it came in the moment of the shutdown
}

absl::StatusOr<Run> RunExecutor::FindStored(std::uint64_t id) const {
  if (shared_ == nullptr) {
    const MutexLock lock(mutex_);
    if (const auto found = unsaved_.find(id); found != unsaved_.end()) return found->second;
  }
  absl::StatusOr<std::optional<Run>> run = store_.FindRun(id);
  if (!run.ok()) return run.status();
  if (!run->has_value()) return errors::RunNotFound(id);
  return **std::move(run);
}

absl::StatusOr<RunList> RunExecutor::List(std::uint64_t before_id, std::size_t limit, const RunFilter& filter,
                                          const Interrupt& left) const {
  RunList list;
  const std::size_t rows_max = std::max(limit, kRunRowsAtATime);
  std::uint64_t before = before_id == 0 ? INT64_MAX : before_id;
  while (list.runs.size() < limit) {
    if (Interrupted(left)) return errors::CallCancelled();
    absl::StatusOr<RunList> rows = store_.ListRuns(before, rows_max);
    if (!rows.ok()) return rows.status();
    const std::size_t read = rows->runs.size() + rows->damaged.size();
    for (const std::uint64_t id : rows->damaged) before = std::min(before, id);
    for (Run& row : rows->runs) {
      before = std::min(before, row.id);
      absl::StatusOr<Run> run = Ended(row.state) ? std::move(row) : GetUnfinished(row);
      if (absl::IsNotFound(run.status())) continue;  // deleted a moment ago
      if (!run.ok()) return run.status();
      if (filter.Passes(*run)) list.runs.push_back(*std::move(run));
      if (list.runs.size() == limit) break;
    }
    const std::uint64_t last = list.runs.size() == limit ? list.runs.back().id : 0;
    std::copy_if(rows->damaged.begin(), rows->damaged.end(), std::back_inserter(list.damaged),
                 [last](std::uint64_t id) { return id > last; });
    if (read < rows_max) break;
  }
  return list;
}

absl::StatusOr<Run> RunExecutor::GetUnfinished(const Run& row) const {
  if (shared_ != nullptr && FindHere(row.id) == nullptr) return row;  // which says what its server said last
  absl::StatusOr<Run> run = Get(row.id);                              // its state may be a later one by now
  if (run.ok() && std::holds_alternative<WorkloadSpec>(run->request.workload)) {
    std::get<WorkloadSpec>(run->request.workload).phases.clear();
  }
  return run;
}

std::shared_ptr<LiveRun> RunExecutor::FindLive(std::uint64_t id) {
  LiveRunPtr live = FindHere(id);
  return live == nullptr && shared_ != nullptr ? Follow(id) : live;
}

RunExecutor::LiveRunPtr RunExecutor::FindHere(std::uint64_t id) const {
  const MutexLock lock(mutex_);
  const auto found = live_.find(id);
  return found == live_.end() ? nullptr : found->second;
}

absl::StatusOr<Run> RunExecutor::Cancel(std::uint64_t id) {
  if (shared_ != nullptr) return CancelShared(id);
  const LiveRunPtr live = FindHere(id);
  return live == nullptr ? Get(id) : CancelHere(live);
}

absl::StatusOr<Run> RunExecutor::CancelHere(const LiveRunPtr& live) {
  live->RequestCancel();
  bool queued = false;
  {
    const MutexLock lock(mutex_);
    queued = std::erase(queue_, live) != 0;
  }
  const absl::Duration patience = live->Sample() ? kSumUpPatience : kCancelPatience;
  if (queued || !live->AwaitEnd(MonotonicTime::Now() + patience)) FinishWithoutResult(*live, RunState::kCancelled, "");
  live->AwaitEnd(MonotonicTime::InfiniteFuture());
  return Get(live->id());
}

absl::Status RunExecutor::Delete(std::uint64_t id) {
  const absl::StatusOr<Run> run = Get(id);
  if (!run.ok()) return run.status();
  if (!Ended(run->state)) return errors::RunNotEnded(id, RunStateName(run->state));
  if (absl::Status status = store_.DeleteRun(id); !status.ok()) return status;
  const MutexLock lock(mutex_);
  unsaved_.erase(id);
  return absl::OkStatus();
}

absl::StatusOr<Run> RunExecutor::Update(std::uint64_t id, const RunChange& change) {
  const absl::StatusOr<Run> run = Get(id);
  if (!run.ok()) return run.status();
  if (!Ended(run->state)) return errors::RunNotEnded(id, RunStateName(run->state));
  if (absl::Status status = store_.UpdateRun(id, change); !status.ok()) return status;
  {
    const MutexLock lock(mutex_);
    if (const auto unsaved = unsaved_.find(id); unsaved != unsaved_.end()) {
      unsaved->second.request.label = change.label.value_or(unsaved->second.request.label);
      unsaved->second.pinned = change.pinned.value_or(unsaved->second.pinned);
    }
  }
  return Get(id);
}

RunExecutor::Census RunExecutor::Count() const {
  const MutexLock lock(mutex_);
  Census census;
  census.queued = static_cast<std::uint32_t>(queue_.size());
  census.running = static_cast<std::uint32_t>(live_.size() - queue_.size());  // live_ holds both
  for (const LiveRunPtr& live : queue_) census.queued_operations += live->Get().operations_total;
  census.ended = ended_;
  census.different = different_;
  if (shared_ != nullptr) {
    census.queued = static_cast<std::uint32_t>(waiting_.runs);
    census.queued_operations = waiting_.operations;
  }
  return census;
}

void RunExecutor::Drain() {
  const MutexLock lock(mutex_);
  stopping_ = true;
  to_do_.NotifyAll();
  spares_stop_.NotifyAll();
}

void RunExecutor::Stop(MonotonicTime deadline) {
  Drain();
  std::deque<LiveRunPtr> queued;
  {
    const MutexLock lock(mutex_);
    queued.swap(queue_);
  }
  for (const LiveRunPtr& live : queued) FinishWithoutResult(*live, RunState::kInterrupted, kShutDown);
  std::map<std::uint64_t, LiveRunPtr> running;
  {
    const MutexLock lock(mutex_);
    while (!live_.empty() && idle_.WaitUntil(mutex_, deadline)) {
    }
    running = live_;
  }
  if (shared_ != nullptr) {
    GiveBack();
    running.clear();
  }
  for (const auto& [id, live] : running) {
    FinishWithoutResult(*live, RunState::kInterrupted, kShutDown);
    live->RequestCancel();
  }
  for (std::thread& worker : workers_) {
    if (worker.joinable()) worker.join();
  }
  {
    const MutexLock lock(mutex_);
    beats_ = false;
    beat_ends_.NotifyAll();
  }
  if (beat_.joinable()) beat_.join();
  SaveUnsaved();
}

}  // namespace alloclab::server
