#include "server/store/disk_reserve.h"

#include <fcntl.h>
#include <unistd.h>

#include "server/limits.h"

namespace alloclab::server {

void DiskReserve::Make() {
  const MutexLock lock(mutex_);
  if (made_) return;
  const int descriptor = open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return;
  made_ = posix_fallocate(descriptor, 0, kDiskReserveBytes) == 0;
  close(descriptor);
  if (!made_) unlink(file_.c_str());
}

bool DiskReserve::Release() {
  const MutexLock lock(mutex_);
  made_ = false;
  return unlink(file_.c_str()) == 0;
}

}  // namespace alloclab::server
