// A real server with its web page, and how its tests ask it.
#ifndef ALLOCLAB_SERVER_TESTING_WEB_SERVER_FIXTURE_H_
#define ALLOCLAB_SERVER_TESTING_WEB_SERVER_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "server/testing/http_client.h"
#include "server/testing/test_server.h"

namespace alloclab::server {

class WebServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<TestServer>([](ServerOptions& options) {
      options.web_listen = "127.0.0.1:0";
      options.prometheus_url = "http://127.0.0.1:7414";
    });
  }
  static void TearDownTestSuite() { server_ = nullptr; }

  static TestServer& server() { return *server_; }
  static RawResponse Ask(const std::string& target) { return Get(server_->server().web_address(), target); }

  static RawResponse Post(const std::string& target, const std::string& headers = "", const std::string& body = "") {
    const std::string address = server().server().web_address();
    return Exchange(address, absl::StrCat("POST ", target, " HTTP/1.1\r\nHost: ", address, "\r\nOrigin: http://", address,
                                          "\r\n", headers, "\r\n", body));
  }

  // The answer as the message that web.proto promises; unknown fields and bad JSON fail the test.
  template <class Message>
  static Message Read(const std::string& target) {
    const RawResponse response = Ask(target);
    EXPECT_EQ(response.status, 200) << target << ": " << response.body;
    Message message;
    const auto status = google::protobuf::util::JsonStringToMessage(response.body, &message);
    EXPECT_TRUE(status.ok()) << target << ": " << std::string(status.message());
    return message;
  }

  static std::uint32_t Malloc(const std::string& instance, std::uint32_t bytes) {
    v1::MallocRequest request;
    request.set_instance(instance);
    request.set_bytes(bytes);
    v1::OperationReply reply;
    grpc::ClientContext context;
    EXPECT_TRUE(server()->heap->Malloc(&context, request, &reply).ok());
    return reply.address();
  }

  static std::uint64_t Submit(const std::string& engine, std::uint64_t operations) {
    v1::SubmitRunRequest request;
    request.mutable_workload()->mutable_builtin()->set_name("steady-state");
    request.mutable_workload()->mutable_builtin()->set_operations(operations);
    request.mutable_config()->mutable_parameters()->insert({"heap.engine", engine});
    v1::Run run;
    grpc::ClientContext context;
    const grpc::Status status = server()->runs->SubmitRun(&context, request, &run);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return run.id();
  }

 private:
  static inline std::unique_ptr<TestServer> server_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_TESTING_WEB_SERVER_FIXTURE_H_
