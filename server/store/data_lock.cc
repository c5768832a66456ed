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

absl::StatusOr<DataLock> DataLock::Acquire(const std::filesystem::path& directory) {
  const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0)
    return errors::DataDirectoryUnusable(directory.string(), fmt::format("cannot open it: {}", std::strerror(errno)));
  DataLock lock(descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) return errors::DataDirectoryLocked(directory.string(), ReadHolder(directory));
  std::ofstream file(HolderFile(directory));
  file << getpid() << std::flush;
  if (!file) return errors::DataDirectoryUnusable(directory.string(), "cannot write lock");
  return lock;
}

DataLock::~DataLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace alloclab::server
