// Whose answers are made when more are asked for than there are threads, over real connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/errors.h"
#include "server/http/http_server.h"
#include "server/testing/eventually.h"
#include "server/testing/http_client.h"

namespace alloclab::server {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kOfOne = kHttpThreads / 2;

// Answers "/NAME/..." in the turn of NAME, "/" in that of the address; anything but "/.../quick" when the test opens the gate.
class HttpTurnsTest : public ::testing::Test {
 protected:
  ~HttpTurnsTest() override { open_ = true; }

  HttpResponse Answer(const HttpRequest& request) {
    if (request.path.empty()) return Make("");
    HttpResponse response = ErrorResponse(errors::TooManyAnswers(request.path.front(), kOfOne));
    response.make = [this, what = request.path.back()] { return Make(what); };
    response.whose = request.path.front();
    return response;
  }
  HttpResponse Make(const std::string& what) {
    ++at_work_;
    while (!open_ && what != "quick") absl::SleepFor(absl::Milliseconds(1));
    return {.status = 200, .type = "text/plain", .body = "here", .etag = {}};
  }
  // So many ask, of which there will be that many at work.
  void Ask(std::size_t count, const std::string& target, const std::string& from, int at_work) {
    for (std::size_t i = 0; i < count; ++i) {
      asked_.emplace_back(server_->address(), from).Send(absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    }
    EXPECT_TRUE(Eventually([&] { return at_work_ == at_work; })) << at_work_;
  }
  // Whether one of those who asked has an answer.
  bool Answered() const {
    return std::any_of(asked_.begin(), asked_.end(), [](const Connection& connection) {
      pollfd waits{connection.descriptor(), POLLIN, 0};
      return poll(&waits, 1, 0) == 1;
    });
  }
  std::string Get(const std::string& target, const std::string& from) {
    Connection connection(server_->address(), from);
    connection.Send(absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    return connection.Receive().body;
  }

  std::atomic<bool> open_{false};
  std::atomic<int> at_work_{0};
  std::deque<Connection> asked_;
  std::unique_ptr<HttpServer> server_ = *HttpServer::Start({"--web-listen", {.host = "127.0.0.1", .port = 0}},
                                                           [this](const HttpRequest& request) { return Answer(request); });
};

TEST_F(HttpTurnsTest, AnAddressLeavesHalfOfTheThreadsToOthers) {
  Ask(kOfOne + kTurnsWaitingMax, "/", "127.0.0.2", kOfOne);
  EXPECT_EQ(Get("/ada/quick", "127.0.0.3"), "here");
  open_ = true;
  for (Connection& connection : asked_) EXPECT_EQ(connection.Receive().status, 200);
}

// All that may be connected wait for their turn, of which the last one does not come before the end.
TEST_F(HttpTurnsTest, WhoWaitsMakesRoomWhereHisAddressHasMostOfIt) {
  Ask(kHttpClientsMax, "/", "127.0.0.2", kOfOne);
  EXPECT_EQ(Get("/ada/quick", "127.0.0.3"), "here");
  open_ = true;
  int gone = 0;
  for (Connection& connection : asked_) gone += connection.Receive().status == 0;
  EXPECT_EQ(gone, 1);
}

TEST_F(HttpTurnsTest, AnOwnerLeavesHalfOfTheThreadsToOthersOfHisAddress) {
  Ask(kOfOne, "/bob", "127.0.0.2", kOfOne);
  Ask(kTurnsWaitingMax / 2, "/bob", "127.0.0.2", kOfOne);
  Ask(kTurnsWaitingMax / 2, "/bob", "127.0.0.3", kOfOne);
  EXPECT_EQ(Get("/ada/quick", "127.0.0.2"), "here");
  Ask(1, "/bob", "127.0.0.4", kOfOne + 1);  // hers has been, too
  EXPECT_TRUE(Eventually([&] { return Answered(); })) << "one too many waits, and is told so";
  open_ = true;
  int refused = 0;
  for (Connection& connection : asked_) {
    const RawResponse response = connection.Receive();
    if (response.status == 200) continue;
    ++refused;
    EXPECT_THAT(response.body, HasSubstr("too many answers are asked for by bob: 8 are worked out at a time"));
  }
  EXPECT_EQ(refused, 1) << "who waited has had his turn";
}

TEST_F(HttpTurnsTest, WhoWaitsTooLongIsToldSo) {
  Ask(kOfOne + 1, "/bob", "127.0.0.2", kOfOne);
  absl::SleepFor(kTurnWaitMax + absl::Seconds(1));
  open_ = true;
  int refused = 0;
  for (Connection& connection : asked_) refused += connection.Receive().status == 503;
  EXPECT_EQ(refused, 1);
}

}  // namespace
}  // namespace alloclab::server
