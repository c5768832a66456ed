// The lock on a data directory and on the database in it: one server at a time. It is on the directory and on the database
// themselves, so that no file can be removed to get around it, and a database that is linked or mounted elsewhere is locked
// there too; the file "lock" only names the holder. The kernel drops the lock when the process ends, however it ends.
#ifndef ALLOCLAB_SERVER_STORE_DATA_LOCK_H_
#define ALLOCLAB_SERVER_STORE_DATA_LOCK_H_

#include <filesystem>
#include <utility>

#include "absl/status/statusor.h"

namespace alloclab::server {

class DataLock {
 public:
  // FAILED_PRECONDITION naming the directory and the process that holds it. A database that exists is added before SQLite opens
  // it and released after SQLite has closed it: closing any descriptor of a file drops SQLite's own locks on it.
  static absl::StatusOr<DataLock> Acquire(const std::filesystem::path& directory);
  absl::Status AddDatabase(const std::filesystem::path& file);
  // As it was given to Acquire; empty once the lock has been moved away.
  const std::filesystem::path& directory() const { return path_; }

  DataLock(DataLock&& other) noexcept
      : path_(std::move(other.path_)),
        directory_(std::exchange(other.directory_, -1)),
        database_(std::exchange(other.database_, -1)) {}
  DataLock& operator=(DataLock&&) = delete;
  ~DataLock();

 private:
  explicit DataLock(std::filesystem::path directory) : path_(std::move(directory)) {}
  absl::Status Lock(int descriptor) const;

  std::filesystem::path path_;
  int directory_ = -1, database_ = -1;  // descriptors
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_DATA_LOCK_H_
