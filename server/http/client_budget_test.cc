#include "server/http/client_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace alloclab::server {
namespace {

class ClientBudgetTest : public testing::Test {
 protected:
  // How many of `tries` are granted.
  int Spend(const std::string& client, int tries) {
    int granted = 0;
    for (int i = 0; i < tries; ++i) granted += budget_.Take(client).has_value();
    return granted;
  }

  MonotonicTime now_ = MonotonicTime::Now();
  ClientBudget budget_{{.at_once = 10, .per_second = 2, .clients_max = 3}, [this] { return now_; }};
};

TEST_F(ClientBudgetTest, GrantsSomeAtOnceAndSoManyASecond) {
  EXPECT_EQ(Spend("a", 100), 10);
  now_ = now_ + absl::Seconds(3);
  EXPECT_EQ(Spend("a", 100), 6);
  now_ = now_ + absl::Hours(1);
  EXPECT_EQ(Spend("a", 100), 10) << "and never more";
}

TEST_F(ClientBudgetTest, EachHasItsOwn) {
  EXPECT_EQ(Spend("a", 100), 10);
  EXPECT_EQ(Spend("b", 9), 9);
  EXPECT_EQ(Spend("a", 1), 0);
  EXPECT_EQ(Spend("b", 9), 1);
}

TEST_F(ClientBudgetTest, WhoMayWaitHasWhatIsToCome) {
  ClientBudget budget{{.at_once = 2, .per_second = 4, .wait_max = absl::Milliseconds(500), .clients_max = 3},
                      [this] { return now_; }};
  const auto waits = [&] { return std::vector{budget.Take("a"), budget.Take("a"), budget.Take("a"), budget.Take("a")}; };
  EXPECT_THAT(waits(), testing::ElementsAre(absl::ZeroDuration(), absl::ZeroDuration(), absl::Milliseconds(250),
                                            absl::Milliseconds(500)));
  EXPECT_EQ(budget.Take("a"), std::nullopt);
  EXPECT_EQ(budget.Take("a"), std::nullopt) << "what is refused costs nothing";
  now_ = now_ + absl::Milliseconds(500);
  EXPECT_EQ(budget.Take("a"), absl::Milliseconds(250));
}

TEST_F(ClientBudgetTest, ForgetsOnlyWhoseBudgetIsWhole) {
  EXPECT_EQ(Spend("spent", 10), 10);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Spend(std::to_string(i), 1), 1);
    now_ = now_ + absl::Milliseconds(10);  // half of what was spent just now comes back only after 500 ms
  }
  EXPECT_EQ(Spend("spent", 10), 2) << "as it is after a second";
}

}  // namespace
}  // namespace alloclab::server
