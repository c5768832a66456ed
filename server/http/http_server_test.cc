#include "server/http/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "server/testing/http_client.h"

namespace alloclab::server {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Answers with the path it was asked for.
std::unique_ptr<HttpServer> StartEcho() {
  auto server = HttpServer::Start({"--web-listen", {.host = "127.0.0.1", .port = 0}}, [](const HttpRequest& request) {
    return HttpResponse{
        .status = 200, .type = "text/plain", .body = absl::StrJoin(request.path, "|"), .etag = request.Text("etag")};
  });
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

// One server for all.
// Answers "/" with more than the kernel takes for a client that does not read.
std::unique_ptr<HttpServer> StartLarge() {
  auto server = HttpServer::Start({"--web-listen", {.host = "127.0.0.1", .port = 0}}, [](const HttpRequest& request) {
    const std::size_t bytes = request.path.empty() ? 6u << 20 : 4;
    return HttpResponse{.status = 200, .type = "text/plain", .body = std::string(bytes, 'x'), .etag = {}};
  });
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

class HttpServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = StartEcho(); }
  static void TearDownTestSuite() { server_ = nullptr; }
  static std::string address() { return server_->address(); }

 private:
  static inline std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, ServesOnAPortOfItsOwn) {
  EXPECT_THAT(address(), Not(HasSubstr(":0")));
  const RawResponse response = Get(address(), "/a/b?x=1");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "a|b");
}

// A page of another site can make a browser send a POST; it cannot make it lie about where it comes from.
TEST(HttpServerPost, TakesThoseOfItsOwnPageOnly) {
  const auto server = HttpServer::Start(
      {.flag = "--web-listen", .listen = {.host = "127.0.0.1", .port = 0}, .takes_posts = true},
      [](const HttpRequest& request) {
        return HttpResponse{.status = 200, .type = "text/plain", .body = request.changes ? "changes" : "reads", .etag = {}};
      });
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string address = (*server)->address();
  const auto post = [&](const std::string& headers) {
    return Exchange(address, absl::StrCat("POST /x HTTP/1.1\r\nHost: ", address, "\r\n", headers, "\r\n"));
  };
  const std::string own = absl::StrCat("Origin: http://", address, "\r\n");
  EXPECT_EQ(post(own).body, "changes");
  EXPECT_EQ(post(own + "Content-Length: 0\r\n").body, "changes");
  EXPECT_EQ(Get(address, "/x").body, "reads");
  for (const std::string& headers :
       {std::string(), std::string("Origin: null\r\n"), std::string("Origin: http://evil.example\r\n"),
        absl::StrCat("Origin: http://", address, ".evil.example\r\n"), own + own}) {
    const RawResponse response = post(headers);
    EXPECT_EQ(response.status, 403) << headers;
    EXPECT_THAT(response.body, HasSubstr("must come from this server's own page")) << headers;
  }
  for (const char* body :
       {"Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: 0\r\nContent-Length: 0\r\n"}) {
    EXPECT_EQ(post(own + body).status, 400) << body;
  }
  const RawResponse put = Exchange(address, absl::StrCat("PUT /x HTTP/1.1\r\nHost: ", address, "\r\n", own, "\r\n"));
  EXPECT_EQ(put.status, 405);
  EXPECT_THAT(put.headers, HasSubstr("Allow: GET, HEAD, POST\r\n"));
}

TEST_F(HttpServerTest, EveryAnswerHasSecurityHeaders) {
  for (const char* target : {"/", "/%zz", "/api"}) {
    const RawResponse response = Get(address(), target);
    EXPECT_THAT(response.headers, HasSubstr("Content-Security-Policy: default-src 'none'; script-src 'self';"));
    EXPECT_THAT(response.headers, Not(HasSubstr("unsafe")));
    EXPECT_THAT(response.headers, HasSubstr("X-Content-Type-Options: nosniff"));
    EXPECT_THAT(response.headers, HasSubstr("Referrer-Policy: no-referrer"));
    EXPECT_THAT(response.headers, Not(HasSubstr("Access-Control-Allow-Origin")));
  }
}

