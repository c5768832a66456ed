#include "clients/cli/test_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

namespace alloclab::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPatience{20'000};
constexpr milliseconds kLook{5};

std::string ReadFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

// Looks until `ready` says so or the patience ends.
template <typename Ready>
bool WaitUntil(Ready ready) {
  const auto end = steady_clock::now() + kPatience;
  while (!ready()) {
    if (steady_clock::now() > end) return false;
    std::this_thread::sleep_for(kLook);
  }
  return true;
}

void Redirect(const std::string& path, int flags, int target) {
  const int file = open(path.c_str(), flags, 0600);
  if (file < 0 || dup2(file, target) < 0) _exit(126);
}

// In the child: never returns.
[[noreturn]] void Execute(std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
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

TestFolder::TestFolder() {
  std::string name = std::filesystem::temp_directory_path() / "alloclab-test-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TestFolder::Write(const std::string& name, const std::string& content) const {
  std::ofstream(path_ / name, std::ios::binary) << content;
  return path_ / name;
}

Process::Process(const TestFolder& folder, std::vector<std::string> arguments, std::vector<std::string> environment,
                 const std::string& standard_input) {
  static std::atomic<int> count{0};
  const std::string stem = "process-" + std::to_string(++count);
  out_path_ = folder.path() / (stem + ".out");
  err_path_ = folder.path() / (stem + ".err");
  const std::string in_path = folder.Write(stem + ".in", standard_input);
  pid_ = fork();
  if (pid_ != 0) return;
  Redirect(in_path, O_RDONLY, STDIN_FILENO);
  Redirect(out_path_, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
  Redirect(err_path_, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
  Execute(arguments, environment);
}

Process::~Process() {
  if (pid_ <= 0) return;
  Signal(SIGTERM);
  Wait();
}

void Process::Signal(int signal) const { kill(pid_, signal); }

bool Process::WaitForError(const std::string& text) const {
  return WaitUntil([&] { return ReadFile(err_path_).find(text) != std::string::npos; });
}

ProcessResult Process::Wait() {
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return {.exit_code = code, .out = ReadFile(out_path_), .err = ReadFile(err_path_)};
}

TestServer::TestServer()
    : process_(folder_,
               {std::string(ALLOCLAB_BINARY_DIR) + "/bin/alloclabd", "--listen", "127.0.0.1:0", "--page-listen", "",
                "--metrics-listen", "", "--data-dir", folder_.path() / "data", "--address-file", folder_.path() / "address"}) {
  if (!WaitUntil([&] { return std::filesystem::exists(folder_.path() / "address"); })) {
    process_.Signal(SIGTERM);
    failure_ = "alloclabd does not listen: " + process_.Wait().err;
    return;
  }
  std::ifstream file(folder_.path() / "address");
  std::string kind;
  file >> kind >> address_;
}

}  // namespace alloclab::client
