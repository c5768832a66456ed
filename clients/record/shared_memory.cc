#include "clients/record/shared_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace alloclab::client {

absl::StatusOr<std::unique_ptr<SharedMemory>> SharedMemory::Create() {
  const char* const temporary = std::getenv("TMPDIR");
  std::string why;
  for (const char* const folder : {"/dev/shm", temporary != nullptr ? temporary : "/tmp"}) {
    std::string path = fmt::format("{}/alloclab-record-XXXXXX", folder);
    const int file = mkostemp(path.data(), O_CLOEXEC);
    if (file < 0) {
      why = fmt::format("{}: {}", folder, std::strerror(errno));
      continue;
    }
    void* address = MAP_FAILED;
    if (ftruncate(file, sizeof(recorder::Memory)) == 0) {
      address = mmap(nullptr, sizeof(recorder::Memory), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
    }
    const int error = errno;
    close(file);
    if (address == MAP_FAILED) {
      why = fmt::format("{}: {}", folder, std::strerror(error));
      unlink(path.c_str());
      continue;
    }
    auto* const memory = static_cast<recorder::Memory*>(address);  // all zeros, which is what nobody has used yet
    memory->reader = static_cast<std::uint32_t>(getpid());
    memory->magic = recorder::kMagic;
    return std::unique_ptr<SharedMemory>(new SharedMemory(memory, path));
  }
  return absl::UnavailableError(
      fmt::format("no memory to share with the program: {}; expected a folder that can be written", why));
}

SharedMemory::~SharedMemory() {
  memory_->closed = 1;
  unlink(path_.c_str());
  munmap(memory_, sizeof(recorder::Memory));
}

void SharedMemory::WaitForWriters(int milliseconds) const {
  memory_->sleeping = 1;
  const timespec time{0, milliseconds * 1'000'000L};
  syscall(SYS_futex, &memory_->sleeping, FUTEX_WAIT, 1, &time, nullptr, 0);
  memory_->sleeping = 0;
}

}  // namespace alloclab::client
