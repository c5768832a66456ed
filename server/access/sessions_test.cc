#include "server/access/sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/access/token_file.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

class SessionsTest : public testing::Test {
 protected:
  std::string Header(const std::string& name, Role role, absl::Time expires = absl::InfiniteFuture()) {
    const auto secret = CreateToken(
        folder_.path(), {.name = name, .role = role, .created = absl::UnixEpoch(), .expires = expires, .digest = {}});
    EXPECT_TRUE(secret.ok()) << secret.status();
    EXPECT_TRUE(access_.Refresh().ok());
    return "Bearer " + *secret;
  }
  absl::StatusCode Code(const std::string& session, Role least = Role::kViewer) {
    return sessions_.Admit(session, least, "that").status().code();
  }

  TemporaryDirectory folder_;
  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  AccessControl access_{folder_.path(), [this] { return now_; }};
  Sessions sessions_{access_};
};

TEST_F(SessionsTest, StandForTheirToken) {
  const auto session = sessions_.Open(Header("a.da", Role::kUser));
  ASSERT_TRUE(session.ok()) << session.status();
  EXPECT_EQ(sessions_.Admit(*session, Role::kUser, "that")->name, "a.da");
  EXPECT_EQ(Code(*session, Role::kAdmin), absl::StatusCode::kPermissionDenied);
  EXPECT_FALSE(sessions_.Open("Bearer no").ok());
  EXPECT_FALSE(sessions_.Open("").ok());
}

TEST_F(SessionsTest, AreNotForged) {
  const std::string session = *sessions_.Open(Header("ada", Role::kUser));
  Header("bob", Role::kAdmin);
  for (std::size_t i = 0; i < session.size(); ++i) {
    std::string other = session;
    other[i] = other[i] == '1' ? '2' : '1';
    EXPECT_EQ(Code(other), absl::StatusCode::kUnauthenticated) << other;
  }
  for (const std::string& other :
       {std::string(), std::string("."), std::string("..."), "bob" + session.substr(3), session + "0",
        session.substr(0, session.size() - 1), *Sessions(access_).Open(Header("eve", Role::kUser))}) {
    EXPECT_EQ(Code(other), absl::StatusCode::kUnauthenticated) << other;
  }
  EXPECT_EQ(Code(session), absl::StatusCode::kOk);
}

TEST_F(SessionsTest, EndInTimeAndWithTheirToken) {
  const std::string long_lived = *sessions_.Open(Header("ada", Role::kUser));
  const std::string brief = *sessions_.Open(Header("bob", Role::kUser, now_ + absl::Hours(1)));
  now_ += absl::Hours(1);
  EXPECT_EQ(Code(brief), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Code(long_lived), absl::StatusCode::kOk);
  now_ += kSessionLife - absl::Hours(1);
  EXPECT_EQ(Code(long_lived), absl::StatusCode::kUnauthenticated);
  const std::string header = Header("eve", Role::kUser), session = *sessions_.Open(header);
  ASSERT_TRUE(RevokeToken(folder_.path(), "eve").ok());
  Header("eve", Role::kUser);  // another of that name
  EXPECT_EQ(Code(session), absl::StatusCode::kUnauthenticated);
}

}  // namespace
}  // namespace alloclab::server
