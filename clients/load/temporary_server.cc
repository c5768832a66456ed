#include "clients/load/temporary_server.h"

#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace alloclab::load {
namespace {

constexpr int kTries = 3'000;
constexpr std::chrono::milliseconds kPause{10};

// The line "grpc HOST:PORT" of the file; empty if it is not there yet.
std::string ReadAddress(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string word, address;
  while (file >> word >> address) {
    if (word == "grpc") return address;
  }
  return "";
}

}  // namespace

TemporaryServer::TemporaryServer(const std::string& listen)
    : process_({ALLOCLABD, "--listen", listen, "--web-listen", "", "--metrics-listen", "", "--data-dir",
                folder_.path() / "data", "--log-level", "warning", "--address-file", folder_.path() / "addresses"}) {
  for (int tries = 0; tries < kTries && !process_.HasEnded(); ++tries) {
    address_ = ReadAddress(folder_.path() / "addresses");
    if (!address_.empty()) return;
    std::this_thread::sleep_for(kPause);
  }
  fmt::print(stderr, "alloclabd does not serve: {}\n", process_.err());
  std::abort();
}

void TemporaryServer::Kill() {
  process_.Signal(SIGKILL);
  process_.Wait();
}

}  // namespace alloclab::load
