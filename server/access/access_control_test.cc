#include "server/access/access_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "server/access/owner.h"
#include "server/access/token_file.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using ::testing::HasSubstr;

class Access : public testing::Test {
 protected:
  // The header that shows a new token.
  std::string Header(const std::string& name, Role role, absl::Time expires = absl::InfiniteFuture()) const {
    const auto secret = CreateToken(
        folder_.path(), {.name = name, .role = role, .created = absl::UnixEpoch(), .expires = expires, .digest = {}});
    EXPECT_TRUE(secret.ok()) << secret.status();
    return "Bearer " + *secret;
  }
  absl::StatusCode Code(const std::string& header, Role least) { return access_.Admit(header, least, "that").status().code(); }

  TemporaryDirectory folder_;
  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  AccessControl access_{folder_.path(), [this] { return now_; }};
};

TEST_F(Access, WithoutTokensEverybodyMayDoEverything) {
  EXPECT_TRUE(access_.Refresh().ok());
  EXPECT_FALSE(access_.in_force());
  const auto bearer = access_.Admit("", Role::kAdmin, "that");
  ASSERT_TRUE(bearer.ok());
  EXPECT_EQ(bearer->name, "");
}

TEST_F(Access, EachRoleMayDoWhatTheLowerOnesMay) {
  const std::array headers{Header("v", Role::kViewer), Header("u", Role::kUser), Header("a", Role::kAdmin)};
  ASSERT_TRUE(access_.Refresh().ok());
  for (std::size_t has = 0; has < kRoles; ++has) {
    for (std::size_t needs = 0; needs < kRoles; ++needs) {
      EXPECT_EQ(Code(headers[has], static_cast<Role>(needs)),
                has >= needs ? absl::StatusCode::kOk : absl::StatusCode::kPermissionDenied);
    }
  }
  EXPECT_EQ(access_.Admit(headers[0], Role::kUser, "that").status().message(),
            "token v is of role viewer; that is for role user or above");
  EXPECT_EQ(access_.Identify(headers[1]).name, "u");
  EXPECT_EQ(access_.Identify("Bearer no").name, "");
}

TEST_F(Access, OfDenialsTheFirstIsToldAndTheRestCounted) {
  EXPECT_TRUE(access_.TellsDenied("vic"));
  EXPECT_TRUE(access_.TellsDenied("eve"));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(access_.TellsDenied("vic"));
  EXPECT_EQ(access_.TakeUntold(), (std::map<std::string, std::uint64_t>{{"vic", 3}}));
  EXPECT_TRUE(access_.TellsDenied("vic"));
  EXPECT_TRUE(access_.TakeUntold().empty());
}

TEST_F(Access, NobodyElseIsLetIn) {
  const std::string good = Header("ada", Role::kUser, now_ + absl::Seconds(10));
  ASSERT_TRUE(access_.Refresh().ok());
  for (const std::string& header :
       {std::string(), std::string("Bearer x"), "Basic " + good.substr(7), good + "x", good.substr(7)}) {
    EXPECT_EQ(Code(header, Role::kViewer), absl::StatusCode::kUnauthenticated) << header;
  }
  EXPECT_EQ(access_.wrong_tokens(), 4u);
  EXPECT_EQ(Code(good, Role::kUser), absl::StatusCode::kOk);
  now_ += absl::Seconds(10);
  EXPECT_THAT(std::string(access_.Admit(good, Role::kUser, "that").status().message()), HasSubstr("token ada has expired"));
}

TEST_F(Access, ChangesOfTheFileAreTakenUpAndNeverOpenTheLab) {
  EXPECT_TRUE(access_.Refresh().ok());
  const std::string ada = Header("ada", Role::kUser);
  EXPECT_TRUE(access_.Refresh().ok());
  EXPECT_TRUE(access_.in_force());
  const std::string bob = Header("bob", Role::kAdmin);
  EXPECT_TRUE(access_.Refresh().ok());
  EXPECT_EQ(Code(bob, Role::kAdmin), absl::StatusCode::kOk);
  ASSERT_TRUE(RevokeToken(folder_.path(), "ada").ok());
  EXPECT_TRUE(access_.Refresh().ok());
  EXPECT_EQ(Code(ada, Role::kViewer), absl::StatusCode::kUnauthenticated);

  const std::string file = TokenFilePath(folder_.path());
  std::filesystem::rename(file, file + ".away");
  EXPECT_THAT(std::string(access_.Refresh().message()), HasSubstr("is gone, so that nobody is let in"));
  EXPECT_EQ(Code(bob, Role::kViewer), absl::StatusCode::kUnauthenticated);
  std::ofstream(file) << "rubbish";
  EXPECT_EQ(access_.Refresh().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Code(bob, Role::kViewer), absl::StatusCode::kUnauthenticated);
  std::filesystem::rename(file + ".away", file);
  EXPECT_TRUE(access_.Refresh().ok());
  EXPECT_EQ(Code(bob, Role::kViewer), absl::StatusCode::kOk);
}

TEST_F(Access, AFloodOfWrongTokensIsTurnedAwayAndRightOnesAreNot) {
  const std::string good = Header("ada", Role::kUser);
  ASSERT_TRUE(access_.Refresh().ok());
  int told = 0;
  for (int i = 0; i < 1000; ++i) {
    told += Code("Bearer x", Role::kViewer) == absl::StatusCode::kUnauthenticated ? 1 : 0;
    ASSERT_EQ(Code(good, Role::kUser), absl::StatusCode::kOk);
  }
  EXPECT_GE(told, static_cast<int>(kWrongTokensPerSecond));
  EXPECT_LE(told, 4 * static_cast<int>(kWrongTokensPerSecond));  // a slow host
}

TEST(Owners, HeAndAdminsMayChangeWhatIsHis) {
  EXPECT_TRUE(CheckOwner({.name = "", .role = Role::kAdmin}, "ada", "run 7").ok()) << "without tokens";
  EXPECT_TRUE(CheckOwner({.name = "ada", .role = Role::kUser}, "ada", "run 7").ok());
  EXPECT_TRUE(CheckOwner({.name = "root", .role = Role::kAdmin}, "ada", "run 7").ok());
  EXPECT_EQ(CheckOwner({.name = "bob", .role = Role::kUser}, "ada", "run 7"),
            absl::PermissionDeniedError("run 7 belongs to ada: only ada and admins may change it, not bob"));
  EXPECT_EQ(CheckOwner({.name = "bob", .role = Role::kUser}, "", "run 7"),
            absl::PermissionDeniedError("run 7 was made without a token, so that only an admin may change it; bob is none"));
}

}  // namespace
}  // namespace alloclab::server
