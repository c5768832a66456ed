// A test on an empty database of PostgreSQL, skipped where that is not installed.
#ifndef ALLOCLAB_SERVER_TESTING_POSTGRES_TEST_H_
#define ALLOCLAB_SERVER_TESTING_POSTGRES_TEST_H_

#include <gtest/gtest.h>

#include <string>

#include "server/log.h"
#include "server/testing/postgres_server.h"

namespace alloclab::server {

class PostgresTest : public testing::Test {
 protected:
  void SetUp() override {
    ConfigureLog(LogFormat::kText, LogLevel::kError);
    server_ = PostgresServer::Shared();
    if (server_ == nullptr) GTEST_SKIP() << "SKIPPED: PostgreSQL is not installed";
    url_ = server_->NewDatabase();
  }

  PostgresServer* server_ = nullptr;
  std::string url_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_TESTING_POSTGRES_TEST_H_
