// A real server that ada and bob share, both by tokens of role user.
#ifndef ALLOCLAB_SERVER_TESTING_OWNERS_FIXTURE_H_
#define ALLOCLAB_SERVER_TESTING_OWNERS_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/access/token_file.h"
#include "server/testing/http_client.h"
#include "server/testing/test_server.h"

namespace alloclab::server {

class Owners : public testing::Test {
 protected:
  static constexpr std::uint32_t kConnectionsOfOne = 3;
  static constexpr std::uint32_t kRunThreads = 2;
  static constexpr std::uint32_t kHandlesOfAll = 1 << 20, kMemoryOfAll = 1u << 30;

  static std::string MakeUser(const std::string& data_dir, const std::string& name) {
    const auto secret = CreateToken(data_dir, {.name = name, .role = Role::kUser, .created = absl::Now(), .digest = {}});
    EXPECT_TRUE(secret.ok()) << secret.status();
    return "Bearer " + secret.value_or("");
  }
  // What `call` of a context comes to with that token.
  template <class Call>
  static grpc::Status As(const std::string& user, const Call& call) {
    return With([&](grpc::ClientContext& context) {
      context.AddMetadata("authorization", user);
      return call(context);
    });
  }
  v1::Run Submit(const std::string& user, const v1::SubmitRunRequest& request) {
    v1::Run run;
    const grpc::Status status = As(user, [&](auto& context) { return server_->runs->SubmitRun(&context, request, &run); });
    EXPECT_TRUE(status.ok()) << status.error_message();
    return run;
  }
  grpc::Status Create(const std::string& user, const v1::CreateInstanceRequest& request, v1::Instance& made) {
    return As(user, [&](auto& context) { return server_->lab->CreateInstance(&context, request, &made); });
  }
  int Post(const std::string& user, const std::string& target) {
    const std::string& host = server_.server().web_address();
    return Exchange(host, absl::StrCat("POST ", target, " HTTP/1.1\r\nHost: ", host, "\r\nOrigin: http://", host,
                                       "\r\nAuthorization: ", user, "\r\n\r\n"))
        .status;
  }

  std::string data_dir_, ada_, bob_;
  TestServer server_{[this](ServerOptions& options) {
    options.web_listen = "127.0.0.1:0";
    options.owner_connections_max = kConnectionsOfOne;
    options.run_threads = kRunThreads;
    options.handles_max = kHandlesOfAll;
    options.memory_max = kMemoryOfAll;
    data_dir_ = options.data_dir;
    ada_ = MakeUser(options.data_dir, "ada");
    bob_ = MakeUser(options.data_dir, "bob");
  }};
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_TESTING_OWNERS_FIXTURE_H_
