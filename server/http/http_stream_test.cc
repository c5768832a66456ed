// Answers that go on, and bodies that come: over real connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/http/http_server.h"
#include "server/testing/eventually.h"
#include "server/testing/http_client.h"

namespace alloclab::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A stream whose pieces a test makes, and which counts those that there are.
class MadeStream final : public HttpStream {
 public:
  using Make = std::function<std::optional<std::string>()>;
  MadeStream(Make make, std::atomic<int>& open) : make_(std::move(make)), open_(open) { ++open_; }
  ~MadeStream() override { --open_; }
  std::optional<std::string> Next() override { return make_(); }
  bool Hurries() const override { return false; }

 private:
  const Make make_;
  std::atomic<int>& open_;
};

class HttpStreamTest : public ::testing::Test {
 protected:
  // /stream has the pieces that `make` makes; all else answers at once.
  void Start(MadeStream::Make make) {
    auto server = HttpServer::Start({.flag = "--web-listen", .listen = {.host = "127.0.0.1", .port = 0}},
                                    [this, make](const HttpRequest& request) {
                                      HttpResponse response{.status = 200, .type = "text/event-stream", .body = {}, .etag = {}};
                                      if (request.path == std::vector<std::string>{"stream"}) {
                                        response.stream = std::make_shared<MadeStream>(make, open_);
                                      } else {
                                        response.body = "done";
                                      }
                                      return response;
                                    });
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  std::string address() const { return server_->address(); }
  std::string Question(const std::string& method = "GET") const {
    return absl::StrCat(method, " /stream HTTP/1.1\r\nHost: ", address(), "\r\n\r\n");
  }

  std::atomic<int> open_{0};
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpStreamTest, GoesOnPieceByPieceUntilItIsOver) {
  std::atomic<int> piece{0};
  Start([&]() -> std::optional<std::string> {
    const int number = ++piece;
    if (number > 4) return std::nullopt;
    return number == 2 ? "" : absl::StrCat("piece ", number, ";");
  });
  const absl::Time began = absl::Now();
  const RawResponse response = Exchange(address(), Question());
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "piece 1;piece 3;piece 4;");
  EXPECT_THAT(response.headers, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(response.headers, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(response.headers, HasSubstr("Content-Security-Policy: "));
  EXPECT_GE(absl::Now() - began, 4 * kStreamRest);
  EXPECT_TRUE(Eventually([&] { return open_ == 0; }));
}

TEST_F(HttpStreamTest, OfAHeadThereIsNone) {
  Start([]() -> std::optional<std::string> { return "never"; });
  const RawResponse response = Exchange(address(), Question("HEAD"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(open_, 0);
}

TEST_F(HttpStreamTest, EndsWhenTheClientIsGone) {
  Start([]() -> std::optional<std::string> { return ""; });
  auto client = std::make_unique<Connection>(address());
  client->Send(Question());
  EXPECT_THAT(client->ReceiveSome(), HasSubstr("200 OK"));
  EXPECT_EQ(open_, 1);
  client.reset();
  EXPECT_TRUE(Eventually([&] { return open_ == 0; })) << "between two pieces, of which none says anything";
}

// It makes no pieces for who does not take them, and hangs up in the end.
TEST_F(HttpStreamTest, WhoReadsSlowlyGetsFewerPieces) {
  std::atomic<int> pieces{0};
  Start([&]() -> std::optional<std::string> {
    ++pieces;
    return std::string(6u << 20, 'x');  // more than the kernel takes
  });
  Connection client(address());
  client.Send(Question());
  ASSERT_TRUE(Eventually([&] { return pieces == 1; }));
  EXPECT_EQ(Get(address(), "/other").body, "done");
  absl::SleepFor(5 * kStreamRest);
  EXPECT_EQ(pieces, 1);
  EXPECT_TRUE(Eventually([&] { return open_ == 0; })) << "after kAnswerTime";
  EXPECT_EQ(pieces, 1);
}

TEST_F(HttpStreamTest, KeepsToItsRate) {
  std::atomic<int> pieces{0};
  const std::string piece(kStreamBytesPerSecond / 2, 'x');
  Start([&]() -> std::optional<std::string> {
    if (++pieces > 4) return std::nullopt;
    return piece;
  });
  const absl::Time began = absl::Now();
  EXPECT_EQ(Exchange(address(), Question()).body.size(), 4 * piece.size());
  EXPECT_GE(absl::Now() - began, absl::Milliseconds(1950)) << "half a second for each";
}

// Pieces that take long to make keep nobody waiting but streams.
TEST_F(HttpStreamTest, LeaveThreadsToOthers) {
  std::atomic<bool> over{false};
  std::atomic<int> at_work{0};
  Start([&]() -> std::optional<std::string> {
    ++at_work;
    while (!over) absl::SleepFor(absl::Milliseconds(1));
    return std::nullopt;
  });
  std::vector<std::unique_ptr<Connection>> clients;
  for (int i = 0; i < 2 * kHttpThreads; ++i) {
    clients.push_back(std::make_unique<Connection>(address()));
    clients.back()->Send(Question());
  }
  EXPECT_TRUE(Eventually([&] { return open_ == 2 * kHttpThreads && at_work == kStreamThreads; }));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get(address(), "/other").body, "done");
  EXPECT_EQ(at_work, kStreamThreads);
  over = true;
  for (const auto& client : clients) EXPECT_EQ(client->Receive().status, 200);
  EXPECT_EQ(at_work, 2 * kHttpThreads) << "all had their turn";
}

TEST_F(HttpStreamTest, DoesNotHoldUpTheEnd) {
  Start([]() -> std::optional<std::string> { return "x"; });
  Connection client(address());
  client.Send(Question());
  EXPECT_THAT(client.ReceiveSome(), HasSubstr("200 OK"));
  const absl::Time began = absl::Now();
  server_.reset();
  EXPECT_LT(absl::Now() - began, absl::Seconds(1));
  EXPECT_EQ(open_, 0);
}

// Takes bodies at /file, unless the address says ?refuse=1.
class HttpBodyTest : public ::testing::Test {
 protected:
  RawResponse Post(const std::string& target, const std::string& headers, const std::string& body) const {
    return Exchange(address_, Head(target, headers) + body);
  }
  std::string Head(const std::string& target, const std::string& headers) const {
    return absl::StrCat("POST ", target, " HTTP/1.1\r\nHost: ", address_, "\r\nOrigin: http://", address_, "\r\n", headers,
                        "\r\n");
  }

  std::atomic<int> taken_{0};
  std::unique_ptr<HttpServer> server_ = *HttpServer::Start(
      {.flag = "--web-listen", .listen = {.host = "127.0.0.1", .port = 0}, .takes_posts = true, .takes_body = {"file"}},
      [this](const HttpRequest& request) {
        HttpResponse response{.status = 200, .type = "text/plain", .body = "no body", .etag = {}};
        if (request.body_bytes == 0) return response;
        if (request.query.contains("refuse")) return ErrorResponse(absl::ResourceExhaustedError("too large"));
        response.body_bytes = request.body_bytes;
        response.take_body = [this, response](std::string body) mutable {
          ++taken_;
          response.take_body = nullptr;
          response.body = std::move(body);
          return response;
        };
        return response;
      });
  const std::string address_ = server_->address();
};

TEST_F(HttpBodyTest, ComesWholeHoweverItComes) {
  EXPECT_EQ(Post("/file", "Content-Length: 5\r\n", "hello").body, "hello");
  EXPECT_EQ(Post("/file", "Content-Length: 5\r\n", "hello and more").body, "hello");
  std::string large(5u << 20, 'x');
  for (std::size_t i = 0; i < large.size(); i += 1000) large[i] = static_cast<char>('a' + i % 26);
  Connection slow(address_);
  slow.Send(Head("/file", absl::StrCat("Content-Length: ", large.size(), "\r\n")));
  std::thread sender([&] {
    for (std::size_t i = 0; i < large.size(); i += 100'000) slow.Send(large.substr(i, 100'000));
  });
  EXPECT_TRUE(slow.Receive().body == large);
  sender.join();
  EXPECT_EQ(taken_, 3);
}

TEST_F(HttpBodyTest, IsTakenWhereItIsExpectedAndOnlyThere) {
  EXPECT_EQ(Post("/file", "", "").status, 400);
  EXPECT_EQ(Post("/file", "Content-Length: 0\r\n", "").status, 400);
  EXPECT_EQ(Post("/file", "Content-Length: -5\r\n", "hello").status, 400);
  EXPECT_EQ(Post("/file", "Content-Length: 99999999999999999999\r\n", "hello").status, 400);
  EXPECT_EQ(Post("/file", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n").status, 400);
  EXPECT_EQ(Post("/other", "Content-Length: 5\r\n", "hello").status, 400);
  EXPECT_EQ(Post("/file/more", "Content-Length: 5\r\n", "hello").status, 400);
  EXPECT_EQ(Post("/other", "", "").body, "no body");
  const RawResponse refused = Post("/file?refuse=1", "Content-Length: 5\r\n", "hello");
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("too large"));
  const RawResponse foreign =
      Exchange(address_, absl::StrCat("POST /file HTTP/1.1\r\nHost: ", address_,
                                      "\r\nOrigin: http://evil.example\r\nContent-Length: 5\r\n\r\nhello"));
  EXPECT_EQ(foreign.status, 403);
  EXPECT_EQ(taken_, 0);
}

TEST_F(HttpBodyTest, ThatStopsComingIsHungUpOn) {
  Connection silent(address_), gone(address_);
  silent.Send(Head("/file", "Content-Length: 100\r\n") + "some");
  gone.Send(Head("/file", "Content-Length: 100\r\n") + "some");
  gone.HalfClose();
  EXPECT_EQ(gone.Receive().status, 0);
  EXPECT_EQ(silent.Receive().status, 0) << "after kHeadTime";
  EXPECT_EQ(taken_, 0);
}

}  // namespace
}  // namespace alloclab::server
