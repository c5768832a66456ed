// Room on the disk set aside for a store that is full: a file that is given up so that ends of runs can still be written and
// runs and traces deleted. Made again as soon as there is room.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_STORE_DISK_RESERVE_H_
#define ALLOCLAB_SERVER_STORE_DISK_RESERVE_H_

#include <filesystem>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

class DiskReserve {
 public:
  explicit DiskReserve(std::filesystem::path file) : file_(std::move(file)) {}

  // Has the file made, if it is missing and there is room for it.
  void Make() ABSL_LOCKS_EXCLUDED(mutex_);
  // Gives the room up; false if there was none.
  bool Release() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const std::filesystem::path file_;
  Mutex mutex_;
  bool made_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_DISK_RESERVE_H_
