#include "server/testing/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

namespace alloclab {
namespace {

std::string ReadFile(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void Redirect(const std::string& path, int flags, int target) {
  const int file = open(path.c_str(), flags, 0600);
  if (file < 0 || dup2(file, target) < 0) _exit(126);
}

// In the child: never returns.
[[noreturn]] void Execute(std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const char* inherited : {"ALLOCLAB_SERVER", "NO_COLOR", "COLUMNS"}) unsetenv(inherited);
  for (const std::string& variable : environment) {
    const std::size_t equals = variable.find('=');
    setenv(variable.substr(0, equals).c_str(), variable.substr(equals + 1).c_str(), 1);
  }
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  execv(pointers[0], pointers.data());
  _exit(127);
}

}  // namespace

Process::Process(std::vector<std::string> arguments, const std::vector<std::string>& environment,
                 const std::string& standard_input) {
  const std::string in = directory_.Write("in", standard_input);
  const std::string out = directory_.Write("out", ""), err = directory_.Write("err", "");
  pid_ = fork();
  if (pid_ != 0) return;
  Redirect(in, O_RDONLY, STDIN_FILENO);
  Redirect(out, O_WRONLY, STDOUT_FILENO);
  Redirect(err, O_WRONLY, STDERR_FILENO);
  Execute(arguments, environment);
}

Process::~Process() {
  if (pid_ <= 0) return;
  Signal(SIGKILL);
  Wait();
}

void Process::Signal(int signal) const {
  if (pid_ > 0) kill(pid_, signal);
}

int Process::Wait() {
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool Process::HasEnded() {
  if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ <= 0;
}

std::string Process::out() const { return ReadFile(directory_.path() / "out"); }
std::string Process::err() const { return ReadFile(directory_.path() / "err"); }

}  // namespace alloclab
