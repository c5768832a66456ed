#include "server/collections/opened_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "server/entities/native_allocator.h"
#include "server/errors.h"
#include "server/limits.h"

namespace alloclab::server {

absl::StatusOr<std::shared_ptr<LiveInstance>> OpenedRuns::Open(std::uint64_t run, std::uint64_t operation,
                                                               const Interrupt& left, const std::string& owner) {
  const absl::StatusOr<Run> found = runs_.Get(run);
  if (!found.ok()) return found.status();
  if (IsNative(found->request.config)) return errors::NativeNotOpened(run);
  absl::StatusOr<std::shared_ptr<const Trace>> trace = traces_.Load(found->request, left);
  if (!trace.ok()) return trace.status();
  if (operation > (*trace)->operations.size()) return errors::NoSuchOperation(operation, (*trace)->operations.size());
  CloseAllBut(kOpenedRunsMax - 1);
  absl::StatusOr<std::shared_ptr<LiveInstance>> instance = Create(*found, *std::move(trace), owner);
  if (!instance.ok()) return instance.status();
  {
    const MutexLock lock(mutex_);
    used_.insert_or_assign((*instance)->name(), clock_());
  }
  if (absl::Status status = (*instance)->Seek(operation, left); !status.ok()) {
    Close((*instance)->name()).IgnoreError();  // somebody else may have closed it
    return status;
  }
  return instance;
}

absl::StatusOr<std::shared_ptr<LiveInstance>> OpenedRuns::Create(const Run& run, std::shared_ptr<const Trace> trace,
                                                                 const std::string& owner) {
  InstanceRequest request;
  request.config = run.request.config;
  request.owner = owner;
  request.opened = OpenedRun{run.id, std::move(trace)};
  for (int number = 1;; ++number) {
    request.name = number == 1 ? fmt::format("run-{}", run.id) : fmt::format("run-{}-{}", run.id, number);
    absl::StatusOr<std::shared_ptr<LiveInstance>> instance = instances_.Create(request);
    if (instance.ok() || !absl::IsAlreadyExists(instance.status())) return instance;
  }
}

absl::StatusOr<std::shared_ptr<LiveInstance>> OpenedRuns::Find(std::string_view name) {
  absl::StatusOr<std::shared_ptr<LiveInstance>> instance = instances_.Find(name);
  if (!instance.ok()) return instance;
  if (!(*instance)->opened_run()) return errors::NoOpenedRun((*instance)->name());
  const MutexLock lock(mutex_);
  used_.insert_or_assign((*instance)->name(), clock_());
  return instance;
}

absl::Status OpenedRuns::Close(std::string_view name) {
  const absl::StatusOr<std::shared_ptr<LiveInstance>> instance = Find(name);
  if (!instance.ok()) return instance.status();
  {
    const MutexLock lock(mutex_);
    used_.erase((*instance)->name());
  }
  return instances_.Delete((*instance)->name());
}

void OpenedRuns::CloseUnused() {
  std::vector<std::string> unused;
  {
    const MutexLock lock(mutex_);
    for (const auto& [name, used] : used_) {
      if (clock_() - used >= kOpenedRunIdleMax) unused.push_back(name);
    }
    for (const std::string& name : unused) used_.erase(name);
  }
  for (const std::string& name : unused) instances_.Delete(name).IgnoreError();  // it may be gone
}

void OpenedRuns::CloseAllBut(std::size_t count) {
  std::vector<std::pair<MonotonicTime, std::string>> oldest;
  {
    const MutexLock lock(mutex_);
    std::erase_if(used_, [this](const auto& entry) { return !instances_.Find(entry.first).ok(); });
    for (const auto& [name, used] : used_) oldest.emplace_back(used, name);
    std::sort(oldest.begin(), oldest.end());
    oldest.erase(oldest.end() - static_cast<std::ptrdiff_t>(std::min(oldest.size(), count)), oldest.end());
    for (const auto& [used, name] : oldest) used_.erase(name);
  }
  for (const auto& [used, name] : oldest) instances_.Delete(name).IgnoreError();  // it may be gone
}

}  // namespace alloclab::server
