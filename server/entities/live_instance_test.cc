#include "server/entities/live_instance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "server/entities/machine.h"
#include "server/limits.h"

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
    std::vector<OpResult> results(count);
    return instance_->Apply({.heap = 1}, operations, results).status();
  }

  // A machine at work until the end.
  class Busy {
   public:
    explicit Busy(LiveInstance& instance)
        : worker_([this, &instance] {
            const auto stay = [this](Driver&) {
              at_work_.count_down();
              done_.wait();
            };
            EXPECT_TRUE(instance.ApplyOne({OpKind::kFree, kNoBlock, 0, 0}, stay).ok());
          }) {
      at_work_.wait();
    }
    void End() {
      done_.count_down();
      worker_.join();
    }

   private:
    std::latch at_work_{1}, done_{1};
    std::thread worker_;
  };

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

TEST_F(LiveInstanceTest, LooksAreServedBetweenTwoPiecesOfABatch) {
  const std::vector<Operation> operations(std::size_t{400} * kPieceOperationsMax, Operation{OpKind::kFree, 0, 0, 0});
  std::vector<OpResult> results(operations.size());
  std::thread looker;
  bool looked = false;  // only while the instance is held
  // The batch is given up after the look, so the look cannot have waited for its end.
  const auto applied = instance_->Apply({.heap = 1}, operations, results, [&] {
    if (!looker.joinable()) {
      looker = std::thread([&] { EXPECT_TRUE(instance_->LookAt([&](const Driver&) { looked = true; }).ok()); });
    }
    if (!looked) absl::SleepFor(absl::Milliseconds(25));
    return looked;
  });
  looker.join();
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_TRUE(absl::IsCancelled(applied->stopped)) << applied->stopped;
  EXPECT_LT(applied->operations, operations.size());
}

TEST_F(LiveInstanceTest, ALookThatNobodyComesToEndsAtItsDeadline) {
  Busy busy(*instance_);
  const absl::Status late = instance_->LookAt([](const Driver&) { FAIL(); }, MonotonicTime::Now());
  EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
  EXPECT_EQ(instance_->Sample().operations, 0u) << "a sample must be there without waiting";
  busy.End();
}

TEST_F(LiveInstanceTest, AfterCloseEverythingIsNotFound) {
  instance_->Close();
  EXPECT_TRUE(absl::IsNotFound(Malloc(1)));
  EXPECT_TRUE(absl::IsNotFound(instance_->LookAt([](const Driver&) { FAIL(); })));
  EXPECT_EQ(instance_->Sample().operations, 0u);
}

TEST_F(LiveInstanceTest, CloseGivesEverythingBackWhoeverStillKnowsTheInstance) {
  ASSERT_TRUE(Malloc(1000).ok());
  EXPECT_GT(budget_->held_bytes(), 0u);
  instance_->Close();
  EXPECT_EQ(budget_->held_bytes(), 0u);
  EXPECT_TRUE(budget_->TakeHandles(100).ok());
  EXPECT_EQ(instance_->Sample().operations, 1000u) << "its last state stays";
  budget_->ReturnHandles(100);
}

// The literal heap is full of small blocks: every malloc looks at all of them.
class LongBatchTest : public LiveInstanceTest {
 protected:
  LongBatchTest() {
    InstanceConfig config;
    config.ram_bytes = 16 << 20;
    config.parameters = {{"heap.limit_bytes", "8388608"}, {"heap.engine", "literal"}};
    instance_ = std::make_unique<LiveInstance>(7, "long", *BuildMachine(config), budget_);
    EXPECT_TRUE(Malloc(kBlocks).ok());
  }
  static constexpr std::size_t kBlocks = 3000;
};

