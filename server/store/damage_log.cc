#include "server/store/damage_log.h"

#include "server/errors.h"
#include "server/limits.h"
#include "server/log.h"

namespace alloclab::server {

absl::Status DamageLog::Found(const std::string& row) {
  const MutexLock lock(mutex_);
  if (logged_.size() < kDamagedRowsLogged && logged_.insert(row).second) {
    Log(LogLevel::kError, "store.row_damaged", {{"row", row}});
  }
  return errors::RowDamaged(row, remedy_);
}

}  // namespace alloclab::server
