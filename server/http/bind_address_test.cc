#include "server/http/bind_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/http/unix_socket.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;

TEST(BindAddress, Parses) {
  for (const char* text : {"127.0.0.1:0", "localhost:7411", "[::1]:65535", "0.0.0.0:1", "*:7411"}) {
    const auto address = ParseBindAddress("--listen", text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(ToString(*address), text);
  }
  for (const char* text : {"", "127.0.0.1", ":7411", "a:b", "a:70000", "a:-1", "::1:80", "a:1x"}) {
    const auto address = ParseBindAddress("--listen", text);
    EXPECT_TRUE(absl::IsInvalidArgument(address.status())) << text;
    EXPECT_THAT(std::string(address.status().message()), HasSubstr("--listen"));
  }
  for (const char* text : {"127.0.0.1:1", "localhost:1", "[::1]:1"}) EXPECT_TRUE(IsLoopback(*ParseBindAddress(text))) << text;
  for (const char* text : {"0.0.0.0:1", "*:1", "[::]:1", "127.example.org:1"})
    EXPECT_FALSE(IsLoopback(*ParseBindAddress(text))) << text;
}

TEST(BindAddress, UnixSocketsWhereTheyAreAllowed) {
  const std::string longest = "unix:/" + std::string(kSocketPathMax - 1, 'x');
  for (const std::string& text : {std::string("unix:lab.sock"), std::string("unix:/run/lab-1.sock"), longest}) {
    const auto address = ParseBindAddress(text, Sockets::kTcpAndUnix);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(ToString(*address), text);
    EXPECT_TRUE(IsLoopback(*address));
    EXPECT_EQ(ToString(SeenFromThisHost(*address)), text);
    EXPECT_THAT(std::string(ParseBindAddress(text).status().message()), HasSubstr("HOST:PORT is expected"));
  }
  EXPECT_EQ(ToString(*ParseBindAddress("unix:///run/lab.sock", Sockets::kTcpAndUnix)), "unix:/run/lab.sock");
  const auto error = [](const std::string& text) {
    return std::string(ParseBindAddress("--listen", text, Sockets::kTcpAndUnix).status().message());
  };
  EXPECT_THAT(error("unix:"), HasSubstr("--listen: \"unix:\" names no file"));
  EXPECT_THAT(error(longest + "x"), HasSubstr("at most 107 bytes, and \"/xxx"));
  EXPECT_THAT(error(longest + "x"), HasSubstr("has 108"));
  EXPECT_THAT(error("unix:/a b"), HasSubstr("byte 8 of \"unix:/a b\" does not fit"));
}

TEST(BindAddress, EveryAddressIsReachedAtLoopback) {
  const auto seen = [](const char* text) { return ToString(SeenFromThisHost(*ParseBindAddress(text))); };
  EXPECT_EQ(seen("*:7411"), "localhost:7411");
  EXPECT_EQ(seen("[::]:7411"), "localhost:7411");
  EXPECT_EQ(seen("[0:0:0:0:0:0:0:0]:7411"), "localhost:7411");
  EXPECT_EQ(seen("0.0.0.0:7411"), "127.0.0.1:7411");
  EXPECT_EQ(seen("0:7411"), "127.0.0.1:7411");
  EXPECT_EQ(seen("127.0.0.2:7411"), "127.0.0.2:7411");
  EXPECT_EQ(seen("[::1]:7411"), "[::1]:7411");
  EXPECT_EQ(seen("lab.invalid:7411"), "lab.invalid:7411");
}

TEST(BindAddress, CollidesWithTheSameAddress) {
  const auto collide = [](const std::string& one, const std::string& other) {
    return Collide(*ParseBindAddress(one, Sockets::kTcpAndUnix), *ParseBindAddress(other, Sockets::kTcpAndUnix));
  };
  EXPECT_TRUE(collide("127.0.0.1:7411", "127.0.0.1:7411"));
  EXPECT_TRUE(collide("localhost:7411", "127.0.0.1:7411"));
  EXPECT_TRUE(collide("0.0.0.0:7411", "127.0.0.1:7411"));
  EXPECT_TRUE(collide("127.0.0.1:7411", "*:7411"));
  EXPECT_TRUE(collide("unix:/x", "unix:/x"));
  EXPECT_FALSE(collide("127.0.0.1:7411", "127.0.0.2:7411"));
  EXPECT_FALSE(collide("127.0.0.1:7411", "127.0.0.1:7412"));
  EXPECT_FALSE(collide("127.0.0.1:0", "127.0.0.1:0"));
  EXPECT_FALSE(collide("unix:/x", "unix:/y"));
  EXPECT_FALSE(collide("unix:/x", "127.0.0.1:7411"));
}

}  // namespace
}  // namespace alloclab::server