TEST_F(HttpServerTest, OnlyReads) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const RawResponse response =
        Exchange(address(), absl::StrCat(method, " /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"));
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_THAT(response.headers, HasSubstr("Allow: GET, HEAD"));
    EXPECT_THAT(response.body, HasSubstr("expected method GET or HEAD"));
  }
  const RawResponse head = Exchange(address(), "HEAD /abc HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(head.status, 200);
  EXPECT_THAT(head.headers, HasSubstr("Content-Length: 3"));
  EXPECT_THAT(head.body, IsEmpty());
}

TEST_F(HttpServerTest, AnswersNotModified) {
  EXPECT_THAT(Get(address(), "/a?etag=%22v1%22").headers, HasSubstr("ETag: \"v1\""));
  const RawResponse again = Get(address(), "/a?etag=%22v1%22", "If-None-Match: \"v1\"\r\n");
  EXPECT_EQ(again.status, 304);
  EXPECT_THAT(again.body, IsEmpty());
}

TEST_F(HttpServerTest, RefusesForeignHostNames) {
  for (const char* host :
       {"evil.example", "evil.example:7412", "", "127.evil.example.", "localhost.evil.example", "127.0.0.1.", "[evil]"}) {
    const RawResponse response = Exchange(address(), absl::StrCat("GET / HTTP/1.1\r\nHost: ", host, "\r\n\r\n"));
    EXPECT_EQ(response.status, 403) << host;
    EXPECT_THAT(response.body, HasSubstr("--allowed-hosts")) << host;
  }
  for (const char* host : {"localhost", "localhost:7412", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:7412", "192.0.2.7:80"}) {
    EXPECT_EQ(Exchange(address(), absl::StrCat("GET / HTTP/1.1\r\nHost: ", host, "\r\n\r\n")).status, 200) << host;
  }
}

// Which of two hosts is meant is not for this server to guess.
TEST_F(HttpServerTest, RefusesTwoHosts) {
  for (const char* second : {"localhost", "evil.example"}) {
    const RawResponse response =
        Exchange(address(), absl::StrCat("GET / HTTP/1.1\r\nHost: localhost\r\nhOST: ", second, "\r\n\r\n"));
    EXPECT_EQ(response.status, 400) << second;
    EXPECT_THAT(response.body, HasSubstr("more than one Host header")) << second;
  }
}

TEST_F(HttpServerTest, HostileBytesGetAnErrorOrNothing) {
  const std::vector<std::string> requests = {
      "",
      "\r\n\r\n",
      "GET",
      "GET\r\n\r\n",
      "GET / \r\n\r\n",
      "GET  /  HTTP/1.1\r\n\r\n",
      "FOO / HTTP/1.1\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      "GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
      std::string("GET /\0 HTTP/1.1\r\n\r\n", 18),
      "GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET * HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET http://127.0.0.1/x HTTP/1.1\r\nHost: evil\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
      "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET / HTTP/1.1\r\n" + std::string(9000, 'X') + ": y\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
  };
  for (const std::string& request : requests) {
    Connection connection(address());
    connection.Send(request);
    connection.HalfClose();
    const RawResponse response = connection.Receive();
    if (response.status == 200) {
      EXPECT_THAT(response.body, Not(HasSubstr("passwd")));
    } else if (response.status != 0) {
      EXPECT_GE(response.status, 400) << request;
      EXPECT_THAT(response.body, HasSubstr("\"message\"")) << request;
    }
  }
  EXPECT_EQ(Get(address(), "/still/here").body, "still|here");
}

// Twice as many as there may be, some of which have begun a request, some of which read nothing of a large answer.
TEST_F(HttpServerTest, SilentClientsMakeRoom) {
  constexpr std::size_t kSilent = 2 * kHttpClientsMax;
  std::deque<Connection> silent;
  for (std::size_t i = 0; i < kSilent; ++i) {
    Connection& connection = silent.emplace_back(address());
    if (i % 2 == 0) connection.Send("GET / HT");
    if (i % 16 == 0) {
      EXPECT_EQ(Get(address(), "/a").status, 200) << i;
    }
  }
  EXPECT_EQ(Get(address(), "/b").status, 200);
  EXPECT_EQ(silent.front().Receive().status, 0) << "it has made room";
}

// Nor do readers of one address who take nothing, however often they come again.
TEST_F(HttpServerTest, WhoReadsNothingMakesRoomWhereHisAddressHasMostOfIt) {
  const auto server = StartLarge();
  std::deque<Connection> slow;
  for (std::size_t i = 0; i < kHttpClientsMax; ++i) {
    slow.emplace_back(server->address()).Send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_NE(slow.back().ReceiveSome(), "") << i;
  }
  EXPECT_EQ(Get(server->address(), "/a").body, "xxxx");
}

TEST_F(HttpServerTest, SilentClientsAreHungUpOn) {
  Connection one(address()), other(address());
  one.Send("GET / HTTP/1.1\r\n");
  EXPECT_EQ(one.Receive().status, 0);  // returns when the server hangs up
  EXPECT_EQ(other.Receive().status, 0);
}

TEST(HttpServerStop, DoesNotWaitForSilentClients) {
  std::unique_ptr<HttpServer> server = StartEcho();
  Connection silent(server->address());
  silent.Send("GET / HTTP/1.1\r\n");
  EXPECT_EQ(Get(server->address(), "/a").status, 200);
  server.reset();
  EXPECT_EQ(silent.Receive().status, 0);
}

// Those who do not read their answers hold no thread.
TEST(HttpServerReaders, SlowOnesHoldUpNobody) {
  const auto server = StartLarge();
  std::deque<Connection> slow;
  for (int i = 0; i <= kHttpThreads; ++i) {
    slow.emplace_back(server->address()).Send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  EXPECT_EQ(Get(server->address(), "/a").body, "xxxx");
}

TEST_F(HttpServerTest, ManyClientsAtOnce) {
  std::vector<std::thread> clients;
  std::atomic<int> served{0};
  for (int t = 0; t < 8; ++t) {
    clients.emplace_back([&] {
      for (int i = 0; i < 50; ++i) served += Get(address(), "/x").status == 200;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(served, 400);
}

TEST(HttpServerStart, TakenPortIsNamed) {
  const auto first = StartEcho();
  const auto taken = ParseBindAddress("--web-listen", first->address());
  ASSERT_TRUE(taken.ok());
  const auto second = HttpServer::Start({"--web-listen", *taken}, [](const HttpRequest&) { return HttpResponse{}; });
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("--web-listen"));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(first->address()));
}

TEST(HttpServerStart, TakesLocalhostByName) {
  const auto server = HttpServer::Start({"--web-listen", {.host = "localhost", .port = 0}}, [](const HttpRequest&) {
    return HttpResponse{.status = 200, .type = "text/plain", .body = "here", .etag = {}};
  });
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(Get((*server)->address(), "/").body, "here");
}

TEST(HttpServerStart, VersionSixIsServedWhereThereIsOne) {
  const auto server = HttpServer::Start({"--web-listen", {.host = "::1", .port = 0}}, [](const HttpRequest&) {
    return HttpResponse{.status = 200, .type = "text/plain", .body = "here", .etag = {}};
  });
  if (server.ok()) {
    EXPECT_EQ(Get((*server)->address(), "/").body, "here");
  } else {
    EXPECT_THAT(std::string(server.status().message()), HasSubstr("--web-listen [::1]:0"));
  }
}

}  // namespace
}  // namespace alloclab::server
