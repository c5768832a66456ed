#include "server/collections/opened_runs.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "server/entities/memory_lease.h"
#include "server/limits.h"
#include "server/store/sqlite_store.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

class OpenedRunsTest : public testing::Test {
 protected:
  OpenedRunsTest() {
    RunRequest request;
    request.workload = WorkloadSpec{"small", 1, {{.name = "only", .operations = 1000, .live_blocks = 10, .size = {}}}};
    request.config.ram_bytes = 16 << 20;
    run_ = runs_.Submit({request})->id;
  }
  std::string Open(std::uint64_t operation = 0) { return (*opened_.Open(run_, operation))->name(); }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& instance : instances_.List(0, 100)) names.push_back(instance->name());
    return names;
  }

  MonotonicTime now_ = MonotonicTime::Now();
  TemporaryDirectory directory_;
  std::unique_ptr<RunStore> store_ = *SqliteStore::Open(directory_.path());
  std::shared_ptr<HostBudget> budget_ = std::make_shared<HostBudget>(
      HostBudgetLimits{.promised_ram_bytes = 1ull << 32, .held_bytes = 1ull << 32, .handles = 10'000});
  HeapDirectory heaps_{{.instances = 20, .runs = 2}};
  IdSource ids_{*store_};
  TraceLibrary traces_{*store_, budget_, 1 << 20};
  InstanceRegistry instances_{ids_, heaps_, budget_, 20};
  RunExecutor runs_{*store_, traces_, heaps_, budget_, RunExecutor::Limits{.threads = 0, .queued_runs = 10, .stored_runs = 10}};
  OpenedRuns opened_{runs_, traces_, instances_, [this] { return now_; }};
  std::uint64_t run_ = 0;
};

TEST_F(OpenedRunsTest, EachIsAnInstanceAtItsMoment) {
  const auto instance = *opened_.Open(run_, 10);
  EXPECT_EQ(instance->operations(), 10u);
  ASSERT_TRUE(instance->Seek(1000).ok());
  ASSERT_TRUE(instance->Seek(3).ok());
  EXPECT_EQ(instance->operations(), 3u);
  EXPECT_EQ(instance->ExplainOperation(7)->operation, 7u);
  EXPECT_EQ(instance->operations(), 7u);
}

TEST_F(OpenedRunsTest, WhoTookTheNameOfOneThatIsGoneStays) {
  Open();
  const std::string second = Open();
  ASSERT_TRUE(instances_.Delete(second).ok());
  InstanceRequest request;
  request.name = second;
  request.config.ram_bytes = 1 << 20;
  const auto other = instances_.Create(request);
  ASSERT_TRUE(other.ok()) << other.status();
  now_ = now_ + kOpenedRunIdleMax;
  opened_.CloseUnused();
  EXPECT_EQ(Names(), std::vector{second});
}

TEST_F(OpenedRunsTest, WhoOpensManyLosesHisOwn) {
  const auto of_ada = *opened_.Open(run_, 0, {}, "ada");
  for (std::size_t i = 0; i < 2 * kOpenedRunsMax; ++i) {
    now_ = now_ + absl::Seconds(1);
    ASSERT_TRUE(opened_.Open(run_, 0, {}, "bob").ok());
  }
  const auto mine = instances_.Find(of_ada->name());
  EXPECT_TRUE(mine.ok() && *mine == of_ada);
  EXPECT_EQ(Names().size(), kOpenedRunsMax);
}

TEST_F(OpenedRunsTest, WhoOpensAsManyAsAnotherLosesHisOwn) {
  const auto open = [this](const char* owner) {
    now_ = now_ + absl::Seconds(1);
    return (*opened_.Open(run_, 0, {}, owner))->id();
  };
  std::vector<std::uint64_t> of_ada, of_bob;
  for (std::size_t i = 0; i < kOpenedRunsMax / 2; ++i) of_ada.push_back(open("ada"));
  for (std::size_t i = 0; i < kOpenedRunsMax / 2; ++i) of_bob.push_back(open("bob"));
  open("bob");
  for (const std::uint64_t id : of_ada) EXPECT_TRUE(instances_.Find(std::to_string(id)).ok()) << "unused for longer";
  EXPECT_FALSE(instances_.Find(std::to_string(of_bob.front())).ok());
}

TEST_F(OpenedRunsTest, ThoseThatAreBeingOpenedCount) {
  std::atomic<std::size_t> most{0};
  std::vector<std::thread> openers;
  for (std::size_t i = 0; i < 2 * kOpenedRunsMax; ++i) {
    openers.emplace_back([&] {
      for (int again = 0; again < 20; ++again) {
        const absl::Status status = opened_.Open(run_, 0).status();
        // A run may be closed while its opener still goes to its moment.
        EXPECT_TRUE(status.ok() || absl::IsResourceExhausted(status) || absl::IsNotFound(status)) << status;
        const std::size_t now = instances_.size();
        for (std::size_t before = most; now > before && !most.compare_exchange_weak(before, now);) {
        }
      }
    });
  }
  for (std::thread& opener : openers) opener.join();
  EXPECT_LE(most, kOpenedRunsMax);
}

TEST_F(OpenedRunsTest, ExplanationsAreTakenFromTheBudget) {
  const auto instance = *opened_.Open(run_, 900);
  const std::uint64_t free = budget_->limits().held_bytes - budget_->held_bytes();
  MemoryLease others(budget_);
  ASSERT_TRUE(others.Take(free).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(instance->ExplainOperation(901).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(instance->SurveyHoles(0)));
  others.End();
  const std::uint64_t held = budget_->held_bytes();
  EXPECT_EQ(instance->ExplainOperation(901)->operation, 901u);
  EXPECT_LE(budget_->held_bytes(), held + (64 << 10)) << "given back";
}

TEST_F(OpenedRunsTest, HolesAreLookedForInAsManyCallsAsItTakes) {
  const auto instance = *opened_.Open(run_, 900), whole = *opened_.Open(run_, 0);
  ASSERT_TRUE(whole->SurveyHoles(1000).ok());
  EXPECT_EQ(instance->ReportHoles()->looked_at, 0u);
  ASSERT_TRUE(instance->SurveyHoles(400).ok());
  EXPECT_EQ(instance->ReportHoles()->looked_at, 400u);
  ASSERT_TRUE(instance->Seek(7).ok());  // somebody looks at something else
  EXPECT_TRUE(absl::IsCancelled(instance->SurveyHoles(1000, [] { return true; })));
  ASSERT_TRUE(instance->SurveyHoles(1000).ok());
  const HoleReport parts = *instance->ReportHoles(), once = *whole->ReportHoles();
  EXPECT_EQ(parts.looks, 1000u);
  EXPECT_GT(parts.separated_cost, 0u);
  EXPECT_EQ(parts.separated_cost, once.separated_cost);
  EXPECT_EQ(parts.blocks, once.blocks);
  EXPECT_EQ(parts.rises, once.rises);
  EXPECT_TRUE(absl::IsOutOfRange(instance->SurveyHoles(1001)));
}

TEST_F(OpenedRunsTest, TenantsAreLookedForInAsManyCallsAsItTakes) {
  const auto instance = *opened_.Open(run_, 900), whole = *opened_.Open(run_, 0);
  const std::uint32_t address = instance->ExplainOperation(1)->result.address;
  const TenantReport once = *whole->FindTenants(address, false, 1000);
  EXPECT_EQ(once.operations, 1000u);
  EXPECT_EQ(once.tenants.front().allocated_by, 1u);
  EXPECT_EQ(instance->FindTenants(address, false, 400)->operations, 400u);
  ASSERT_TRUE(instance->Seek(7).ok());  // somebody looks at something else
  EXPECT_EQ(instance->FindTenants(address, false, 1000, [] { return true; })->operations, 400u);
  const TenantReport parts = *instance->FindTenants(address, false, 1000);
  EXPECT_EQ(parts.tenants, once.tenants);
  EXPECT_EQ(parts.operations, 1000u);
  EXPECT_EQ(instance->FindTenants(address + 1, false, 0)->operations, 0u) << "of another address, from the beginning";
  EXPECT_TRUE(absl::IsOutOfRange(instance->FindTenants(address, false, 1001).status()));
}

TEST_F(OpenedRunsTest, TheLongestUnusedMakesRoom) {
  for (std::size_t i = 0; i < kOpenedRunsMax; ++i) {
    now_ = now_ + absl::Seconds(1);
    Open();
  }
  now_ = now_ + absl::Seconds(1);
  const std::string first = fmt::format("run-{}", run_);
  ASSERT_TRUE(opened_.Find(first).ok());  // used
  const std::uint64_t second = (*instances_.Find(first + "-2"))->id();
  EXPECT_EQ(Open(), first + "-2") << "the name of the one that was closed is free again";
  EXPECT_EQ(Names().size(), kOpenedRunsMax);
  EXPECT_TRUE(instances_.Find(first).ok());
  EXPECT_NE((*instances_.Find(first + "-2"))->id(), second);
}

TEST_F(OpenedRunsTest, UnusedOnesCloseAndGiveTheirMemoryBack) {
  const std::uint64_t held = budget_->held_bytes(), promised = budget_->promised_ram_bytes();
  Open(500);
  now_ = now_ + kOpenedRunIdleMax / 2;
  const std::string younger = Open();
  now_ = now_ + kOpenedRunIdleMax / 2;
  opened_.CloseUnused();
  EXPECT_THAT(Names(), testing::ElementsAre(younger));
  now_ = now_ + kOpenedRunIdleMax;
  opened_.CloseUnused();
  EXPECT_TRUE(Names().empty());
  EXPECT_EQ(budget_->promised_ram_bytes(), promised);
  EXPECT_LE(budget_->held_bytes(), held + (1 << 20)) << "the operations stay at hand";
}

TEST_F(OpenedRunsTest, RefusesWhatThereIsNot) {
  EXPECT_TRUE(absl::IsNotFound(opened_.Open(run_ + 1, 0).status()));
  EXPECT_TRUE(absl::IsOutOfRange(opened_.Open(run_, 1001).status()));
  EXPECT_TRUE(Names().empty()) << "nothing stays of a refused one";
  EXPECT_TRUE(absl::IsCancelled(opened_.Open(run_, 1000, [] { return true; }).status()));
  EXPECT_TRUE(Names().empty());
  InstanceRequest request;
  request.name = "demo";
  ASSERT_TRUE(instances_.Create(request).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(opened_.Find("demo").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(opened_.Close("demo")));
  EXPECT_TRUE(absl::IsNotFound(opened_.Close("nowhere")));
}

}  // namespace
}  // namespace alloclab::server
