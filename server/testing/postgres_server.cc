#include "server/testing/postgres_server.h"

#include <fmt/format.h>
#include <postgresql/libpq-fe.h>
#include <pwd.h>
#include <unistd.h>

#include <utility>

#include "absl/time/clock.h"
#include "allocators/common/check.h"

namespace alloclab {
namespace {

constexpr const char* kVersions = "/usr/lib/postgresql";  // where Debian has them, newest last

std::filesystem::path FindPrograms() {
  std::filesystem::path newest;
  std::error_code none;
  for (const auto& version : std::filesystem::directory_iterator(kVersions, none)) {
    if (std::filesystem::exists(version.path() / "bin" / "initdb")) newest = std::max(newest, version.path() / "bin");
  }
  return newest;
}

bool Answers(const std::string& url) { return PQping(url.c_str()) == PQPING_OK; }

}  // namespace

PostgresServer* PostgresServer::Shared() {
  static const std::unique_ptr<PostgresServer> shared = []() -> std::unique_ptr<PostgresServer> {
    const std::filesystem::path programs = FindPrograms();
    if (programs.empty()) return nullptr;
    std::vector<std::string> as_user;
    if (geteuid() == 0) {
      if (getpwnam("postgres") == nullptr) return nullptr;
      as_user = {"/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=KILL"};
    }
    return std::unique_ptr<PostgresServer>(new PostgresServer(programs, as_user));
  }();
  return shared.get();
}

PostgresServer::PostgresServer(std::filesystem::path programs, std::vector<std::string> as_user)
    : programs_(std::move(programs)), as_user_(std::move(as_user)) {
  if (!as_user_.empty()) {
    const passwd* const user = getpwnam("postgres");
    ALLOCLAB_CHECK_EQ(chown(directory_.path().c_str(), user->pw_uid, user->pw_gid), 0);
  }
  Process made(Command("initdb", {"--pgdata", directory_.path() / "data", "--username=alloclab", "--auth=trust", "--no-sync",
                                  "--no-locale", "--encoding=UTF8"}));
  const int code = made.Wait();
  if (code != 0) fmt::print(stderr, "{}{}", made.out(), made.err());
  ALLOCLAB_CHECK_EQ(code, 0);
  Start();
}

std::vector<std::string> PostgresServer::Command(const char* program, const std::vector<std::string>& arguments) const {
  std::vector<std::string> command = as_user_;
  command.push_back(programs_ / program);
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

std::string PostgresServer::UrlOf(const std::string& database) const {
  std::string host;
  for (const char letter : directory_.path().string()) host += letter == '/' ? "%2F" : std::string(1, letter);
  return fmt::format("postgresql://alloclab@{}/{}", host, database);
}

// fsync=off: what the kernel has outlives the process, and no test takes power away from the machine.
void PostgresServer::Start() {
  process_ = std::make_unique<Process>(Command(
      "postgres", {"-D", directory_.path() / "data", "-k", directory_.path(), "-c", "listen_addresses=", "-c", "fsync=off"}));
  for (int i = 0; i < 600 && !Answers(UrlOf("postgres")); ++i) {
    if (process_->HasEnded()) fmt::print(stderr, "{}", process_->err());
    ALLOCLAB_CHECK(!process_->HasEnded());
    absl::SleepFor(absl::Milliseconds(50));
  }
  ALLOCLAB_CHECK(Answers(UrlOf("postgres")));
}

void PostgresServer::Stop(int signal) {
  process_->Signal(signal);
  process_->Wait();
  process_.reset();
}

std::string PostgresServer::NewDatabase() {
  const std::string name = fmt::format("lab{}", ++databases_);
  PGconn* const connection = PQconnectdb(UrlOf("postgres").c_str());
  PGresult* const result = PQexec(connection, fmt::format("CREATE DATABASE {}", name).c_str());
  ALLOCLAB_CHECK_EQ(std::string(PQerrorMessage(connection)), "");
  PQclear(result);
  PQfinish(connection);
  return UrlOf(name);
}

}  // namespace alloclab
