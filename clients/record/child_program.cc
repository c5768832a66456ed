#include "clients/record/child_program.h"

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include "recorder/layout.h"

namespace alloclab::client {
namespace {

constexpr int kSignals[] = {SIGINT, SIGQUIT, SIGTERM};
std::atomic<pid_t> g_child{0};  // 0: it has ended
std::atomic<bool> g_leave{false};

void OnSignal(int signal) {
  const pid_t child = g_child;
  if (child == 0) {
    g_leave = true;
  } else if (signal == SIGTERM) {
    kill(child, SIGTERM);
  }
}

struct sigaction g_before[3];

// The environment of the program.
std::vector<std::string> Environment(const std::string& library, const std::string& file) {
  constexpr std::string_view kPreload = "LD_PRELOAD=";
  const std::string variable = fmt::format("{}=", recorder::kFileVariable);
  std::vector<std::string> environment;
  std::string preload = library;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.starts_with(kPreload)) {
      if (text.size() > kPreload.size()) preload = fmt::format("{}:{}", preload, text.substr(kPreload.size()));
    } else if (!text.starts_with(variable)) {
      environment.emplace_back(text);
    }
  }
  environment.push_back(fmt::format("{}{}", kPreload, preload));
  environment.push_back(variable + file);
  return environment;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

ChildProgram::ChildProgram(pid_t pid, std::string variable) : pid_(pid), variable_(std::move(variable)) {
  g_child = pid;
  g_leave = false;
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &action, &g_before[i]);
}

ChildProgram::~ChildProgram() {
  g_child = 0;
  for (std::size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &g_before[i], nullptr);
}

absl::StatusOr<std::unique_ptr<ChildProgram>> ChildProgram::Start(const std::vector<std::string>& command,
                                                                  const std::string& library, const std::string& file) {
  if (access(library.c_str(), R_OK) != 0) {
    return absl::NotFoundError(fmt::format("{}: {}; expected the recorder's library", library, std::strerror(errno)));
  }
  std::vector<std::string> arguments = command, variables = Environment(library, file);
  pid_t pid = 0;
  const int error =
      posix_spawnp(&pid, command[0].c_str(), nullptr, nullptr, Pointers(arguments).data(), Pointers(variables).data());
  if (error != 0) return absl::NotFoundError(fmt::format("{}: {}", command[0], std::strerror(error)));
  return std::unique_ptr<ChildProgram>(new ChildProgram(pid, variables.back()));
}

std::optional<int> ChildProgram::ExitStatus() {
  int status = 0;
  if (!exit_status_ && waitpid(pid_, &status, WNOHANG) == pid_) {
    g_child = 0;
    exit_status_ = status;
  }
  return exit_status_;
}

// The kernel lists processes by their numbers, so that a child is seen behind its parent.
bool ChildProgram::HasNoOthers() const {
  std::error_code error;
  std::filesystem::directory_iterator process("/proc", error);
  for (; !error && process != std::filesystem::directory_iterator(); process.increment(error)) {
    std::ifstream file(process->path() / "environ", std::ios::binary);
    const std::string environment(std::istreambuf_iterator<char>(file), {});
    if (environment.find(variable_) != environment.npos) return false;
  }
  return !error;
}

bool ChildProgram::LeaveOthers() const { return g_leave; }

}  // namespace alloclab::client
