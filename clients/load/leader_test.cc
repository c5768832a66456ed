// A leader among hostile joiners.
#include "clients/load/leader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "alloclab/v1/generators.grpc.pb.h"
#include "clients/common/text_file.h"
#include "clients/common/version.h"
#include "clients/load/generators_testing.h"
#include "server/access/certificates.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::load {
namespace {

using ::testing::HasSubstr;

// A generator that speaks for itself.
class Speaker {
 public:
  // Each by a connection of its own.
  explicit Speaker(const std::string& leader)
      : connection_({.server = leader, .timeout = std::chrono::seconds(60), .wait = {}}, ++speakers) {
    stub_ = v1::Generators::NewStub(connection_.channel());
    context_ = connection_.MakeContext();
    stream_ = stub_->Join(context_.get());
  }
  ~Speaker() { context_->TryCancel(); }

  Speaker& Say(const std::function<void(v1::GeneratorSays&)>& what) {
    v1::GeneratorSays says;
    what(says);
    stream_->Write(says);
    return *this;
  }
  Speaker& SayHello(const std::string& version = client::Version(), const std::string& name = "host/1") {
    return Say([&](auto& says) {
      says.mutable_hello()->set_version(version);
      says.mutable_hello()->set_name(name);
    });
  }
  Speaker& Hear(int messages) {
    v1::LeaderSays says;
    for (int i = 0; i < messages; ++i) EXPECT_TRUE(stream_->Read(&says));
    return *this;
  }
  // After plan, trace and 16 questions: the word to begin.
  Speaker& Begin() {
    SayHello().Hear(2).Say([](auto& says) { says.mutable_ready()->set_server("here"); });
    for (int i = 0; i < 16; ++i) Hear(1).Say([](auto& says) { says.mutable_clock()->set_now_ns(Now().count()); });
    return Hear(1);
  }
  // How the leader ends it.
  grpc::Status End() {
    v1::LeaderSays says;
    while (stream_->Read(&says)) {
    }
    return stream_->Finish();
  }

 private:
  static inline int speakers = 0;

