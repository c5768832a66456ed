#include "clients/load/temporary_server.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace alloclab::load {
namespace {

[[noreturn]] void Fail(const std::string& why) {
  fmt::print(stderr, "alloclabd: {}\n", why);
  std::abort();
}

// As a child that dies with the thread that started it, however that ends.
pid_t Spawn(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t pid = fork();
  if (pid < 0) Fail("cannot fork");
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  execv(ALLOCLABD, arguments.data());
  _exit(127);
}

// The line "grpc HOST:PORT" of the file; empty if it is not there yet.
std::string ReadAddress(const std::string& path) {
  std::ifstream file(path);
  std::string word, address;
  while (file >> word >> address) {
    if (word == "grpc") return address;
  }
  return "";
}

}  // namespace

TemporaryServer::TemporaryServer(const std::string& listen) {
  std::string folder = std::filesystem::temp_directory_path() / "alloclab-load-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) Fail("cannot make " + folder);
  folder_ = folder;
  const std::string address_file = folder_ + "/addresses";
  pid_ = Spawn({"alloclabd", "--listen", listen, "--page-listen", "", "--metrics-listen", "", "--data-dir", folder_ + "/data",
                "--log-level", "warning", "--address-file", address_file});
  for (int tries = 0; tries < 3'000; ++tries) {
    address_ = ReadAddress(address_file);
    if (!address_.empty()) return;
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) Fail("ended at once");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  Fail("did not come up within 30 s");
}

TemporaryServer::~TemporaryServer() {
  Kill();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void TemporaryServer::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace alloclab::load
