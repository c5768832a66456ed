// A test on two servers with one PostgreSQL, skipped where that is not installed. They end with it.
#ifndef ALLOCLAB_CLIENTS_LOAD_TWO_SERVERS_H_
#define ALLOCLAB_CLIENTS_LOAD_TWO_SERVERS_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include "clients/load/temporary_server.h"
#include "server/testing/postgres_server.h"

namespace alloclab::load {

class TwoServers : public testing::Test {
 protected:
  void SetUp() override {
    PostgresServer* const database = PostgresServer::Shared();
    if (database == nullptr) GTEST_SKIP() << "SKIPPED: PostgreSQL is not installed";
    variables_["ALLOCLAB_STORE"] = database->NewDatabase();
    one_ = Join();
    other_ = Join();
  }

  // One more, with these options beside those of all, or instead.
  std::unique_ptr<TemporaryServer> Join(std::map<std::string, std::string> variables = {}) const {
    variables.insert(variables_.begin(), variables_.end());
    for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
    auto server = std::make_unique<TemporaryServer>();
    for (const auto& [name, value] : variables) unsetenv(name.c_str());
    return server;
  }

  std::map<std::string, std::string> variables_;  // options of all: ALLOCLAB_TLS_CERT and its value
  std::unique_ptr<TemporaryServer> one_, other_;
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_TWO_SERVERS_H_