TEST_F(LongBatchTest, OthersComeBetweenItsPieces) {
  std::vector<Operation> operations(200'000, Operation{OpKind::kMalloc, 0, 0x7FFFFFF, 0});
  std::vector<OpResult> results(operations.size());
  std::atomic<bool> other_came{false};
  std::atomic<int> asked{0};
  std::thread other;
  // The batch is left only after the other was served: if it had to wait for the end, the test would take a minute and fail.
  const auto applied = instance_->Apply({.heap = 1}, operations, results, [&] {
    if (asked++ == 1) {
      other = std::thread([&] {
        EXPECT_TRUE(Malloc(1).ok());
        other_came = true;
      });
    }
    return other_came.load();
  });
  other.join();
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_TRUE(absl::IsCancelled(applied->stopped));
  EXPECT_GT(applied->operations, 0u);
  EXPECT_LT(applied->operations, operations.size());
  EXPECT_EQ(instance_->operations(), kBlocks + 1 + applied->operations) << "how far it got is what was applied";
}

TEST_F(LongBatchTest, NobodyWaitsForIt) {
  const std::vector<Operation> operations(10, Operation{OpKind::kMalloc, 0, 16, 0});
  std::vector<OpResult> results(operations.size());
  EXPECT_TRUE(absl::IsCancelled(instance_->Apply({.heap = 1}, operations, results, [] { return true; }).status()));
  EXPECT_EQ(instance_->operations(), kBlocks) << "what was refused changed nothing";
  EXPECT_TRUE(absl::IsCancelled(
      instance_->LookAt([](const Driver&) { FAIL(); }, MonotonicTime::InfiniteFuture(), [] { return true; })));
}

TEST_F(LiveInstanceTest, WhoClosesItWaitsForNoneOfThoseThatWait) {
  Busy busy(*instance_);
  std::atomic<int> applied{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { applied += Malloc(1).ok(); });
  absl::SleepFor(absl::Milliseconds(50));  // they wait
  threads.emplace_back([&] { instance_->Close(); });
  absl::SleepFor(absl::Milliseconds(50));  // so does who closes it, behind them
  busy.End();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(applied, 0);
}

TEST_F(LiveInstanceTest, ABatchStopsWhereTheHostsMemoryEndsAndSaysHowFarItGot) {
  ASSERT_TRUE(Malloc(1).ok());
  const std::uint64_t rest = (1ull << 32) - budget_->held_bytes();
  ASSERT_TRUE(budget_->TakeMemory(rest - (2 << 20)).ok());
  const std::vector<Operation> operations(100, Operation{OpKind::kCalloc, 0, 100'000, 1});
  std::vector<OpResult> results(operations.size());
  const auto applied = instance_->Apply({.heap = 1}, operations, results);
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_TRUE(absl::IsResourceExhausted(applied->stopped)) << applied->stopped;
  EXPECT_GT(applied->operations, 0u);
  EXPECT_LT(applied->operations, 21u);
  EXPECT_LE(budget_->held_bytes(), 1ull << 32);
  EXPECT_EQ(instance_->operations(), 1 + applied->operations);
  const auto none = instance_->Apply({.heap = 1}, operations, results);
  EXPECT_TRUE(absl::IsResourceExhausted(none.status()));
  EXPECT_EQ(instance_->operations(), 1 + applied->operations) << "a call that failed changed nothing";
  const std::vector<Operation> frees(1, Operation{OpKind::kFree, 0, 0, 0});
  EXPECT_TRUE(instance_->Apply({.heap = 1}, frees, results).ok());
  budget_->Settle(rest - (2 << 20), 0);
}

TEST_F(LiveInstanceTest, HandlesAreTakenOnceAndReturnedAtTheEnd) {
  EXPECT_TRUE(instance_->Apply({.heap = 60, .pages = 30}, {}, {}).ok());
  EXPECT_TRUE(instance_->Apply({.heap = 60, .pages = 30}, {}, {}).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(instance_->Apply({.heap = 71}, {}, {}).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(budget_->TakeHandles(11)));
  instance_.reset();
  EXPECT_TRUE(budget_->TakeHandles(100).ok());
}

TEST_F(LiveInstanceTest, IsRefusedWorkButNotLooksWhenTheHostHasNoMemoryLeft) {
  const std::uint64_t held = budget_->held_bytes();
  EXPECT_GT(held, 0u);
  const std::uint64_t rest = (1ull << 32) - held;
  ASSERT_TRUE(budget_->TakeMemory(rest).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(Malloc(1)));
  bool looked = false;
  EXPECT_TRUE(instance_->LookAt([&](const Driver&) { looked = true; }).ok());
  EXPECT_TRUE(looked);
  EXPECT_TRUE(instance_->ApplyOne({OpKind::kFree, kNoBlock, 0, 0}, [](Driver& driver) { driver.Free(VirtAddr{}); }).ok());
  budget_->Settle(rest, 0);
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
