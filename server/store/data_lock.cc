#include "server/store/data_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>

#include "server/errors.h"

namespace alloclab::server {
namespace {

std::filesystem::path HolderFile(const std::filesystem::path& directory) { return directory / "lock"; }

std::string ReadHolder(const std::filesystem::path& directory) {
  std::ifstream file(HolderFile(directory));
  std::uint64_t pid = 0;
  return file >> pid ? fmt::format("process {}", pid) : "an unknown process";
}

}  // namespace

absl::Status DataLock::Lock(int descriptor) const {
  if (descriptor < 0)
    return errors::DataDirectoryUnusable(path_.string(), fmt::format("cannot open it: {}", std::strerror(errno)));
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) return errors::DataDirectoryLocked(path_.string(), ReadHolder(path_));
  return absl::OkStatus();
}

absl::StatusOr<DataLock> DataLock::Acquire(const std::filesystem::path& directory) {
  DataLock lock(directory);
  lock.directory_ = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (absl::Status status = lock.Lock(lock.directory_); !status.ok()) return status;
  std::ofstream file(HolderFile(directory));
  file << getpid() << std::flush;  // where it cannot be written, the lock holds all the same
  std::error_code ignored;
  std::filesystem::permissions(HolderFile(directory), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write,
                               ignored);
  return lock;
}

absl::Status DataLock::AddDatabase(const std::filesystem::path& file) {
  database_ = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  return Lock(database_);
}

DataLock::~DataLock() {
  for (const int descriptor : {database_, directory_}) {
    if (descriptor >= 0) close(descriptor);
  }
}

}  // namespace alloclab::server
