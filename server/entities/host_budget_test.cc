#include "server/entities/host_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace alloclab::server {
namespace {

using testing::HasSubstr;

constexpr HostBudgetLimits kLimits{.promised_ram_bytes = 100, .held_bytes = 1000, .handles = 10};

TEST(HostBudget, PromisesRamUpToTheLimitAndTakesItBack) {
  HostBudget budget(kLimits);
  EXPECT_TRUE(budget.Promise(60).ok());
  EXPECT_TRUE(budget.Promise(40).ok());
  const absl::Status refused = budget.Promise(1);
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("1 bytes more than the 100 promised"));
  EXPECT_EQ(budget.promised_ram_bytes(), 100u) << "a refused promise must take nothing";
  budget.Release(60);
  EXPECT_TRUE(budget.Promise(60).ok());
}

TEST(HostBudget, APromiseThatWouldOverflowIsRefused) {
  HostBudget budget(kLimits);
  ASSERT_TRUE(budget.Promise(50).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(budget.Promise(~0ull)));
  EXPECT_EQ(budget.promised_ram_bytes(), 50u);
}

TEST(HostBudget, HandlesAreLimitedAndReturned) {
  HostBudget budget(kLimits);
  EXPECT_TRUE(budget.TakeHandles(10).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(budget.TakeHandles(1)));
  budget.ReturnHandles(3);
  EXPECT_TRUE(budget.TakeHandles(3).ok());
}

TEST(HostBudget, MemoryIsTakenUpToTheLimitAndSettled) {
  HostBudget budget(kLimits);
  EXPECT_TRUE(budget.TakeMemory(999).ok());
  const absl::Status refused = budget.TakeMemory(2);
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("2 bytes more than the 999 held"));
  EXPECT_EQ(budget.held_bytes(), 999u) << "a refusal must take nothing";
  EXPECT_TRUE(budget.TakeMemory(1).ok());
  budget.Settle(1000, 1010);
  EXPECT_TRUE(absl::IsResourceExhausted(budget.TakeMemory(0))) << "what gives back may pass the limit, nothing else";
  EXPECT_TRUE(absl::IsResourceExhausted(budget.TakeMemory(~0ull)));
  budget.Settle(1010, 10);
  EXPECT_TRUE(budget.TakeMemory(990).ok());
}

TEST(HostBudget, OneOwnerHasAPartOfIt) {
  const auto whole =
      std::make_shared<HostBudget>(kLimits, HostBudgetLimits{.promised_ram_bytes = 50, .held_bytes = 500, .handles = 5});
  const auto of_bob = whole->Of("bob"), of_ada = whole->Of("ada");
  EXPECT_EQ(whole->Of(""), whole) << "nobody has no bound of his own";
  EXPECT_EQ(whole->Of("bob"), of_bob);
  ASSERT_TRUE(of_bob->TakeMemory(500).ok());
  ASSERT_TRUE(of_bob->Promise(50).ok());
  ASSERT_TRUE(of_bob->TakeHandles(5).ok());
  const auto said = [](const absl::Status& refused) {
    EXPECT_TRUE(absl::IsResourceExhausted(refused));
    return std::string(refused.message());
  };
  EXPECT_THAT(said(whole->Of("bob")->TakeMemory(1)), HasSubstr("of bob, which would pass the limit of 500 bytes"));
  EXPECT_THAT(said(of_bob->Promise(1)), HasSubstr("of bob would pass the limit of 50"));
  EXPECT_THAT(said(of_bob->TakeHandles(1)), HasSubstr("of bob would pass the limit of 5"));
  EXPECT_EQ(whole->held_bytes(), 500u);
  EXPECT_TRUE(of_ada->TakeMemory(400).ok());
  EXPECT_TRUE(of_ada->Promise(40).ok());
  EXPECT_TRUE(of_ada->TakeHandles(4).ok());
  ASSERT_TRUE(whole->TakeMemory(100).ok());
  ASSERT_TRUE(whole->Promise(10).ok());
  ASSERT_TRUE(whole->TakeHandles(1).ok());
  EXPECT_THAT(said(of_ada->TakeMemory(1)), HasSubstr("--memory-max")) << "nothing is left in all";
  EXPECT_THAT(said(of_ada->Promise(1)), HasSubstr("--promised-ram-max"));
  EXPECT_THAT(said(of_ada->TakeHandles(1)), HasSubstr("--handles-max"));
  of_bob->Settle(500, 10);
  of_bob->Return(10);
  of_bob->Release(50);
  of_bob->ReturnHandles(5);
  EXPECT_EQ(whole->held_bytes(), 500u);
  EXPECT_EQ(whole->released_bytes(), 10u);
  EXPECT_TRUE(of_ada->TakeMemory(100).ok()) << "what was refused took nothing of hers";
  EXPECT_TRUE(of_ada->Promise(10).ok());
  EXPECT_TRUE(of_ada->TakeHandles(1).ok());
}

TEST(HostBudget, GivingBackWhatWasNotTakenIsOurMistake) {
  HostBudget budget(kLimits);
  EXPECT_DEATH(budget.Release(1), "promised_ram_bytes_");
  EXPECT_DEATH(budget.ReturnHandles(1), "handles_");
  EXPECT_DEATH(budget.Settle(1, 0), "held_bytes_");
}

}  // namespace
}  // namespace alloclab::server
