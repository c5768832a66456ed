// Web page and /metrics of a lab that asks for tokens, over real HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/access/token_file.h"
#include "server/testing/eventually.h"
#include "server/testing/http_client.h"
#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class WebAccessTest : public ::testing::Test {
 protected:
  std::string Make(const std::string& name, Role role) const {
    const auto secret = CreateToken(data_dir_, {.name = name, .role = role, .created = absl::Now(), .digest = {}});
    EXPECT_TRUE(secret.ok()) << secret.status();
    return absl::StrCat("Authorization: Bearer ", *secret, "\r\n");
  }
  RawResponse Read(const std::string& target, const std::string& headers = "") {
    return Get(server_.server().web_address(), target, headers);
  }
  RawResponse Post(const std::string& target, const std::string& headers, const std::string& origin = "") {
    const std::string& host = server_.server().web_address();
    return Exchange(host, absl::StrCat("POST ", target, " HTTP/1.1\r\nHost: ", host,
                                       "\r\nOrigin: ", origin.empty() ? "http://" + host : origin, "\r\n", headers, "\r\n"));
  }
  // The header with the cookie of who signs in so.
  std::string SignIn(const std::string& token) {
    const RawResponse answer = Post("/api/session/open", token);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_THAT(answer.headers, AllOf(HasSubstr("HttpOnly"), HasSubstr("SameSite=Strict"), HasSubstr("Path=/api;")));
    const std::size_t start = answer.headers.find("Set-Cookie: ") + 12;
    return absl::StrCat("Cookie: other=1; ", answer.headers.substr(start, answer.headers.find(';', start) - start), "\r\n");
  }

  std::string data_dir_, viewer_, user_;
  TestServer server_{[this](ServerOptions& options) {
    options.web_listen = options.metrics_listen = "127.0.0.1:0";
    data_dir_ = options.data_dir;
    viewer_ = Make("vic", Role::kViewer);
    user_ = Make("uma", Role::kUser);
  }};
};

constexpr char kRun[] = "/api/runs?workload=steady-state&operations=100&ram=1048576";

TEST_F(WebAccessTest, DataIsForWhoShowsAToken) {
  EXPECT_EQ(Read("/").status, 200) << "the page itself is no secret";
  for (const char* target : {"/api/server", "/api/runs", "/api/instances/x/map", "/api/no-such"}) {
    const RawResponse refused = Read(target);
    EXPECT_EQ(refused.status, 401) << target;
    EXPECT_THAT(refused.headers, HasSubstr("WWW-Authenticate: Bearer"));
    EXPECT_THAT(refused.body, HasSubstr("not signed in"));
  }
  EXPECT_EQ(Read("/api/server", viewer_).status, 200);
  EXPECT_EQ(Read("/api/server", "Authorization: Bearer no\r\n").status, 401);
  EXPECT_EQ(Read("/api/server", viewer_ + viewer_).status, 400);
  EXPECT_EQ(Post(kRun, "").status, 401);
  EXPECT_EQ(Post(kRun, viewer_).status, 403);
  EXPECT_EQ(Post(kRun, user_).status, 200);
}

TEST_F(WebAccessTest, ABrowserSignsInAndOut) {
  EXPECT_THAT(Read("/api/session").body, AllOf(HasSubstr("\"tokens_in_force\":true"), HasSubstr("\"token\":\"\"")));
  EXPECT_EQ(Post("/api/session/open", "").status, 401);
  EXPECT_EQ(Post("/api/session/open", "Authorization: Bearer no\r\n").status, 401);
  const std::string cookie = SignIn(user_);
  EXPECT_THAT(cookie, Not(HasSubstr(user_.substr(22, 20)))) << "the token itself";
  EXPECT_THAT(Read("/api/session", cookie).body, AllOf(HasSubstr("\"token\":\"uma\""), HasSubstr("\"role\":\"user\"")));
  EXPECT_EQ(Read("/api/server", cookie).status, 200);
  EXPECT_EQ(Post(kRun, cookie).status, 200);
  EXPECT_EQ(Post(kRun, SignIn(viewer_)).status, 403);
  const RawResponse out = Post("/api/session/close", cookie);
  EXPECT_THAT(out.headers, HasSubstr("Max-Age=0"));
  ASSERT_TRUE(RevokeToken(data_dir_, "uma").ok());
  EXPECT_TRUE(Eventually([&] { return Read("/api/server", cookie).status == 401; }));
}

