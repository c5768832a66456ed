// The lock on a data directory: one server at a time. It is on the directory itself, so that no file can be removed to get around
// it; the file "lock" in it only names the holder. The kernel drops the lock when the process ends, however it ends.
#ifndef ALLOCLAB_SERVER_STORE_DATA_LOCK_H_
#define ALLOCLAB_SERVER_STORE_DATA_LOCK_H_

#include <filesystem>
#include <utility>

#include "absl/status/statusor.h"

namespace alloclab::server {

class DataLock {
 public:
  // FAILED_PRECONDITION naming the directory and the process that holds it.
  static absl::StatusOr<DataLock> Acquire(const std::filesystem::path& directory);

  DataLock(DataLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  DataLock& operator=(DataLock&&) = delete;
  ~DataLock();

 private:
  explicit DataLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_DATA_LOCK_H_