  const client::Connection connection_;
  std::unique_ptr<v1::Generators::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::GeneratorSays, v1::LeaderSays>> stream_;
};

// What a port with TLS says to a call with these credentials and token: OK if it answers a hello.
grpc::StatusCode Knock(const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                       const std::string& token) {
  const auto stub = v1::Generators::NewStub(grpc::CreateChannel(address, credentials));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  context.AddMetadata("authorization", "Bearer " + token);
  const auto stream = stub->Join(&context);
  v1::GeneratorSays hello;
  hello.mutable_hello()->set_version(client::Version());
  hello.mutable_hello()->set_name("host/1");
  stream->Write(hello);
  v1::LeaderSays says;
  if (stream->Read(&says)) {
    context.TryCancel();
    return grpc::StatusCode::OK;
  }
  return stream->Finish().error_code();
}

TEST(LeaderPort, OpenToOtherHostsItAsksForCertificateAndToken) {
  const TemporaryDirectory directory;
  const std::string folder = directory.path() / "tls";
  ASSERT_TRUE(server::MakeCertificates(
                  {.directory = folder, .hosts = {"127.0.0.1"}, .from = absl::Now() - absl::Hours(1), .life = absl::Hours(24)})
                  .ok());
  const auto file = [&](const char* name) { return folder + "/" + name; };
  LeaderPort port{.listen = "*:0", .tls_cert = file("server.pem"), .tls_key = file("server.key"), .token = "right"};
  v1::LoadPlan plan;
  plan.mutable_config()->set_generators(2);
  const auto listen = [&] { return Leader::Listen(port, plan, "", [](std::string_view) {}); };
  const auto address = [](const Leader& leader) { return "127.0.0.1" + leader.address().substr(leader.address().rfind(':')); };
  grpc::SslCredentialsOptions trusting;
  trusting.pem_root_certs = *client::ReadTextFile(file("ca.pem"));
  {
    const auto leader = listen();
    ASSERT_TRUE(leader.ok()) << leader.status();
    EXPECT_EQ(Knock(address(**leader), grpc::InsecureChannelCredentials(), "right"), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(Knock(address(**leader), grpc::SslCredentials(trusting), "wrong"), grpc::StatusCode::UNAUTHENTICATED);
    EXPECT_EQ(Knock(address(**leader), grpc::SslCredentials(trusting), "right"), grpc::StatusCode::OK);
  }
  port.token.clear();
  EXPECT_THAT(std::string(listen().status().message()), HasSubstr("*:0 is reachable from other hosts, without a token"));
  port.client_ca = file("ca.pem");
  const auto leader = listen();
  ASSERT_TRUE(leader.ok()) << leader.status();
  EXPECT_EQ(Knock(address(**leader), grpc::SslCredentials(trusting), ""), grpc::StatusCode::UNAVAILABLE);
  trusting.pem_cert_chain = *client::ReadTextFile(file("client.pem"));
  trusting.pem_private_key = *client::ReadTextFile(file("client.key"));
  EXPECT_EQ(Knock(address(**leader), grpc::SslCredentials(trusting), ""), grpc::StatusCode::OK);
}

class HostileJoin : public testing::Test {
 protected:
  static Words Load() {
    return {"steady-state", "--generators", "2", "--connections", "2", "--operations", "1k", "-o", "json"};
  }
};

TEST_F(HostileJoin, WhoDoesNotFitIsTurnedAwayAndTheLoadGoesOn) {
  LeaderProgram leader(Load());
  const std::string address = leader.Address();
  const auto end = [&](const std::function<void(Speaker&)>& speak) {
    Speaker speaker(address);
    speak(speaker);
    return speaker.End();
  };
  const grpc::Status version = end([](Speaker& s) { s.SayHello("0.0.1"); });
  EXPECT_EQ(version.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(version.error_message(), HasSubstr("the generator is alloclab 0.0.1, the leader"));
  for (const std::string& name : {std::string(), std::string("a\x1b[31m"), std::string(65, 'a'), std::string("ü")}) {
    EXPECT_THAT(end([&](Speaker& s) { s.SayHello(client::Version(), name); }).error_message(), HasSubstr("name: expected"));
  }
  EXPECT_EQ(end([](Speaker& s) { s.Say([](auto&) {}); }).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(end([](Speaker& s) { s.Say([](auto& says) { says.mutable_part(); }); }).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(
      end([](Speaker& s) {
        s.SayHello().Hear(2).Say([](auto& says) { says.mutable_part()->mutable_error()->set_message("\x1b[2J no server"); });
      }).error_message(),
      "\\x1b[2J no server");
  EXPECT_EQ(end([](Speaker& s) {
              s.SayHello().Hear(2).Say([](auto& says) { says.mutable_ready()->set_server(std::string(5000, 'x')); });
            }).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(end([](Speaker& s) {
              s.Say([](auto& says) { says.mutable_hello()->set_name(std::string(9 << 20, 'x')); });
            }).error_code(),
            grpc::StatusCode::OK);
  EXPECT_EQ(leader.err().find('\x1b'), std::string::npos);
  {
    Speaker there(address);
    there.SayHello().Hear(2);
    const grpc::Status full = end([](Speaker& s) { s.SayHello(); });
    EXPECT_EQ(full.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_THAT(full.error_message(), HasSubstr("all 2 generators are there already"));
  }
  ASSERT_TRUE(leader.Says("is gone again: it left"));
  Generator joined({"--join", address});
  EXPECT_EQ(joined.Wait(), 0) << joined.err();
  EXPECT_EQ(leader.Wait(), 0) << leader.err();
  EXPECT_EQ(ReportOf(leader).operations(), 1'000u);
}

TEST_F(HostileJoin, SilenceIsNoWayToHoldUpALoad) {
  LeaderProgram leader(Load());
  Speaker silent(leader.Address());
  EXPECT_EQ(silent.End().error_code(), grpc::StatusCode::CANCELLED);  // after kSilenceMax
  leader.Signal(SIGINT);
  EXPECT_EQ(leader.Wait(), 130);
}

TEST_F(HostileJoin, LiesEndTheLoadAndOnlyThat) {
  const std::pair<std::function<void(v1::GeneratorSays&)>, const char*> lies[] = {
      {[](auto& says) { says.mutable_hello(); }, "expected how it gets on"},
      {[](auto& says) { says.mutable_state()->mutable_counts()->add_answered(1); }, "answered: 1 counts"},
      {[](auto& says) { says.mutable_part()->mutable_measured()->set_scheduled(~0ull); }, "scheduled: "},
      {[](auto& says) { says.mutable_part()->set_began_ns(-1); }, "a clock at -1 ns"},
      {[](auto& says) { says.mutable_part()->set_elapsed_ns(~0ull); }, "that no load reaches"},
      {[](auto& says) { says.mutable_part()->add_instances()->set_name("another"); }, "instances: expected those of its share"},
      {[](auto& says) { says.mutable_part()->mutable_error()->set_message(std::string(5000, 'x')); },
       "error.message: 5000 bytes"},
  };
  for (const auto& [lie, says] : lies) {
    LeaderProgram leader(Load());
    Speaker liar(leader.Address());
    liar.Begin().Say(lie);
    EXPECT_EQ(liar.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT) << says;
    EXPECT_EQ(leader.Wait(), 1);
    EXPECT_THAT(leader.err(), HasSubstr(says));
    const v1::LoadReport report = ReportOf(leader);
    EXPECT_LE(report.operations(), 500u) << "the leader's own";
    EXPECT_TRUE(report.generators(1).lost());
  }
}

TEST_F(HostileJoin, WhoComesLateIsTooLate) {
  LeaderProgram leader({"steady-state", "--generators", "2", "--connections", "2", "--rate", "2k", "--repeat", "forever"});
  const std::string address = leader.Address();
  Generator joined({"--join", address});
  ASSERT_TRUE(AreBusy(2)) << joined.err();
  Generator late({"--join", address});
  EXPECT_EQ(late.Wait(), 1);
  EXPECT_THAT(late.err(), HasSubstr("the load has begun without it"));
  leader.Signal(SIGINT);
  EXPECT_EQ(leader.Wait(), 130);
  EXPECT_EQ(joined.Wait(), 0);
}

}  // namespace
}  // namespace alloclab::load
