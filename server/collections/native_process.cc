#include "server/collections/native_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/time/clock.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/printable.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

constexpr absl::Duration kPollInterval = absl::Milliseconds(2);
constexpr int kFilesMax = 64;  // descriptors of the process; it needs a dozen

// A descriptor that no dup2 below overwrites before it is read.
class HighFile {
 public:
  explicit HighFile(int file) : file_(fcntl(file, F_DUPFD_CLOEXEC, native::kTimesFd + 1)) {}
  ~HighFile() {
    if (file_ >= 0) close(file_);
  }
  HighFile(const HighFile&) = delete;
  HighFile& operator=(const HighFile&) = delete;
  int file() const { return file_; }

 private:
  const int file_;
};

absl::StatusOr<pid_t> Spawn(const NativePass& pass, const SharedMemory& result, const SharedMemory& output) {
  const HighFile operations(pass.operations.file()), results(result.file()), printed(output.file());
  const HighFile times(pass.times != nullptr ? pass.times->file() : result.file());
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  const absl::Cleanup destroy_files = [&] { posix_spawn_file_actions_destroy(&files); };
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  for (const auto& [from, to] : {std::pair(printed.file(), STDOUT_FILENO), std::pair(printed.file(), STDERR_FILENO),
                                 std::pair(operations.file(), native::kOperationsFd),
                                 std::pair(results.file(), native::kResultFd), std::pair(times.file(), native::kTimesFd)}) {
    posix_spawn_file_actions_adddup2(&files, from, to);
  }
  posix_spawn_file_actions_addclosefrom_np(&files, native::kTimesFd + 1);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  const absl::Cleanup destroy_attributes = [&] { posix_spawnattr_destroy(&attributes); };
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<std::string> arguments = {pass.program, std::string(pass.pass), std::to_string(pass.plan.slots),
                                        std::to_string(pass.plan.peak_operation),
                                        pass.library.empty() ? std::string(native::kLibc) : pass.library};
  std::vector<std::string> environment = {"LC_ALL=C"};
  if (!pass.library.empty()) environment.push_back("LD_PRELOAD=" + pass.library);
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (std::string& text : texts) list.push_back(text.data());
    list.push_back(nullptr);
    return list;
  };
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, pass.program.c_str(), &files, &attributes, pointers(arguments).data(), pointers(environment).data());
  if (error != 0) return absl::InternalError(fmt::format("{} cannot be started: {}", pass.program, std::strerror(error)));
  return pid;
}

void Limit(pid_t pid, absl::Duration time_max) {
  const auto seconds = static_cast<rlim_t>(absl::ToInt64Seconds(absl::Ceil(time_max, absl::Seconds(1)))) + 1;
  for (const auto& [resource, most] : {std::pair{RLIMIT_CORE, rlim_t{0}},
                                       {RLIMIT_CPU, seconds},
                                       {RLIMIT_FSIZE, rlim_t{kNativeOutputBytes}},
                                       {RLIMIT_NOFILE, rlim_t{kFilesMax}}}) {
    const rlimit limit{most, most};
    prlimit(pid, resource, &limit, nullptr);
  }
}

// What the process holds and no file is behind; 0 if it is gone.
std::uint64_t HeldBytes(pid_t pid) {
  std::ifstream statm(fmt::format("/proc/{}/statm", pid));
  std::uint64_t size = 0, resident = 0, shared = 0;
  if (!(statm >> size >> resident >> shared)) return 0;
  return (resident - std::min(resident, shared)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// Whether it has ended; it stays to be reaped.
bool HasEnded(pid_t pid) {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT | WNOHANG) != 0 || info.si_pid == pid;
}

// The process and whatever it started are gone then. Returns how it ended, as wait does.
int Reap(pid_t pid) {
  kill(-pid, SIGKILL);
  int how = 0;
  while (waitpid(pid, &how, 0) < 0 && errno == EINTR) {
  }
  return how;
}

absl::Status Await(pid_t pid, const NativePass& pass, const Interrupt& interrupt) {
  const MonotonicTime deadline = MonotonicTime::Now() + pass.time_max;
  while (!HasEnded(pid)) {
    if (Interrupted(interrupt)) return absl::CancelledError("the run was cancelled");
    if (MonotonicTime::Now() > deadline) {
      return absl::AbortedError(
          fmt::format("the process did not end within {} (--native-time-max)", absl::FormatDuration(pass.time_max)));
    }
    if (HeldBytes(pid) > pass.rss_max) {
      return absl::AbortedError(
          fmt::format("the process took more than {} bytes of memory, twice what the workload asks for "
                      "and some more",
                      pass.rss_max));
    }
    absl::SleepFor(kPollInterval);
  }
  return absl::OkStatus();
}

// "": it said nothing.
std::string Said(const SharedMemory& output) {
  std::string text(output.Text());
  absl::StripAsciiWhitespace(&text);
  return text.empty() ? "" : ": " + Printable(text);
}

absl::StatusOr<native::Result> Read(const SharedMemory& memory, const NativePass& pass, absl::Duration took) {
  native::Result result = memory.As<native::Result>()[0];
  const bool whole = result.complete == native::kComplete && result.done == pass.plan.operations &&
                     result.refused <= result.done && result.ns <= static_cast<std::uint64_t>(absl::ToInt64Nanoseconds(took)) &&
                     std::find(std::begin(result.library), std::end(result.library), '\0') != std::end(result.library);
  if (!whole) return absl::AbortedError("the process ended, but its result is nonsense");
  return result;
}

}  // namespace

absl::StatusOr<native::Result> RunNativePass(const NativePass& pass, const Interrupt& interrupt) {
  absl::StatusOr<SharedMemory> result = SharedMemory::Create(sizeof(native::Result));
  absl::StatusOr<SharedMemory> output = SharedMemory::Create(kNativeOutputBytes);
  for (const auto* memory : {&result, &output}) {
    absl::Status status = memory->status();
    if (status.ok()) status = (*memory)->SealSize();
    if (!status.ok()) return status;
  }
  const MonotonicTime began = MonotonicTime::Now();
  const absl::StatusOr<pid_t> pid = Spawn(pass, *result, *output);
  if (!pid.ok()) return pid.status();
  Limit(*pid, pass.time_max);
  const absl::Status awaited = Await(*pid, pass, interrupt);
  const int how = Reap(*pid);
  if (!awaited.ok()) return absl::Status(awaited.code(), std::string(awaited.message()) + Said(*output));
  if (WIFSIGNALED(how)) {
    const std::uint64_t done = result->As<native::Result>()[0].done;
    const std::string where = done == 0 ? "" : fmt::format(" after {} operations", done);
    return absl::AbortedError(fmt::format("the process was ended by signal {} ({}){}{}", WTERMSIG(how),
                                          strsignal(WTERMSIG(how)), where, Said(*output)));
  }
  if (WEXITSTATUS(how) != 0) {
    return absl::AbortedError(fmt::format("the process ended with exit code {}{}", WEXITSTATUS(how), Said(*output)));
  }
  return Read(*result, pass, MonotonicTime::Now() - began);
}

}  // namespace alloclab::server
