#include "server/entities/live_instance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "server/entities/machine.h"

namespace alloclab::server {
namespace {

class LiveInstanceTest : public testing::Test {
 protected:
  static std::unique_ptr<Instance> Machine() {
    InstanceConfig config;
    config.ram_bytes = 16 << 20;
    config.parameters["heap.limit_bytes"] = "8388608";
    return *BuildMachine(config);
  }

  // Mallocs of 16 bytes into handle 0, `count` of them.
  absl::Status Malloc(std::size_t count) {
    const std::vector<Operation> operations(count, Operation{OpKind::kMalloc, 0, 16, 0});
    return instance_->Operate({.heap = 1}, [&](Driver& driver) {
      driver.Apply(operations);
      return false;
    });
  }

  std::shared_ptr<HostBudget> budget_ = std::make_shared<HostBudget>(
      HostBudgetLimits{.promised_ram_bytes = 1ull << 32, .held_bytes = 1ull << 32, .handles = 100});
  std::unique_ptr<LiveInstance> instance_ = std::make_unique<LiveInstance>(7, "toy", Machine(), budget_);
};

TEST_F(LiveInstanceTest, KnowsWhoItIsAndHowMuchWasDone) {
  EXPECT_EQ(instance_->id(), 7u);
  EXPECT_EQ(instance_->name(), "toy");
  EXPECT_EQ(instance_->config().heap_allocator, "implicit-heap") << "the configuration is complete";
  EXPECT_EQ(instance_->operations(), 0u);
  ASSERT_TRUE(Malloc(3).ok());
  EXPECT_EQ(instance_->operations(), 3u);
}

TEST_F(LiveInstanceTest, WorkIsCalledUntilItReturnsFalse) {
  int calls = 0;
  EXPECT_TRUE(instance_->Operate({}, [&](Driver&) { return ++calls < 5; }).ok());
  EXPECT_EQ(calls, 5);
}

TEST_F(LiveInstanceTest, LooksAreServedBetweenTwoPiecesOfWork) {
  std::thread looker;
  bool looked = false;  // only while the instance is held
  int calls = 0;
  // The work does not end before the look, so the look cannot have waited for its end.
  const absl::Status status = instance_->Operate({}, [&](Driver&) {
    if (++calls == 1) looker = std::thread([&] { EXPECT_TRUE(instance_->LookAt([&](const Driver&) { looked = true; }).ok()); });
    return !looked;
  });
  EXPECT_TRUE(status.ok());
  looker.join();
  EXPECT_GT(calls, 1);
}

TEST_F(LiveInstanceTest, ALookThatNobodyComesToEndsAtItsDeadline) {
  std::latch busy(1), done(1);
  std::thread worker([&] {
    EXPECT_TRUE(instance_
                    ->Operate({},
                              [&](Driver&) {
                                busy.count_down();
                                done.wait();
                                return false;
                              })
                    .ok());
  });
  busy.wait();
  const absl::Status late = instance_->LookAt([](const Driver&) { FAIL(); }, absl::Now());
  EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
  EXPECT_EQ(instance_->Sample().operations, 0u) << "a sample must be there without waiting";
  done.count_down();
  worker.join();
}

TEST_F(LiveInstanceTest, AfterCloseEverythingIsNotFound) {
  instance_->Close();
  EXPECT_TRUE(absl::IsNotFound(Malloc(1)));
  EXPECT_TRUE(absl::IsNotFound(instance_->LookAt([](const Driver&) { FAIL(); })));
  EXPECT_EQ(instance_->Sample().operations, 0u);
}

TEST_F(LiveInstanceTest, HandlesAreTakenOnceAndReturnedAtTheEnd) {
  EXPECT_TRUE(instance_->Operate({.heap = 60, .pages = 30}, [](Driver&) { return false; }).ok());
  EXPECT_TRUE(instance_->Operate({.heap = 60, .pages = 30}, [](Driver&) { return false; }).ok());
  const absl::Status refused = instance_->Operate({.heap = 71}, [](Driver&) -> bool {
    ADD_FAILURE();
    return false;
  });
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_TRUE(absl::IsResourceExhausted(budget_->TakeHandles(11)));
  instance_.reset();
  EXPECT_TRUE(budget_->TakeHandles(100).ok());
}

TEST_F(LiveInstanceTest, IsRefusedWorkButNotLooksWhenTheHostHasNoMemoryLeft) {
  const std::uint64_t held = budget_->held_bytes();
  EXPECT_GT(held, 0u);
  budget_->Charge(0, 1ull << 32);
  EXPECT_TRUE(absl::IsResourceExhausted(Malloc(1)));
  bool looked = false;
  EXPECT_TRUE(instance_->LookAt([&](const Driver&) { looked = true; }).ok());
  EXPECT_TRUE(looked);
  budget_->Charge(1ull << 32, 0);
  EXPECT_TRUE(Malloc(1).ok());
  instance_.reset();
  EXPECT_EQ(budget_->held_bytes(), 0u);
}

TEST_F(LiveInstanceTest, CountsViolationsInItsSamples) {
  instance_->CountViolations(2);
  instance_->CountViolations(1);
  EXPECT_EQ(instance_->Sample().violations, 3u);
}

TEST(BuildMachine, RamTooSmallForTheHeapIsTheCallersMistake) {
  InstanceConfig config;
  config.ram_bytes = 1 << 20;
  config.parameters["pages.arena_pages"] = "20";
  const auto machine = BuildMachine(config);
  EXPECT_TRUE(absl::IsInvalidArgument(machine.status())) << machine.status();
  EXPECT_THAT(std::string(machine.status().message()), testing::StartsWith("config.ram_bytes: implicit-heap in 1Mi of RAM"));
}

}  // namespace
}  // namespace alloclab::server
