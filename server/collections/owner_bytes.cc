#include "server/collections/owner_bytes.h"

#include "server/errors.h"

namespace alloclab::server {

absl::Status CheckBytesOf(const RunStore& store, const std::string& owner, std::uint64_t more, std::uint64_t max) {
  if (owner.empty() || max == UINT64_MAX) return absl::OkStatus();
  const absl::StatusOr<std::uint64_t> stored = store.TraceBytesOf(owner);
  if (!stored.ok()) return stored.status();
  if (more <= max && *stored <= max - more) return absl::OkStatus();
  return errors::StoredBytesOf(owner, *stored, more, max);
}

}  // namespace alloclab::server
