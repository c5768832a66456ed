// The server of HTTP by TLS, against OpenSSL's own client over real connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/access/certificates.h"
#include "server/http/http_server.h"
#include "server/testing/eventually.h"
#include "server/testing/http_client.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kLargeBytes = 3u << 20;  // more than the kernel takes at once

// A client whose every step is a test's.
class TlsClient {
 public:
  struct Credentials {
    std::string authority, certificate, key;  // files; empty: believes everybody, shows nothing
    int version_max = 0;                      // 0: the newest
  };
  TlsClient(const std::string& address, const Credentials& credentials) : connection_(address) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_max_proto_version(context_.get(), credentials.version_max);
    SSL_CTX_set_security_level(context_.get(), 0);  // so that old versions are offered at all
    if (!credentials.authority.empty()) {
      SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
      SSL_CTX_load_verify_locations(context_.get(), credentials.authority.c_str(), nullptr);
    }
    if (!credentials.certificate.empty()) {
      SSL_CTX_use_certificate_chain_file(context_.get(), credentials.certificate.c_str());
      SSL_CTX_use_PrivateKey_file(context_.get(), credentials.key.c_str(), SSL_FILETYPE_PEM);
    }
    session_.reset(SSL_new(context_.get()));
    SSL_set_fd(session_.get(), connection_.descriptor());
  }
  SSL* session() { return session_.get(); }
  bool Connect() { return SSL_connect(session_.get()) == 1; }
  bool Send(absl::string_view bytes) {
    return SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
  }
  std::string ReceiveSome() {
    std::array<char, 16384> buffer;
    const int got = SSL_read(session_.get(), buffer.data(), buffer.size());
    return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : "";
  }
  // Until the server ends.
  std::string ReceiveAll() {
    std::string all;
    for (std::string some = ReceiveSome(); !some.empty(); some = ReceiveSome()) all += some;
    return all;
  }
  // Whether the end was said, not only the connection cut.
  bool ended_well() const { return (SSL_get_shutdown(session_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

 private:
  Connection connection_;
  std::unique_ptr<SSL_CTX, FreeTls> context_;
  TlsSession session_;
};

// Pieces until there were `count`.
class Pieces final : public HttpStream {
 public:
  explicit Pieces(int count) : left_(count) {}
  std::optional<std::string> Next() override {
    if (left_ == 0) return std::nullopt;
    return absl::StrCat("piece ", left_--, ";");
  }
  bool Hurries() const override { return false; }

 private:
  int left_;
};

HttpResponse AnswerOfTest(const HttpRequest& request) {
  HttpResponse response{.status = 200, .type = "text/plain", .body = "here", .etag = {}, .set_cookie = "a=b; HttpOnly"};
  const std::string what = request.path.empty() ? "" : request.path.front();
  if (what == "large") response.body = std::string(kLargeBytes, 'x');
  if (what == "stream") {
    response.body = "";
    response.stream = std::make_shared<Pieces>(3);
  }
  if (what == "upload") {
    response.body_bytes = request.body_bytes;
    response.take_body = [](std::string body) {
      const bool whole = body.find_first_not_of('u') == std::string::npos;
      return HttpResponse{.status = 200, .type = "text/plain", .body = absl::StrCat(whole, " ", body.size()), .etag = {}};
    };
  }
  return response;
}

class HttpTlsTest : public ::testing::Test {
 protected:
  HttpTlsTest() {
    signal(SIGPIPE, SIG_IGN);  // of the client
    Make("lab", absl::Now());
  }

  std::string Path(const std::string& name) const { return folder_.path() / name; }
  void Make(const std::string& name, absl::Time from) const {
    EXPECT_TRUE(MakeCertificates({.directory = Path(name), .hosts = {"127.0.0.1"}, .from = from, .life = absl::Hours(1)}).ok());
  }
  void Serve(const std::string& name, const std::string& clients = "") {
    auto tls = TlsContext::Make({.certificate = {"--tls-cert", Path(name + "/server.pem")},
                                 .key = {"--tls-key", Path(name + "/server.key")},
                                 .authority = {"--web-client-ca", clients.empty() ? "" : Path(clients + "/ca.pem")}},
                                [this](const absl::Status& status) { ++(status.ok() ? replaced_ : unusable_); });
    ASSERT_TRUE(tls.ok()) << tls.status();
    auto server = HttpServer::Start({.flag = "--web-listen",
                                     .listen = {.host = "127.0.0.1", .port = 0},
                                     .takes_posts = true,
                                     .takes_body = {"upload"},
                                     .tls = *std::move(tls)},
                                    AnswerOfTest);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  std::string address() const { return server_->address(); }
  TlsClient::Credentials Trusting(const std::string& name) const { return {Path(name + "/ca.pem"), "", "", 0}; }
  TlsClient::Credentials Showing(const std::string& name, const std::string& shown) const {
    return {Path(name + "/ca.pem"), Path(shown + "/client.pem"), Path(shown + "/client.key"), 0};
  }
  std::string Ask(const TlsClient::Credentials& credentials, const std::string& target = "/") const {
    TlsClient client(address(), credentials);
    if (!client.Connect() || !client.Send(Question(target))) return "";
    std::string answer = client.ReceiveAll();
    EXPECT_TRUE(answer.empty() || client.ended_well()) << "cut";
    return answer;
  }
  std::string Question(const std::string& target) const {
    return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: ", address(), "\r\n\r\n");
  }
  std::string Post(const std::string& origin, const std::string& target, const std::string& more = "") const {
    return absl::StrCat("POST ", target, " HTTP/1.1\r\nHost: ", address(), "\r\nOrigin: ", origin, address(), "\r\n", more,
                        "\r\n");
  }

  TemporaryDirectory folder_;
  std::atomic<int> replaced_{0}, unusable_{0};
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpTlsTest, AnswersWithEveryVersionThatIsGood) {
  Serve("lab");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient::Credentials credentials = Trusting("lab");
    credentials.version_max = version;
    const std::string answer = Ask(credentials);
    EXPECT_THAT(answer, HasSubstr("200 OK")) << version;
    EXPECT_THAT(answer, HasSubstr("Set-Cookie: a=b; HttpOnly; Secure\r\n")) << version;
  }
  TlsClient old(address(), {"", "", "", TLS1_1_VERSION});
  EXPECT_FALSE(old.Connect());
}

TEST_F(HttpTlsTest, LargeAnswersStreamsAndBodiesComeWhole) {
  Serve("lab");
  EXPECT_GT(Ask(Trusting("lab"), "/large").size(), kLargeBytes);
  EXPECT_THAT(Ask(Trusting("lab"), "/stream"), HasSubstr("\r\n\r\npiece 3;piece 2;piece 1;"));
  const std::string body(kLargeBytes, 'u');
  TlsClient client(address(), Trusting("lab"));
  ASSERT_TRUE(client.Connect());
  // Head and the first of the body in one record, of which the head's reader takes only a part.
  const std::string head = Post("https://", "/upload", absl::StrCat("Content-Length: ", body.size(), "\r\n"));
  ASSERT_TRUE(client.Send(absl::StrCat(head, body.substr(0, kTlsRecordBytes - head.size()))));
  ASSERT_TRUE(client.Send(body.substr(kTlsRecordBytes - head.size())));
  EXPECT_THAT(client.ReceiveAll(), HasSubstr(absl::StrCat("\r\n\r\n1 ", body.size())));
}

// A body that fits the record of its head has nothing more to wake the server.
TEST_F(HttpTlsTest, ABodyInTheRecordOfItsHeadIsTaken) {
  Serve("lab");
  TlsClient client(address(), Trusting("lab"));
  ASSERT_TRUE(client.Connect());
  const std::string body(12000, 'u');
  ASSERT_TRUE(client.Send(Post("https://", "/upload", "Content-Length: 12000\r\n") + body));
  EXPECT_THAT(client.ReceiveAll(), HasSubstr("\r\n\r\n1 12000"));
}

TEST_F(HttpTlsTest, OnlyThePageOfTheSecureAddressChangesSomething) {
  Serve("lab");
  for (const auto& [origin, status] : {std::pair{"https://", "200 OK"}, {"http://", "403 Forbidden"}}) {
    TlsClient client(address(), Trusting("lab"));
    ASSERT_TRUE(client.Connect() && client.Send(Post(origin, "/x")));
    EXPECT_THAT(client.ReceiveAll(), HasSubstr(status)) << origin;
  }
}

TEST_F(HttpTlsTest, WhoSpeaksWithoutTlsIsToldSo) {
  Serve("lab");
  const RawResponse response = Get(address(), "/");
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("this port speaks TLS: ask for https://"));
  EXPECT_EQ(Exchange(address(), absl::StrCat("POST /upload HTTP/1.1\r\nContent-Length: 9\r\n\r\n")).status, 400);
}

TEST_F(HttpTlsTest, GarbageIsHungUpOn) {
  Serve("lab");
  const std::string hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
  for (const std::string& bytes :
       {std::string("\0\0\0\0\0\0", 6), std::string(20000, '\xff'), hello + std::string(600, 'z'),
        std::string("\x16\x03\x01\xff\xff", 5) + std::string(70000, 'a'), std::string("SSH-2.0-x\r\n")}) {
    Connection connection(address());
    connection.Send(bytes);
    connection.HalfClose();
    EXPECT_EQ(connection.Receive().status, 0);
  }
  EXPECT_THAT(Ask(Trusting("lab")), HasSubstr("200 OK"));
}

TEST_F(HttpTlsTest, ASlowHandshakeIsHungUpOnAndHoldsUpNobody) {
  Serve("lab");
  std::deque<Connection> slow;
  for (std::size_t i = 0; i < kHttpClientsMax; ++i) slow.emplace_back(address()).Send(std::string("\x16\x03\x01\x02", 4));
  const absl::Time began = absl::Now();
  EXPECT_THAT(Ask(Trusting("lab")), HasSubstr("200 OK")) << "one of them has made room";
  EXPECT_LT(absl::Now() - began, kHeadTime);
  EXPECT_EQ(slow.back().Receive().status, 0);  // returns when the server hangs up
  EXPECT_GE(absl::Now() - began, kHeadTime - absl::Milliseconds(500));
}

TEST_F(HttpTlsTest, ASilentClientAfterTheHandshakeIsHungUpOn) {
  Serve("lab");
  TlsClient client(address(), Trusting("lab"));
  ASSERT_TRUE(client.Connect());
  EXPECT_EQ(client.ReceiveAll(), "");
}

TEST_F(HttpTlsTest, NobodyNegotiatesAgain) {
  Serve("lab");
  TlsClient::Credentials credentials = Trusting("lab");
  credentials.version_max = TLS1_2_VERSION;
  TlsClient client(address(), credentials);
  ASSERT_TRUE(client.Connect());
  EXPECT_EQ(SSL_renegotiate(client.session()), 1);
  EXPECT_NE(SSL_do_handshake(client.session()), 1);
}

TEST_F(HttpTlsTest, CertificatesAreDemandedOfClients) {
  Make("other", absl::Now());
  Make("old", absl::Now() - absl::Hours(24));
  Serve("lab", "lab");
  EXPECT_THAT(Ask(Showing("lab", "lab")), HasSubstr("200 OK"));
  EXPECT_EQ(Ask(Trusting("lab")), "") << "none";
  EXPECT_EQ(Ask(Showing("lab", "other")), "") << "of somebody else";
  Serve("lab", "old");
  EXPECT_EQ(Ask(Showing("lab", "old")), "") << "expired";
}

TEST_F(HttpTlsTest, AClientBelievesOnlyTheRightServer) {
  Make("other", absl::Now());
  Make("old", absl::Now() - absl::Hours(24));
  Serve("lab");
  EXPECT_EQ(Ask(Trusting("other")), "");
  Serve("old");
  EXPECT_EQ(Ask(Trusting("old")), "") << "expired";
}

TEST_F(HttpTlsTest, FilesThatChangeAreTakenUp) {
  Make("other", absl::Now());
  Serve("lab");
  EXPECT_THAT(Ask(Trusting("lab")), HasSubstr("200 OK"));
  std::filesystem::rename(Path("other/server.key"), Path("lab/server.key"));
  EXPECT_TRUE(Eventually([&] { return !Ask(Trusting("lab")).empty() && unusable_ > 0; }));
  EXPECT_THAT(Ask(Trusting("lab")), HasSubstr("200 OK")) << "those that were good go on";
  std::filesystem::rename(Path("other/server.pem"), Path("lab/server.pem"));
  EXPECT_TRUE(Eventually([&] { return !Ask(Trusting("other")).empty(); }));
  EXPECT_EQ(replaced_, 1);
  EXPECT_EQ(unusable_, 1);
  EXPECT_EQ(Ask(Trusting("lab")), "");
}

TEST_F(HttpTlsTest, BadFilesAreRefusedByName) {
  Make("other", absl::Now());
  const auto why = [](const std::string& certificate, const std::string& key, const std::string& authority) {
    return std::string(
        TlsContext::Make({{"--tls-cert", certificate}, {"--tls-key", key}, {"--web-client-ca", authority}}).status().message());
  };
  EXPECT_THAT(why(Path("lab/server.pem"), Path("other/server.key"), ""), HasSubstr("is not the key of --tls-cert"));
  EXPECT_THAT(why("/no/such", Path("lab/server.key"), ""), HasSubstr("--tls-cert /no/such: cannot be read"));
  EXPECT_THAT(why(Path("lab/server.pem"), Path("lab/server.key"), Path("lab/server.key")), HasSubstr("--web-client-ca"));
}

}  // namespace
}  // namespace alloclab::server
