#include "clients/cli/subprocess.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

extern char** environ;

namespace alloclab::client {
namespace {

using Clock = std::chrono::steady_clock;

// Keeps what the process writes until it closes its streams; false: it has not until the deadline.
bool Collect(int stream, Clock::time_point deadline, std::string& output) {
  std::array<char, 1 << 14> buffer;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd waiting{.fd = stream, .events = POLLIN, .revents = 0};
    const int ready = poll(&waiting, 1, static_cast<int>(left));
    if (ready < 0 && errno != EINTR) return true;
    if (ready <= 0) continue;
    const ssize_t got = read(stream, buffer.data(), buffer.size());
    if (got == 0 || (got < 0 && errno != EINTR)) return true;
    if (got < 0) continue;
    const std::size_t room = Subprocess::kOutputBytesMax - output.size();
    output.append(buffer.data(), std::min(room, static_cast<std::size_t>(got)));
  }
}

}  // namespace

absl::StatusOr<Subprocess> RunSubprocess(const std::vector<std::string>& arguments) {
  // The shell bounds what it may use: processor time, and the size of a file.
  std::vector<std::string> words = {
      "/bin/sh", "-c", fmt::format("ulimit -t {}; ulimit -f 1000000; exec \"$@\" </dev/null", Subprocess::kCpuSecondsMax),
      "sh"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  std::array<int, 2> pipe_ends;
  if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return absl::InternalError(fmt::format("pipe: {}", std::strerror(errno)));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // to be killed with all its children
  pid_t pid = 0;
  const int error = posix_spawn(&pid, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_ends[1]);
  if (error != 0) {
    close(pipe_ends[0]);
    return absl::InternalError(fmt::format("{}: {}", arguments.front(), std::strerror(error)));
  }
  Subprocess ended;
  const bool in_time = Collect(pipe_ends[0], Clock::now() + std::chrono::seconds(Subprocess::kSecondsMax), ended.output);
  if (!in_time) kill(-pid, SIGKILL);
  close(pipe_ends[0]);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) {
    return absl::DeadlineExceededError(
        fmt::format("{}: not at its end after {} s", arguments.front(), Subprocess::kSecondsMax));
  }
  ended.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended;
}

}  // namespace alloclab::client
