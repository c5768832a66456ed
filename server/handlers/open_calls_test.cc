#include "server/handlers/open_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace alloclab::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class OpenCallsTest : public testing::Test {
 protected:
  absl::Status Admit(OpenCalls& calls, int call, const std::string& client = "a", const std::string& owner = "") {
    return calls.Admit(&keys_[static_cast<std::size_t>(call)], {client, owner}, absl::ResourceExhaustedError("full"),
                       [this, call](const absl::Status& status) {
                         ended_.push_back(call);
                         last_ = status;
                       });
  }
  const void* Key(int call) const { return &keys_[static_cast<std::size_t>(call)]; }
  void Pass(absl::Duration time) { now_ = now_ + time; }

  std::array<char, 16> keys_{};
  std::vector<int> ended_;
  absl::Status last_;
  MonotonicTime now_ = MonotonicTime::Now();
};

TEST_F(OpenCallsTest, AdmitsSoManyAndOfOneClientSoMany) {
  OpenCalls calls({.max = 3, .of_one_client = 2});
  EXPECT_TRUE(Admit(calls, 0, "a").ok());
  EXPECT_TRUE(Admit(calls, 1, "a").ok());
  EXPECT_EQ(Admit(calls, 2, "a").message(), "full");
  EXPECT_TRUE(Admit(calls, 2, "b").ok());
  EXPECT_EQ(Admit(calls, 3, "c").message(), "full");
  calls.Leave(Key(0));
  EXPECT_TRUE(Admit(calls, 3, "a").ok());
  EXPECT_EQ(calls.size(), 3u);
  EXPECT_THAT(ended_, ElementsAre());
}

TEST_F(OpenCallsTest, AnOwnerHasHalfOfThemOnHoweverManyConnections) {
  OpenCalls calls({.max = 4});
  EXPECT_TRUE(Admit(calls, 0, "a", "bob").ok());
  EXPECT_TRUE(Admit(calls, 1, "b", "bob").ok());
  EXPECT_EQ(Admit(calls, 2, "c", "bob").message(), "full");
  EXPECT_TRUE(Admit(calls, 2, "d", "ada").ok());
  calls.Leave(Key(0));
  EXPECT_TRUE(Admit(calls, 0, "c", "bob").ok());
  EXPECT_TRUE(Admit(calls, 3, "e").ok()) << "nobody's";
}

TEST_F(OpenCallsTest, WhoIsKnownByNameAloneHasNoConnectionThatIsFull) {
  OpenCalls calls({.max = 4, .of_one_client = 1});
  EXPECT_TRUE(Admit(calls, 0, "", "bob").ok());
  EXPECT_TRUE(Admit(calls, 1, "", "bob").ok());
  EXPECT_EQ(Admit(calls, 2, "", "bob").message(), "full") << "half of all";
  EXPECT_TRUE(Admit(calls, 2, "", "ada").ok());
  EXPECT_TRUE(Admit(calls, 3, "a").ok());
  calls.Leave(Key(0));
  EXPECT_EQ(Admit(calls, 0, "a").message(), "full");
}

TEST_F(OpenCallsTest, TheLongestSilentMakesRoom) {
  OpenCalls calls({.max = 2, .of_one_client = 2, .silence = absl::Seconds(1)}, [this] { return now_; });
  EXPECT_TRUE(Admit(calls, 0).ok());
  EXPECT_TRUE(Admit(calls, 1).ok());
  Pass(absl::Milliseconds(999));
  EXPECT_EQ(Admit(calls, 2, "b").message(), "full");
  calls.Heard(Key(0));
  Pass(absl::Milliseconds(1));
  EXPECT_TRUE(Admit(calls, 2, "b").ok());
  EXPECT_THAT(ended_, ElementsAre(1));
  EXPECT_TRUE(absl::IsResourceExhausted(last_));
  EXPECT_THAT(std::string(last_.message()), HasSubstr("silent for 1s"));
  EXPECT_EQ(Admit(calls, 3, "b").message(), "full");
  calls.Leave(Key(1));  // it was gone already
  EXPECT_EQ(calls.size(), 2u);
}

TEST_F(OpenCallsTest, DrainTellsAllOnce) {
  OpenCalls calls(2);
  EXPECT_TRUE(Admit(calls, 0).ok());
  EXPECT_TRUE(Admit(calls, 1).ok());
  calls.Drain();
  calls.Drain();
  EXPECT_EQ(ended_.size(), 2u);
  EXPECT_TRUE(absl::IsUnavailable(Admit(calls, 2)));
}

}  // namespace
}  // namespace alloclab::server
