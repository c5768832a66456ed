#include "server/entities/shared_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "allocators/common/check.h"

namespace alloclab::server {
namespace {

absl::Status Failed(const char* what) { return absl::InternalError(fmt::format("{}: {}", what, std::strerror(errno))); }

}  // namespace

absl::StatusOr<SharedMemory> SharedMemory::Create(std::size_t bytes) {
  const int file = memfd_create("alloclab", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file < 0) return Failed("memfd_create");
  SharedMemory made(file, MAP_FAILED, bytes);
  if (ftruncate(file, static_cast<off_t>(bytes)) != 0) return Failed("ftruncate");
  made.mapped_bytes_ = std::max<std::size_t>(bytes, 1);
  made.memory_ = mmap(nullptr, made.mapped_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (made.memory_ == MAP_FAILED) return Failed("mmap");
  return made;
}

SharedMemory::~SharedMemory() {
  if (memory_ != MAP_FAILED) munmap(memory_, mapped_bytes_);
  if (file_ >= 0) close(file_);
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      memory_(std::exchange(other.memory_, MAP_FAILED)),
      bytes_(std::exchange(other.bytes_, 0)),
      mapped_bytes_(std::exchange(other.mapped_bytes_, 0)) {}

void SharedMemory::Shrink(std::size_t bytes) {
  ALLOCLAB_CHECK_LE(bytes, bytes_);
  if (ftruncate(file_, static_cast<off_t>(bytes)) == 0) bytes_ = bytes;
}

absl::Status SharedMemory::SealSize() const {
  if (fcntl(file_, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0) return absl::OkStatus();
  return Failed("fcntl");
}

}  // namespace alloclab::server
