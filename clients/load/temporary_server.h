// A real server for tests and benchmarks: the program alloclabd as a process of its own, on a free port and a fresh data
// folder.
#ifndef ALLOCLAB_CLIENTS_LOAD_TEMPORARY_SERVER_H_
#define ALLOCLAB_CLIENTS_LOAD_TEMPORARY_SERVER_H_

#include <string>

#include "server/testing/process.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::load {

class TemporaryServer {
 public:
  // Serving when it returns; ends the test program with what alloclabd said if it does not come up. `listen` as of --listen.
  explicit TemporaryServer(const std::string& listen = "127.0.0.1:0");

  const std::string& address() const { return address_; }  // of gRPC, HOST:PORT
  std::string data_dir() const { return directory_.path() / "data"; }
  void Kill();  // as a crash would, with SIGKILL

 private:
  TemporaryDirectory directory_;
  std::string address_;
  Process process_;
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_TEMPORARY_SERVER_H_
