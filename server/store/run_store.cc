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
