#include "server/store/run_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/errors.h"

namespace alloclab::server {

absl::Time Retention::latest() const {
  absl::Time latest = before;
  for (const auto& [owner, moment] : before_of) latest = std::max(latest, moment);
  return std::max(latest, absl::UnixEpoch());
}

bool Retention::Retires(std::string_view owner, std::uint64_t end_ns) const {
  const auto own = before_of.find(owner);
  return absl::FromUnixNanos(static_cast<std::int64_t>(end_ns)) < (own == before_of.end() ? before : own->second);
}

absl::Status RunStore::CheckRunsOf(std::string_view owner, std::uint64_t owner_runs_max) const {
  if (owner.empty() || owner_runs_max == UINT64_MAX) return absl::OkStatus();
  const absl::StatusOr<std::uint64_t> stored = CountRunsOf(owner);
  if (!stored.ok()) return stored.status();
  return *stored < owner_runs_max ? absl::OkStatus() : errors::TooManyStoredRunsOf(owner, owner_runs_max);
}

absl::StatusOr<std::uint64_t> RunStore::MakeRoom(Room& room, const Retention& retention) {
  if (retention.submitter_runs_max == INT64_MAX && retention.runs_max == INT64_MAX) return 0;
  absl::StatusOr<std::map<std::string, std::uint64_t>> runs = room.CountByOwner();
  if (!runs.ok()) return runs.status();
  std::uint64_t stored = 0, retired = 0;
  for (const auto& [owner, count] : *runs) stored += count;
  const auto retire = [&](const std::string& owner, std::uint64_t count) -> absl::StatusOr<std::uint64_t> {
    const absl::StatusOr<std::uint64_t> gone = room.RetireOldest(owner, count);
    if (gone.ok()) {
      (*runs)[owner] -= *gone;
      stored -= *gone;
      retired += *gone;
    }
    return gone;
  };
  const std::string& submitter = retention.submitter;
  const std::uint64_t his = (*runs)[submitter];
  if (!submitter.empty() && his > retention.submitter_runs_max) {
    if (const auto gone = retire(submitter, his - retention.submitter_runs_max); !gone.ok()) return gone;
    if ((*runs)[submitter] > retention.submitter_runs_max) return retired;  // who is refused anyway costs nobody else a run
  }
  std::uint64_t will_have = ++(*runs)[submitter];
  while (stored > retention.runs_max) {
    const auto more = [&](const auto& one, const auto& other) {  // of equals the submitter loses
      return std::pair(one.second, one.first == submitter) < std::pair(other.second, other.first == submitter);
    };
    const auto most = std::max_element(runs->begin(), runs->end(), more);
    if (most == runs->end() || (most->first != submitter && most->second <= will_have)) break;
    const auto gone = retire(most->first, 1);
    if (!gone.ok()) return gone;
    if (most->first == submitter) will_have = most->second;
    if (*gone == 0) runs->erase(most);
  }
  return retired;
}

absl::Status RunStore::CheckRoomOf(std::string_view owner, std::uint64_t more, std::uint64_t owner_bytes_max) const {
  if (owner.empty() || owner_bytes_max == UINT64_MAX) return absl::OkStatus();
  const absl::StatusOr<std::uint64_t> stored = TraceBytesOf(owner);
  return stored.ok() ? CheckBytes(owner, *stored, more, owner_bytes_max) : stored.status();
}

absl::Status RunStore::CheckBytes(std::string_view owner, std::uint64_t stored, std::uint64_t more, std::uint64_t max) {
  if (owner.empty() || (more <= max && stored <= max - more)) return absl::OkStatus();
  return errors::StoredBytesOf(owner, stored, more, max);
}

Run WithLostResult(Run run, const absl::Status& why) {
  if (run.state == RunState::kFailed && run.result == nullptr) return run;  // there is nothing to lose but the reason
  run.state = RunState::kFailed;
  run.error = fmt::format("the result is lost: {}", std::string(why.message()));
  run.result.reset();
  return run;
}

}  // namespace alloclab::server
