#include "server/store/id_source.h"

#include "server/limits.h"

namespace alloclab::server {

absl::StatusOr<std::uint64_t> IdSource::Next() {
  const MutexLock lock(mutex_);
  if (next_ == end_) {
    const absl::StatusOr<std::uint64_t> first = store_.ReserveInstanceIds(kInstanceIdBlock);
    if (!first.ok()) return first.status();
    next_ = *first;
    end_ = next_ + kInstanceIdBlock;
  }
  return next_++;
}

}  // namespace alloclab::server
