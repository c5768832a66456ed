#include "server/collections/opened_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "server/entities/native_allocator.h"
#include "server/errors.h"
#include "server/limits.h"

namespace alloclab::server {

absl::StatusOr<std::shared_ptr<LiveInstance>> OpenedRuns::Open(std::uint64_t run, std::uint64_t operation,
                                                               const Interrupt& left, const std::string& owner) {
  const absl::StatusOr<Run> found = runs_.Get(run);
  if (!found.ok()) return found.status();
  if (IsNative(found->request.config)) return errors::NativeNotOpened(run);
  RunRequest asked = found->request;
  asked.owner = owner;  // it is read for him
  absl::StatusOr<std::shared_ptr<const Trace>> trace = traces_.Load(asked, left);
  if (!trace.ok()) return trace.status();
  if (operation > (*trace)->operations.size()) return errors::NoSuchOperation(operation, (*trace)->operations.size());
  if (absl::Status status = MakeRoomFor(owner); !status.ok()) return status;
  absl::Cleanup opening = [&] { EndOpening(owner); };
  absl::StatusOr<std::shared_ptr<LiveInstance>> instance = Create(*found, *std::move(trace), owner);
  if (!instance.ok()) return instance.status();
  Note(**instance);
  std::move(opening).Invoke();
  if (absl::Status status = (*instance)->Seek(operation, left); !status.ok()) {
    Close(std::to_string((*instance)->id())).IgnoreError();  // somebody else may have closed it
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
  Note(**instance);
  return instance;
}

void OpenedRuns::Note(const LiveInstance& instance) {
  const MutexLock lock(mutex_);
  used_.insert_or_assign(instance.id(), Use{instance.owner(), clock_()});
}

void OpenedRuns::Delete(std::uint64_t id) { instances_.Delete(std::to_string(id)).IgnoreError(); }

absl::Status OpenedRuns::Close(std::string_view name) {
  const absl::StatusOr<std::shared_ptr<LiveInstance>> instance = Find(name);
  if (!instance.ok()) return instance.status();
  {
    const MutexLock lock(mutex_);
    used_.erase((*instance)->id());
  }
  return instances_.Delete(std::to_string((*instance)->id()));
}

void OpenedRuns::CloseUnused() {
  std::vector<std::uint64_t> unused;
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, use] : used_) {
      if (clock_() - use.last >= kOpenedRunIdleMax) unused.push_back(id);
    }
    for (const std::uint64_t id : unused) used_.erase(id);
  }
  for (const std::uint64_t id : unused) Delete(id);
}

std::uint64_t OpenedRuns::NextToClose(const std::string& owner) const {
  std::map<std::string_view, std::size_t> of_owner{{owner, 1}};
  for (const std::string& opening : opening_) ++of_owner[opening];
  for (const auto& [id, use] : used_) ++of_owner[use.owner];
  const auto comes_first = [&](const auto& a, const auto& b) {
    const std::size_t his = of_owner[a.second.owner], others = of_owner[b.second.owner];
    return his != others ? his > others : a.second.last < b.second.last;
  };
  const auto next = std::min_element(used_.begin(), used_.end(), comes_first);
  return next != used_.end() && of_owner[next->second.owner] >= of_owner[owner] ? next->first : 0;
}

void OpenedRuns::EndOpening(const std::string& owner) {
  const MutexLock lock(mutex_);
  opening_.erase(opening_.find(owner));
}

absl::Status OpenedRuns::MakeRoomFor(const std::string& owner) {
  std::uint64_t closed = 0;
  {
    const MutexLock lock(mutex_);
    std::erase_if(used_, [this](const auto& entry) { return !instances_.Find(std::to_string(entry.first)).ok(); });
    if (!owner.empty() && opening_.count(owner) >= kOpenedRunsMax / 2) return errors::TooManyBeingOpened(kOpenedRunsMax);
    if (used_.size() + opening_.size() >= kOpenedRunsMax) {
      closed = NextToClose(owner);
      if (closed == 0) return errors::TooManyBeingOpened(kOpenedRunsMax);
      used_.erase(closed);
    }
    opening_.insert(owner);
  }
  if (closed != 0) Delete(closed);
  return absl::OkStatus();
}

}  // namespace alloclab::server
