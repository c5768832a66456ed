#include "server/handlers/owner_connections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace alloclab::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class OwnerConnectionsTest : public testing::Test {
 protected:
  bool Calls(const std::string& connection, const std::string& owner) {
    connections_.Enter(connection);
    return connections_.Call(connection, owner).ok();
  }

  std::vector<std::string> hung_up_on_;
  OwnerConnections connections_{2, [this](const std::string& connection) { hung_up_on_.push_back(connection); }};
};

TEST_F(OwnerConnectionsTest, OneOwnerHasABoundedNumber) {
  EXPECT_TRUE(Calls("a", "ada"));
  EXPECT_TRUE(Calls("b", "ada"));
  EXPECT_TRUE(Calls("a", "ada")) << "any number of calls over one of hers";
  connections_.Enter("c");
  const absl::Status third = connections_.Call("c", "ada");
  EXPECT_EQ(third.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(third.message(), HasSubstr("ada has 2 connections"));
  EXPECT_THAT(third.message(), HasSubstr("--owner-connections-max"));
  EXPECT_THAT(hung_up_on_, ElementsAre("c"));
  EXPECT_EQ(connections_.Call("c", "ada").code(), absl::StatusCode::kCancelled) << "again";
  EXPECT_THAT(hung_up_on_, ElementsAre("c")) << "once";
  EXPECT_TRUE(Calls("d", "bob"));
}

TEST_F(OwnerConnectionsTest, WhoseItIsDependsOnTheFirstCall) {
  EXPECT_TRUE(Calls("a", "ada"));
  EXPECT_TRUE(Calls("a", "bob")) << "a proxy";
  EXPECT_TRUE(Calls("b", "bob"));
  EXPECT_TRUE(Calls("c", "bob"));
  EXPECT_FALSE(Calls("d", "bob"));
}

TEST_F(OwnerConnectionsTest, OneThatWasClosedCountsNoMore) {
  EXPECT_TRUE(Calls("a", "ada"));
  EXPECT_TRUE(Calls("b", "ada"));
  connections_.Leave("a");
  connections_.Leave("a");
  EXPECT_TRUE(connections_.Call("a", "ada").ok()) << "a call that was under way";
  EXPECT_TRUE(Calls("c", "ada"));
  EXPECT_FALSE(Calls("d", "ada"));
}

TEST_F(OwnerConnectionsTest, StrangersAreKnownOnceOwnersCall) {
  for (const char* connection : {"a", "b", "c", "d"}) connections_.Enter(connection);
  EXPECT_EQ(connections_.LongestStranger(), "") << "where nobody has a token nobody is a stranger";
  EXPECT_TRUE(Calls("a", "ada"));
  EXPECT_EQ(connections_.LongestStranger(), "b");
  connections_.Leave("b");
  EXPECT_EQ(connections_.LongestStranger(), "c");
  EXPECT_TRUE(Calls("d", "bob"));
  EXPECT_TRUE(Calls("c", "bob"));
  EXPECT_EQ(connections_.LongestStranger(), "");
  connections_.Leave("a");
  EXPECT_EQ(connections_.LongestStranger(), "");
}

TEST_F(OwnerConnectionsTest, OfAUnixSocketIsNobodys) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Calls("", "ada"));
}

}  // namespace
}  // namespace alloclab::server
