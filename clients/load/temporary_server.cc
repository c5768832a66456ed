#include "clients/load/temporary_server.h"

#include <fmt/format.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "server/testing/eventually.h"

namespace alloclab::load {
namespace {

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
                directory_.path() / "data", "--log-level", "warning", "--address-file", directory_.path() / "addresses"}) {
  const bool known = Eventually([this] {
    address_ = ReadAddress(directory_.path() / "addresses");
    return !address_.empty() || process_.HasEnded();
  });
  if (known && !address_.empty()) return;
  fmt::print(stderr, "alloclabd does not serve: {}\n", process_.err());
  std::abort();
}

void TemporaryServer::Kill() {
  process_.Signal(SIGKILL);
  process_.Wait();
}

}  // namespace alloclab::load
