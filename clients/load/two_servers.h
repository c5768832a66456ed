// A test on two servers with one PostgreSQL, skipped where that is not installed. They end with it.
#ifndef ALLOCLAB_CLIENTS_LOAD_TWO_SERVERS_H_
#define ALLOCLAB_CLIENTS_LOAD_TWO_SERVERS_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "clients/load/temporary_server.h"
#include "server/testing/postgres_server.h"

namespace alloclab::load {

class TwoServers : public testing::Test {
 protected:
  void SetUp() override {
    PostgresServer* const database = PostgresServer::Shared();
    if (database == nullptr) GTEST_SKIP() << "SKIPPED: PostgreSQL is not installed";
    setenv("ALLOCLAB_STORE", database->NewDatabase().c_str(), 1);
    const absl::Cleanup back = [] { unsetenv("ALLOCLAB_STORE"); };
    one_ = std::make_unique<TemporaryServer>();
    other_ = std::make_unique<TemporaryServer>();
  }

  std::unique_ptr<TemporaryServer> one_, other_;
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_TWO_SERVERS_H_