TEST_F(WebAccessTest, WhoMayDoWhat) {
  ASSERT_EQ(Post("/api/instances?name=shared&ram=1Mi", viewer_).status, 403);
  ASSERT_EQ(Post("/api/instances?name=shared&ram=1Mi", user_).status, 200);
  EXPECT_EQ(Post("/api/instances/shared/malloc?bytes=10", viewer_).status, 403);
  EXPECT_EQ(Post("/api/instances/shared/malloc?bytes=10", user_).status, 200);
  EXPECT_EQ(Post("/api/traces?name=x", viewer_ + "Content-Length: 100\r\n").status, 403) << "before any of it has come";
  const std::string admin = Make("ann", Role::kAdmin);
  EXPECT_TRUE(Eventually([&] { return Read("/api/server", admin).status == 200; }));
  const std::string other = Make("bob", Role::kUser);
  EXPECT_TRUE(Eventually([&] { return Read("/api/server", other).status == 200; }));
  ASSERT_EQ(Post("/api/runs?workload=steady-state&operations=1000&ram=1Mi", user_).status, 200);
  ASSERT_EQ(Post("/api/runs/1/open", user_).status, 200);
  for (const char* change : {"/api/instances/shared/malloc?bytes=10", "/api/instances/shared/delete", "/api/runs/1/cancel",
                             "/api/runs/1/delete", "/api/instances/run-1/seek?operation=1", "/api/instances/run-1/close"}) {
    EXPECT_EQ(Post(change, other).status, 403) << change;
    EXPECT_EQ(Post(change, viewer_).status, 403) << change;
  }
  EXPECT_EQ(Post("/api/instances/run-1/close", user_).status, 200);
  EXPECT_EQ(Post("/api/instances/shared/delete", user_).status, 200);
  EXPECT_TRUE(Eventually([&] { return Post("/api/runs/1/delete", admin).status == 200; })) << "as soon as it has ended";
}

// A stream is no way around the end of a permission.
TEST_F(WebAccessTest, AStreamEndsWithItsToken) {
  ASSERT_EQ(Post("/api/instances?name=watched&ram=1Mi", user_).status, 200);
  EXPECT_EQ(Read("/api/instances/watched/live").status, 401);
  const std::string& host = server_.server().web_address();
  Connection browser(host);
  browser.Send(absl::StrCat("GET /api/instances/watched/live HTTP/1.1\r\nHost: ", host, "\r\n", viewer_, "\r\n"));
  EXPECT_THAT(browser.ReceiveSome(), HasSubstr("200 OK"));
  ASSERT_TRUE(RevokeToken(data_dir_, "vic").ok());
  std::string seen;
  for (std::string more; !(more = browser.ReceiveSome()).empty();) seen += more;
  EXPECT_THAT(seen, AllOf(HasSubstr("event: end\n"), HasSubstr("UNAUTHENTICATED")));
}

TEST_F(WebAccessTest, OtherSitesCannotUseTheCookie) {
  const std::string cookie = SignIn(user_);
  for (const char* origin : {"http://evil.example", "null", "http://127.0.0.1"}) {
    EXPECT_EQ(Post(kRun, cookie, origin).status, 403) << origin;
    EXPECT_EQ(Post("/api/session/open", user_, origin).status, 403) << origin;
  }
}

TEST_F(WebAccessTest, MetricsAreForViewers) {
  const std::string& address = server_.server().metrics_address();
  EXPECT_EQ(Get(address, "/metrics").status, 401);
  EXPECT_EQ(Get(address, "/metrics", "Authorization: Bearer no\r\n").status, 401);
  EXPECT_THAT(Get(address, "/metrics", viewer_).body, HasSubstr("alloclab_"));
}

}  // namespace
}  // namespace alloclab::server
