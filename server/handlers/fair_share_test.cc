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

TEST_F(FairShareTest, WhoCalledLatelyIsRemembered) {
  Count("ada", 1);
  EXPECT_TRUE(Count("bob", 100));
  now_ = now_ + FairShare::kSpan;
  EXPECT_TRUE(Count("bob", 1)) << "she called in the span before";
  now_ = now_ + FairShare::kSpan;
  EXPECT_FALSE(Count("bob", 1)) << "he is alone";
}

TEST_F(FairShareTest, AfterAPauseAllBeginsAnew) {
  Count("ada", 1);
  EXPECT_TRUE(Count("bob", 100));
  now_ = now_ + 2 * FairShare::kSpan;
  EXPECT_FALSE(Count("bob", 1)) << "she has not called for two spans";
}

}  // namespace
}  // namespace alloclab::server
