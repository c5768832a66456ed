#include "server/http/http_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace alloclab::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ParseTarget, TakesPathAndQueryApart) {
  const auto request = ParseTarget("/api/instances/demo%2D1/map", "cells=0x100&from=4Ki");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_THAT(request->path, ElementsAre("api", "instances", "demo-1", "map"));
  EXPECT_EQ(request->Number("cells", 1, 1, 1000).value(), 256);
  EXPECT_EQ(request->Number("from", 0, 0, UINT32_MAX).value(), 4096);
  EXPECT_EQ(request->Number("limit", 7, 1, 10).value(), 7);
}

TEST(ParseTarget, RootHasNoParts) {
  EXPECT_THAT(ParseTarget("/", "")->path, IsEmpty());
  EXPECT_THAT(ParseTarget("//api///runs", "")->path, ElementsAre("api", "runs"));
}

TEST(ParseTarget, RefusesWhatIsOdd) {
  const struct {
    std::string path, query, says;
  } cases[] = {
      {"", "", "starts with /"},
      {"api", "", "starts with /"},
      {"http://elsewhere/", "", "starts with /"},
      {"/%", "", "bad escape"},
      {"/%4", "", "bad escape"},
      {"/%4g", "", "bad escape"},
      {"/a%00b", "", "unprintable"},
      {"/a%0d%0aSet-Cookie:x", "", "unprintable"},
      {"/%c3%28", "", "unprintable"},
      {"/\xff", "", "unprintable"},
      {"/../etc/passwd", "", "expected no"},
      {"/%2e%2e/etc/passwd", "", "expected no"},
      {"/..%2fetc%2fpasswd", "", "expected no"},
      {"/a%5cb", "", "expected no"},
      {"/./x", "", "expected no"},
      {"/api", "a=1&a=2", "twice"},
      {"/api", "a=%zz", "bad escape"},
      {"/api", "%", "bad escape"},
      {"/api", "a=\x01", "unprintable"},
      {"/" + std::string(3000, 'a'), "", "too long"},
      {"/", std::string(3000, '&'), "too long"},
  };
  for (const auto& c : cases) {
    const auto request = ParseTarget(c.path, c.query);
    ASSERT_FALSE(request.ok()) << c.path << "?" << c.query;
    EXPECT_EQ(request.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(request.status().message()), HasSubstr(c.says)) << c.path << "?" << c.query;
  }
}

TEST(HttpRequest, NumbersAreCheckedAndNamed) {
  for (const char* value : {"", "-1", "1.5", "0x", "99", "18446744073709551616", "1e3", "0", "%31%30%30%30"}) {
    const auto request = ParseTarget("/", std::string("cells=") + value);
    ASSERT_TRUE(request.ok()) << value;
    const auto number = request->Number("cells", 5, 1, 10);
    ASSERT_FALSE(number.ok()) << value;
    EXPECT_THAT(std::string(number.status().message()), HasSubstr("parameter cells="));
    EXPECT_THAT(std::string(number.status().message()), HasSubstr("from 1 to 10"));
  }
}

TEST(HttpRequest, UnknownParametersAreNamed) {
  const auto request = ParseTarget("/", "cels=5");
  EXPECT_EQ(request->CheckParameters({"cells", "from"}).message(), "unknown parameter \"cels\": expected cells, from");
  EXPECT_EQ(request->CheckParameters({}).message(), "unknown parameter \"cels\": expected none");
}

// Whatever the bytes: an answer, and what is accepted is printable ASCII without separators.
TEST(ParseTarget, RandomBytes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::string alphabet = "/%&=?.\\+ 0123456789abcdefABCDEF\xff\x01\n" + std::string(1, '\0');
  for (int i = 0; i < 200'000; ++i) {
    std::string path = "/", query;
    for (auto n = random() % 24; n > 0; --n) path.push_back(alphabet[random() % alphabet.size()]);
    for (auto n = random() % 24; n > 0; --n) query.push_back(alphabet[random() % alphabet.size()]);
    const auto request = ParseTarget(path, query);
    if (!request.ok()) continue;
    for (const std::string& part : request->path) {
      ASSERT_NE(part, "..");
      for (const char c : part) ASSERT_TRUE(c >= 0x20 && c < 0x7f && c != '/' && c != '\\') << path;
    }
  }
}

}  // namespace
}  // namespace alloclab::server
