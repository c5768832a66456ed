#include "server/entities/memory_lease.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "allocators/workload/host_need.h"

namespace alloclab::server {
namespace {

std::shared_ptr<HostBudget> Budget(std::uint64_t bytes) {
  return std::make_shared<HostBudget>(HostBudgetLimits{.promised_ram_bytes = 1ull << 40, .held_bytes = bytes, .handles = 100});
}

TEST(MemoryLease, TakesSettlesAndGivesBackAtItsEnd) {
  const auto budget = Budget(1000);
  {
    MemoryLease lease(budget), other(budget);
    EXPECT_TRUE(lease.Take(600).ok());
    EXPECT_TRUE(lease.TakeUpTo(900).ok());
    EXPECT_TRUE(lease.TakeUpTo(500).ok()) << "it has more than that";
    EXPECT_EQ(budget->held_bytes(), 900u);
    EXPECT_TRUE(absl::IsResourceExhausted(other.Take(101)));
    EXPECT_EQ(other.bytes(), 0u);
    lease.Settle(10);
    EXPECT_TRUE(other.Take(990).ok());
  }
  EXPECT_EQ(budget->held_bytes(), 0u);
}

class MachineLeaseTest : public testing::Test {
 protected:
  static std::unique_ptr<Instance> Machine() {
    InstanceConfig config;
    config.ram_bytes = 64 << 20;
    return *Instance::Create(config);
  }
  const std::unique_ptr<Instance> machine_ = Machine();
  Driver driver_{*machine_};
  const std::uint64_t idle_ = machine_->host_bytes() + driver_.host_bytes();
};

TEST_F(MachineLeaseTest, AdmitsAsManyOperationsAsTheMemoryIsEnoughFor) {
  const std::vector<Operation> mallocs(64, Operation{OpKind::kMalloc, kNoBlock, 16, 0});
  const std::uint64_t one = HostNeed(driver_, std::span(mallocs).first(1));
  MachineLease ample(Budget(1 << 30)), tight(Budget(idle_ + 4 * one)), none(Budget(idle_));
  EXPECT_EQ(*ample.Admit(driver_, mallocs), 64u);
  const auto some = tight.Admit(driver_, mallocs);
  ASSERT_TRUE(some.ok()) << some.status();
  EXPECT_GE(*some, 1u);
  EXPECT_LT(*some, 64u);
  EXPECT_TRUE(absl::IsResourceExhausted(none.Admit(driver_, mallocs).status()));
}

TEST_F(MachineLeaseTest, WhatGivesBackIsNeverRefused) {
  const auto budget = Budget(1);
  MachineLease lease(budget);
  const std::vector<Operation> operations{{OpKind::kFree, kNoBlock, 0, 0},
                                          {OpKind::kFreePages, 0, 0, 0},
                                          {OpKind::kMalloc, kNoBlock, 8, 0},
                                          {OpKind::kFree, 0, 0, 0}};
  EXPECT_EQ(*lease.Admit(driver_, operations), 2u) << "up to the first that takes";
  EXPECT_EQ(budget->held_bytes(), idle_) << "what is held is counted whatever the limit";
}

TEST_F(MachineLeaseTest, AnOperationThatMayPassTheLimitIsRefusedBeforeItTouchesAnything) {
  const auto budget = Budget(idle_ + (8 << 20));
  MachineLease lease(budget);
  const Operation small{OpKind::kCalloc, kNoBlock, 1 << 20, 4}, large{OpKind::kCalloc, kNoBlock, 1 << 20, 16};
  EXPECT_TRUE(lease.Admit(driver_, std::span(&small, 1)).ok());
  EXPECT_GT(budget->held_bytes(), idle_ + (4 << 20));
  EXPECT_TRUE(absl::IsResourceExhausted(lease.Admit(driver_, std::span(&large, 1)).status()));
  lease.Settle(driver_);
  EXPECT_EQ(budget->held_bytes(), idle_);
}

}  // namespace
}  // namespace alloclab::server
