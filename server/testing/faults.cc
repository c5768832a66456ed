#include "server/testing/faults.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace alloclab::faults {
namespace {

struct Plan {
  char directory[512] = "";  // empty: not armed
  std::uint64_t fail_at = 0;
  int error = 0;
  char full_while[512] = "";  // a file: the disk is full while it exists
  char kill_point[32] = "";
  std::uint64_t kill_at = 0;
  char arm_file[512] = "";
};
Plan plan;
std::atomic<std::uint64_t> calls{0}, hits{0};

void Copy(char* to, std::size_t size, const char* from) { std::snprintf(to, size, "%s", from == nullptr ? "" : from); }

[[gnu::constructor]] void ReadVariables() {
  Copy(plan.directory, sizeof plan.directory, std::getenv("ALLOCLAB_FAULT_DIR"));
  Copy(plan.arm_file, sizeof plan.arm_file, std::getenv("ALLOCLAB_FAULT_ARM"));
  const char* const kill = std::getenv("ALLOCLAB_FAULT_KILL");
  if (kill != nullptr) std::sscanf(kill, "%31[a-z_]:%lu", plan.kill_point, &plan.kill_at);
}

bool IsBelow(const char* path) {
  const std::size_t length = std::strlen(plan.directory);
  return length > 0 && std::strncmp(path, plan.directory, length) == 0;
}

struct Path {
  explicit Path(int descriptor) {
    char name[64];
    std::snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    const ssize_t length = readlink(name, text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
  }
  // What is written in place needs no room.
  bool in_place() const {
    const char* const slash = std::strrchr(text, '/');
    return slash != nullptr && std::strcmp(slash, "/ends") == 0;
  }
  char text[1024];
};

// Keeps errno, as every call here that is not the counted one must.
class KeepErrno {
 public:
  ~KeepErrno() { errno = kept_; }

 private:
  const int kept_ = errno;
};

void Reach(const char* point) {
  if (std::strcmp(point, plan.kill_point) != 0) return;
  const KeepErrno keep;
  if (plan.arm_file[0] != '\0' && access(plan.arm_file, F_OK) != 0) return;
  if (++hits == plan.kill_at) kill(getpid(), SIGKILL);
}

// Whether this call fails; errno says how.
bool Fails(bool needs_room) {
  const KeepErrno keep;
  const std::uint64_t call = ++calls;
  const bool full = needs_room && plan.full_while[0] != '\0' && access(plan.full_while, F_OK) == 0;
  return full || (plan.fail_at != 0 && call == plan.fail_at);
}
int Fail() {
  errno = plan.full_while[0] != '\0' ? ENOSPC : plan.error;
  return -1;
}

template <class Function>
Function* Next(const char* name) {
  return std::bit_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// A call on a file: fails or happens, with the points before and after.
template <class Call>
auto Counted(int descriptor, const char* before, const char* after, bool needs_room, Call&& call) -> decltype(call()) {
  if (plan.directory[0] == '\0') return call();
  const Path path(descriptor);
  if (!IsBelow(path.text)) return call();
  Reach(before);
  if (Fails(needs_room && !path.in_place())) return Fail();
  const auto result = call();
  Reach(after);
  return result;
}
template <class Call>
auto CountedWrite(int descriptor, Call&& call) {
  return Counted(descriptor, "before_write", "after_write", true, call);
}
template <class Call>
auto CountedSync(int descriptor, Call&& call) {
  return Counted(descriptor, "before_sync", "after_sync", false, call);
}

bool IsSocket(int descriptor) {
  const KeepErrno keep;
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

// What opens a file that is to be made.
int Open(const char* name, const char* path, int flags, mode_t mode) {
  using Function = int(const char*, int, ...);
  static Function* const next = Next<Function>(name);
  if ((flags & O_CREAT) != 0 && IsBelow(path) && Fails(false)) return Fail();
  return next(path, flags, mode);
}

}  // namespace

void Arm(const char* directory, std::uint64_t k, int error) {
  calls = 0;
  plan.fail_at = k;
  plan.error = error;
  plan.full_while[0] = '\0';
  Copy(plan.directory, sizeof plan.directory, directory);
}

std::uint64_t Disarm() {
  plan.directory[0] = '\0';
  plan.full_while[0] = '\0';
  return calls;
}

void FillDisk(const char* directory, const char* while_exists) {
  Arm(directory, 0, ENOSPC);
  Copy(plan.full_while, sizeof plan.full_while, while_exists);
}

}  // namespace alloclab::faults

// NOLINTBEGIN: the names are those of the C library
extern "C" {

using alloclab::faults::Counted;
using alloclab::faults::CountedSync;
using alloclab::faults::CountedWrite;
using alloclab::faults::Next;

ssize_t write(int descriptor, const void* bytes, size_t size) {
  static auto* const next = Next<ssize_t(int, const void*, size_t)>("write");
  return CountedWrite(descriptor, [&] { return next(descriptor, bytes, size); });
}
ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  static auto* const next = Next<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return CountedWrite(descriptor, [&] { return next(descriptor, bytes, size, offset); });
}
ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t offset) {
  return pwrite(descriptor, bytes, size, offset);
}
int fsync(int descriptor) {
  static auto* const next = Next<int(int)>("fsync");
  return CountedSync(descriptor, [&] { return next(descriptor); });
}
int fdatasync(int descriptor) {
  static auto* const next = Next<int(int)>("fdatasync");
  return CountedSync(descriptor, [&] { return next(descriptor); });
}
int ftruncate(int descriptor, off_t size) noexcept {
  static auto* const next = Next<int(int, off_t)>("ftruncate");
  return CountedWrite(descriptor, [&] { return next(descriptor, size); });
}
int ftruncate64(int descriptor, off64_t size) noexcept { return ftruncate(descriptor, size); }
int posix_fallocate(int descriptor, off_t offset, off_t size) {
  static auto* const next = Next<int(int, off_t, off_t)>("posix_fallocate");
  const int result = CountedWrite(descriptor, [&] { return next(descriptor, offset, size); });
  return result < 0 ? errno : result;
}
int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return alloclab::faults::Open("open", path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return alloclab::faults::Open("open64", path, flags, mode);
}
ssize_t sendmsg(int descriptor, const msghdr* message, int flags) {
  static auto* const next = Next<ssize_t(int, const msghdr*, int)>("sendmsg");
  const bool reply = alloclab::faults::IsSocket(descriptor);
  if (reply) alloclab::faults::Reach("before_reply");
  const ssize_t result = next(descriptor, message, flags);
  if (reply) alloclab::faults::Reach("after_reply");
  return result;
}

}  // extern "C"
// NOLINTEND
