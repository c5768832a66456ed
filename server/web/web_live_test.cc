// What the web page follows as it changes, over real HTTP, from a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "alloclab/v1/web.pb.h"
#include "server/testing/eventually.h"
#include "server/testing/web_server_fixture.h"
#include "server/web/live_stream.h"

namespace alloclab::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A browser that follows a machine: what it gets is all, then what has changed, and why there is no more.
TEST_F(WebServerTest, FollowsAnInstanceAsItChanges) {
  server().Create("followed");
  const std::string address = server().server().web_address();
  Connection browser(address);
  browser.Send(absl::StrCat("GET /api/instances/followed/live?cells=256 HTTP/1.1\r\nHost: ", address, "\r\n\r\n"));
  std::string seen;
  const auto await = [&](const std::string& text) {
    for (const absl::Time end = absl::Now() + absl::Seconds(60); seen.find(text) == std::string::npos && absl::Now() < end;) {
      const std::string more = browser.ReceiveSome();
      if (more.empty()) break;
      seen += more;
    }
    return seen;
  };
  EXPECT_THAT(await("event: map\n"), AllOf(HasSubstr("Content-Type: text/event-stream"), HasSubstr("event: figures\n")));
  const std::string name = seen.substr(seen.find("id: ") + 4, 16);
  const std::uint32_t block = Malloc("followed", 5000);
  EXPECT_THAT(await("event: map-change\n"),
              HasSubstr("event: figures-change\ndata: {\"instance\":{\"instance\":{\"operations\":\"1\"}"));
  seen.clear();
  EXPECT_EQ(Ask(absl::StrCat("/api/live/", name, "?cells=256&at=", block)).body, "{}");
  EXPECT_THAT(await("at_blocks"), HasSubstr(absl::StrCat("\"payload\":", block)));
  EXPECT_EQ(Ask(absl::StrCat("/api/live/", name, "?cells=1")).status, 400);
  EXPECT_EQ(Ask("/api/live/0123456789abcdef").status, 404);
  EXPECT_EQ(Post("/api/instances/followed/delete").status, 200);
  EXPECT_THAT(await("event: end\n"), HasSubstr("NOT_FOUND"));
  EXPECT_EQ(browser.ReceiveSome(), "");
  EXPECT_EQ(Ask("/api/instances/followed/live").status, 404);
}

TEST_F(WebServerTest, FollowsARunToItsEnd) {
  const std::uint64_t id = Submit("literal", 2'000'000);
  const std::string address = server().server().web_address();
  Connection browser(address);
  browser.Send(absl::StrCat("GET /api/runs/", id, "/live?cells=64 HTTP/1.1\r\nHost: ", address, "\r\n\r\n"));
  std::string seen;
  while (seen.find("event: map-change") == std::string::npos) {
    const std::string more = browser.ReceiveSome();
    ASSERT_NE(more, "") << seen;
    seen += more;
  }
  EXPECT_EQ(Post(absl::StrCat("/api/runs/", id, "/cancel")).status, 200);
  for (std::string more; !(more = browser.ReceiveSome()).empty();) seen += more;
  EXPECT_THAT(seen, AllOf(HasSubstr("CANCELLED"), HasSubstr("event: end\n"), HasSubstr("the run is over")));
}

// Who cannot have a stream is told so, and asks as before.
TEST_F(WebServerTest, RefusesTooManyStreams) {
  server().Create("crowd");
  const std::string address = server().server().web_address();
  std::vector<std::unique_ptr<Connection>> browsers;
  for (std::size_t i = 0; i < kLiveStreamsPerClientMax; ++i) {
    browsers.push_back(std::make_unique<Connection>(address));
    browsers.back()->Send(absl::StrCat("GET /api/instances/crowd/live HTTP/1.1\r\nHost: ", address, "\r\n\r\n"));
    EXPECT_THAT(browsers.back()->ReceiveSome(), HasSubstr("200 OK"));
  }
  const RawResponse refused = Ask("/api/instances/crowd/live");
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, AllOf(HasSubstr("RESOURCE_EXHAUSTED"), HasSubstr("8 of one client")));
  EXPECT_EQ(Ask("/api/instances/crowd").status, 200);
  browsers.clear();
  EXPECT_TRUE(Eventually([&] {
    Connection browser(address);
    browser.Send(absl::StrCat("GET /api/instances/crowd/live HTTP/1.1\r\nHost: ", address, "\r\n\r\n"));
    return browser.ReceiveSome().find("200 OK") != std::string::npos;
  }));
}

TEST_F(WebServerTest, KnowsTheHistoryOfAnInstance) {
  server().Create("old");
  for (int i = 0; i < 5; ++i) Malloc("old", 1000);
  const auto history = Read<v1::InstanceDetail>("/api/instances/old").history();
  ASSERT_GE(history.operations_size(), 2);
  EXPECT_EQ(history.operations(0), 0);
  EXPECT_EQ(*history.operations().rbegin(), 5);
  EXPECT_EQ(*history.live_bytes().rbegin(), 5000);
  EXPECT_GT(*history.arena_bytes().rbegin(), 5000);
  EXPECT_EQ(history.unix_ms_size(), history.operations_size());
  EXPECT_EQ(history.largest_free_bytes_size(), history.operations_size());
}

}  // namespace
}  // namespace alloclab::server
