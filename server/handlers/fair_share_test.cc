#include "server/handlers/fair_share.h"

#include <gtest/gtest.h>

#include <string>

namespace alloclab::server {
namespace {

class FairShareTest : public testing::Test {
 protected:
  // Whether the last of so many calls was one too many.
  bool Count(const std::string& owner, int calls) {
    bool asks_much = false;
    for (int i = 0; i < calls; ++i) asks_much = shares_.Count(owner);
    return asks_much;
  }

  MonotonicTime now_ = MonotonicTime::Now();
  FairShare shares_{[this] { return now_; }};
};

TEST_F(FairShareTest, AloneNobodyAsksTooMuch) { EXPECT_FALSE(Count("ada", 10'000)); }

TEST_F(FairShareTest, MoreThanOneAndAHalfEvenSharesAreTooMuch) {
  EXPECT_FALSE(Count("ada", 100));
  EXPECT_FALSE(Count("bob", 300)) << "three quarters, of two owners";
  EXPECT_TRUE(Count("bob", 1));
  EXPECT_FALSE(Count("ada", 1));
  EXPECT_FALSE(Count("ann", 300)) << "three owners have a third each: half of all is not too much";
  EXPECT_FALSE(Count("bob", 1)) << "nor for him, now that there are three";
  EXPECT_TRUE(Count("bob", 150));
}

TEST_F(FairShareTest, FewCallsAreNeverTooMany) {
  Count("ada", 1);
  EXPECT_FALSE(Count("bob", FairShare::kFewCalls));
  EXPECT_TRUE(Count("bob", 1));
}

TEST_F(FairShareTest, WhoCalledLatelyIsOneOfThoseWhoShare) {
  Count("ada", 1);
  now_ = now_ + FairShare::kPresence - FairShare::kSpan;
  EXPECT_TRUE(Count("bob", 100));
  now_ = now_ + FairShare::kSpan;
  EXPECT_FALSE(Count("bob", 100)) << "he is alone";
}

TEST_F(FairShareTest, WhoWasAloneDoesNotStandBehindAFloodThatBegins) {
  EXPECT_FALSE(Count("ada", 10'000));
  now_ = now_ + FairShare::kSpan;
  EXPECT_FALSE(Count("bob", 200));
  EXPECT_TRUE(Count("ada", 100)) << "what she asked just now still counts";
  now_ = now_ + FairShare::kSpan;
  EXPECT_TRUE(Count("bob", 400));
  EXPECT_FALSE(Count("ada", 100));
}

}  // namespace
}  // namespace alloclab::server
