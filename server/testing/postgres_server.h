// Debian's PostgreSQL, run by a test on a folder of its own and reached by a Unix socket in it alone. One for all tests of a
// program, started by the first that asks.
#ifndef ALLOCLAB_SERVER_TESTING_POSTGRES_SERVER_H_
#define ALLOCLAB_SERVER_TESTING_POSTGRES_SERVER_H_

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "server/testing/process.h"
#include "server/testing/temporary_directory.h"

namespace alloclab {

class PostgresServer {
 public:
  // Null: Debian's package postgresql is not installed.
  static PostgresServer* Shared();

  // The URL of an empty database.
  std::string NewDatabase();

  void Start();           // which must succeed
  void Stop(int signal);  // SIGINT: connections end; SIGQUIT: at once, as if the machine had died

 private:
  PostgresServer(std::filesystem::path programs, std::vector<std::string> as_user);
  std::vector<std::string> Command(const char* program, const std::vector<std::string>& arguments) const;
  std::string UrlOf(const std::string& database) const;

  const std::filesystem::path programs_;
  const std::vector<std::string> as_user_;  // PostgreSQL refuses to be root
  const TemporaryDirectory directory_;
  std::unique_ptr<Process> process_;
  int databases_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_SERVER_TESTING_POSTGRES_SERVER_H_
