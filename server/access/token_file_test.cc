#include "server/access/token_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kDigest[] = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";

Token Named(const std::string& name, Role role = Role::kUser, absl::Time expires = absl::InfiniteFuture()) {
  return {.name = name, .role = role, .created = absl::FromUnixSeconds(1769860800), .expires = expires, .digest = {}};
}

class TokenFile : public testing::Test {
 protected:
  std::string Folder() const { return folder_.path() / "data"; }
  std::string File() const { return Folder() + "/tokens"; }
  std::string Content() const {
    std::ostringstream text;
    text << std::ifstream(File()).rdbuf();
    return text.str();
  }
  // Why the file is refused; empty: it is not.
  std::string Refusal() const { return std::string(ReadTokenFile(Folder()).status().message()); }

  TemporaryDirectory folder_;
};

TEST_F(TokenFile, HoldsDigestsAlone) {
  const auto ada = CreateToken(Folder(), Named("ada"));
  const auto bob = CreateToken(Folder(), Named("bob", Role::kAdmin, absl::FromUnixSeconds(1801396800)));
  ASSERT_TRUE(ada.ok() && bob.ok()) << ada.status() << bob.status();
  EXPECT_EQ(ada->size(), 9u + 43);
  EXPECT_NE(*ada, *bob);
  EXPECT_THAT(Content(), Not(HasSubstr(ada->substr(9))));
  const auto read = ReadTokenFile(Folder());
  ASSERT_TRUE(read.ok() && read->has_value()) << read.status();
  ASSERT_EQ((*read)->size(), 2u);
  EXPECT_EQ(FindBySecret(**read, *ada)->name, "ada");
  EXPECT_EQ(FindBySecret(**read, *bob)->role, Role::kAdmin);
  EXPECT_EQ(FindBySecret(**read, *bob)->expires, absl::FromUnixSeconds(1801396800));
  EXPECT_EQ(FindBySecret(**read, *bob + "x"), nullptr);
  EXPECT_EQ(FindBySecret(**read, DigestOfSecret(*bob)), nullptr);
  struct stat status {};
  ASSERT_EQ(stat(File().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_EQ(stat(Folder().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
}

TEST_F(TokenFile, StaysWhenTheLastTokenIsRevoked) {
  EXPECT_TRUE(ReadTokenFile(Folder()).ok() && !ReadTokenFile(Folder())->has_value());
  ASSERT_TRUE(CreateToken(Folder(), Named("ada")).ok());
  EXPECT_EQ(CreateToken(Folder(), Named("ada")).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(RevokeToken(Folder(), "bob").message()),
              HasSubstr("there is no token bob in " + Folder() + "; there are ada"));
  ASSERT_TRUE(RevokeToken(Folder(), "ada").ok());
  EXPECT_THAT(std::string(RevokeToken(Folder(), "ada").message()), HasSubstr("; there is none at all"));
  EXPECT_EQ((*ReadTokenFile(Folder()))->size(), 0u);
}

TEST_F(TokenFile, NamesAndTheirNumberAreBounded) {
  for (const std::string& name :
       {std::string(), std::string("-a"), std::string("a b"), std::string("a\n"), std::string(65, 'a')}) {
    EXPECT_EQ(CreateToken(Folder(), Named(name)).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
  EXPECT_TRUE(CreateToken(Folder(), Named(std::string(64, 'a'))).ok());
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < kTokensMax; ++i) {
    tokens.push_back(Named(absl::StrCat(std::string(60, 'b'), i)));
    tokens.back().digest = kDigest;
  }
  const std::string full = FormatTokens(tokens);
  EXPECT_LE(full.size(), kTokenFileBytesMax);
  std::ofstream(File()) << full;
  EXPECT_EQ(Refusal(), "");
  EXPECT_THAT(std::string(CreateToken(Folder(), Named("c")).status().message()), HasSubstr("256 tokens already"));
  EXPECT_EQ(Content(), full);
  EXPECT_TRUE(RevokeToken(Folder(), tokens[0].name).ok());
  EXPECT_TRUE(CreateToken(Folder(), Named("c")).ok());
  std::ofstream(File()) << full << "c user 2026-01-31T12:00:00Z never " << kDigest << "\n";
  EXPECT_THAT(Refusal(), HasSubstr("tokens:258: more than 256 tokens"));
}

TEST_F(TokenFile, WhatIsDamagedIsRefusedWithItsLine) {
  ASSERT_TRUE(CreateToken(Folder(), Named("ada")).ok());
  const std::string heading = "alloclab tokens 1\n", rest = absl::StrCat(" 2026-01-31T12:00:00Z never ", kDigest);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "tokens:1: expected \"alloclab tokens 1\""},
      {"alloclab tokens 2\n", "tokens:1: expected"},
      {heading + "ada user" + rest, "tokens:2: the file ends within a line"},
      {heading + "ada user" + rest + "\n\n", "tokens:3: expected NAME ROLE"},
      {heading + "ada root" + rest + "\n", "tokens:2: \"root\" is no role; expected viewer, user, admin"},
      {heading + "a/da user" + rest + "\n", "tokens:2: \"a/da\" is no name"},
      {heading + "ada user" + rest + "0\n", "tokens:2: expected 64 hex digits"},
      {heading + "ada user 2026-01-31 never " + kDigest + "\n", "tokens:2: expected times"},
      {heading + "ada user 2026-01-31T12:00:00Z infinite-future " + kDigest + "\n", "tokens:2: expected times"},
      {heading + "ada user" + rest + "\nada user" + rest + "\n", "tokens:3: ada is there twice"},
      {std::string(kTokenFileBytesMax + 1, 'x'), "tokens: more than 65536 bytes"},
  };
  for (const auto& [content, what] : cases) {
    std::ofstream(File()) << content;
    EXPECT_THAT(Refusal(), HasSubstr(what));
    EXPECT_EQ(ReadTokenFile(Folder()).status().code(), absl::StatusCode::kDataLoss);
    EXPECT_FALSE(CreateToken(Folder(), Named("bob")).ok());
    EXPECT_EQ(Content(), content) << "was changed";
  }
}

TEST_F(TokenFile, WhatOthersMayWriteIsNotTrusted) {
  ASSERT_TRUE(CreateToken(Folder(), Named("ada")).ok());
  ASSERT_EQ(chmod(File().c_str(), 0620), 0);
  EXPECT_THAT(Refusal(), HasSubstr("others may write it; expected mode 0600"));
  ASSERT_EQ(chmod(File().c_str(), 0640), 0);
  EXPECT_EQ(Refusal(), "");
  std::filesystem::rename(File(), File() + ".other");
  std::filesystem::create_symlink(File() + ".other", File());
  EXPECT_THAT(Refusal(), HasSubstr("cannot be read"));
  std::filesystem::remove(File());
  ASSERT_EQ(mkfifo(File().c_str(), 0600), 0);
  EXPECT_THAT(Refusal(), HasSubstr("is no regular file"));
  std::filesystem::remove(File());
  std::filesystem::create_directory(File());
  EXPECT_THAT(Refusal(), HasSubstr("is no regular file"));
}

TEST_F(TokenFile, BelongsToTheOwnerOfItsFolder) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  std::filesystem::create_directory(Folder());
  ASSERT_EQ(chown(Folder().c_str(), 12345, 12345), 0);
  ASSERT_TRUE(CreateToken(Folder(), Named("ada")).ok());
  for (const std::string& file : {File(), File() + ".lock"}) {
    struct stat status {};
    ASSERT_EQ(stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 12345u) << file;
  }
  EXPECT_EQ(Refusal(), "");
  ASSERT_EQ(chown(File().c_str(), 54321, 54321), 0);
  EXPECT_THAT(Refusal(), HasSubstr("belongs to another user"));
}

TEST_F(TokenFile, WritersDoNotLoseWhatOthersWrote) {
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([this, i] {
      for (int j = 0; j < 8; ++j) EXPECT_TRUE(CreateToken(Folder(), Named(absl::StrCat("t", i, "-", j))).ok());
    });
  }
  for (int i = 0; i < 200; ++i) EXPECT_EQ(Refusal(), "");  // never half of it
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ((*ReadTokenFile(Folder()))->size(), 32u);
}

TEST(Secrets, StandInAHeader) {
  EXPECT_EQ(SecretOfHeader("Bearer abc"), "abc");
  EXPECT_EQ(SecretOfHeader("bearer abc"), "abc");
  for (const char* header : {"", "Bearer", "Bearer ", "Basic abc", "abc"}) EXPECT_EQ(SecretOfHeader(header), "") << header;
  EXPECT_EQ(SecretOfHeader("Bearer " + std::string(kSecretBytesMax, 'a')).size(), kSecretBytesMax);
  EXPECT_EQ(SecretOfHeader("Bearer " + std::string(kSecretBytesMax + 1, 'a')), "");
  std::set<std::string> secrets;
  for (int i = 0; i < 100; ++i) secrets.insert(MakeSecret());
  EXPECT_EQ(secrets.size(), 100u);
}

}  // namespace
}  // namespace alloclab::server
