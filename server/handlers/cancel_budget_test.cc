#include "server/handlers/cancel_budget.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/time/time.h"

namespace alloclab::server {
namespace {

class CancelBudgetTest : public testing::Test {
 protected:
  // How many of `tries` are granted.
  int Spend(const std::string& client, int tries) {
    int granted = 0;
    for (int i = 0; i < tries; ++i) granted += budget_.Spend(client);
    return granted;
  }

  MonotonicTime now_ = MonotonicTime::Now();
  CancelBudget budget_{{.at_once = 10, .per_second = 2, .clients_max = 3}, [this] { return now_; }};
};

TEST_F(CancelBudgetTest, GrantsSomeAtOnceAndSoManyASecond) {
  EXPECT_EQ(Spend("a", 100), 10);
  now_ = now_ + absl::Seconds(3);
  EXPECT_EQ(Spend("a", 100), 6);
  now_ = now_ + absl::Hours(1);
  EXPECT_EQ(Spend("a", 100), 10) << "and never more";
}

TEST_F(CancelBudgetTest, EachHasItsOwn) {
  EXPECT_EQ(Spend("a", 100), 10);
  EXPECT_EQ(Spend("b", 9), 9);
  EXPECT_EQ(Spend("a", 1), 0);
  EXPECT_EQ(Spend("b", 9), 1);
}

TEST_F(CancelBudgetTest, ForgetsOnlyWhoseBudgetIsWhole) {
  EXPECT_EQ(Spend("spent", 10), 10);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Spend(std::to_string(i), 1), 1);
    now_ = now_ + absl::Milliseconds(10);  // half of what was spent just now comes back only after 500 ms
  }
  EXPECT_EQ(Spend("spent", 10), 2) << "as it is after a second";
}

}  // namespace
}  // namespace alloclab::server
