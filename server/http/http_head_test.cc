#include "server/http/http_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace alloclab::server {
namespace {

using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

TEST(ParseHead, TakesLineAndHeadersApart) {
  const auto head = ParseHead("GET /a?b=c?d HTTP/1.1\r\nHost: lab\r\nX-Y:\t z \r\n\r\nbody");
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->method, "GET");
  EXPECT_EQ(head->path, "/a");
  EXPECT_EQ(head->query, "b=c?d");
  EXPECT_THAT(head->headers, UnorderedElementsAre(Pair("Host", "lab"), Pair("X-Y", "z")));
  EXPECT_EQ(head->Header("hOsT"), "lab");
  EXPECT_EQ(head->Header("Cookie"), "");
  EXPECT_EQ(head->Count("HOST"), 1u);
  EXPECT_TRUE(ParseHead("GET / HTTP/1.0\r\n\r\n").ok());
}

TEST(ParseHead, RefusesWhatIsOdd) {
  const std::string nul("GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", 27);
  for (const std::string& bytes :
       {std::string(), std::string("\r\n\r\n"), std::string("GET / HTTP/1.1\r\n"), std::string("GET /\r\n\r\n"),
        std::string("GET  / HTTP/1.1\r\n\r\n"), std::string("GET / HTTP/1.1 \r\n\r\n"), std::string("GET / HTTP/2.0\r\n\r\n"),
        std::string("G(T / HTTP/1.1\r\n\r\n"), std::string("GET / HTTP/1.1\r\n folded\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), std::string("GET / HTTP/1.1\r\nno colon\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\n: a\r\n\r\n"), std::string("GET / HTTP/1.1\r\nA: b\rc\r\n\r\n"),
        std::string("GET / HTTP/1.1\nHost: a\n\n"), nul}) {
    const auto head = ParseHead(bytes);
    EXPECT_TRUE(absl::IsInvalidArgument(head.status())) << bytes;
    EXPECT_THAT(std::string(head.status().message()), HasSubstr("expected HTTP/1.1"));
  }
}

TEST(ParseHead, HasABound) {
  const auto bytes = [](std::size_t size) {
    const std::string begin = "GET / HTTP/1.1\r\nA: ";
    return begin + std::string(size - begin.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_TRUE(ParseHead(bytes(kHttpHeadBytesMax)).ok());
  EXPECT_FALSE(ParseHead(bytes(kHttpHeadBytesMax + 1)).ok());
}

}  // namespace
}  // namespace alloclab::server
