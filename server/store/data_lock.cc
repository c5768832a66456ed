#include "server/store/data_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "server/errors.h"

namespace alloclab::server {
namespace {

std::string ReadHolder(int descriptor) {
  char text[64] = {};
  const ssize_t length = pread(descriptor, text, sizeof text - 1, 0);
  return length > 0 ? fmt::format("process {}", std::string_view(text, static_cast<std::size_t>(length)))
                    : "an unknown process";
}

}  // namespace

absl::StatusOr<DataLock> DataLock::Acquire(const std::filesystem::path& directory) {
  const std::string file = directory / "lock";
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0)
    return errors::DataDirectoryUnusable(directory.string(), fmt::format("cannot open lock: {}", std::strerror(errno)));
  DataLock lock(descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) return errors::DataDirectoryLocked(directory.string(), ReadHolder(descriptor));
  const std::string pid = fmt::format("{}", getpid());
  if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return errors::DataDirectoryUnusable(directory.string(), fmt::format("cannot write lock: {}", std::strerror(errno)));
  }
  return lock;
}

DataLock::~DataLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace alloclab::server
