#include "server/entities/native_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace alloclab::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint32_t kTooLarge = std::numeric_limits<std::uint32_t>::max();

struct Planned {
  NativePlan plan;
  std::vector<Operation> operations;
};

Planned PlanOf(std::vector<Operation> operations) {
  Trace trace;
  trace.operations = std::move(operations);
  trace.heap_handles = 3;
  trace.page_handles = 1;
  Planned planned;
  planned.operations.resize(trace.operations.size());
  planned.plan = PlanNative(trace, planned.operations);
  planned.operations.resize(planned.plan.operations);
  return planned;
}

TEST(NativePlan, GivesEveryHandleASlotAfterTheNullOne) {
  const Planned planned = PlanOf({{OpKind::kMalloc, 0, 100, 0},
                                  {OpKind::kCalloc, 2, 8, 4},
                                  {OpKind::kRealloc, 1, 300, 0},
                                  {OpKind::kRealloc, 0, 10, kNoBlock},
                                  {OpKind::kFree, 1, 0, 0},
                                  {OpKind::kFree, kNoBlock, 0, 0}});
  EXPECT_THAT(planned.operations, ElementsAre(Operation{OpKind::kMalloc, 1, 100, 0}, Operation{OpKind::kCalloc, 3, 8, 4},
                                              Operation{OpKind::kRealloc, 2, 300, 1}, Operation{OpKind::kRealloc, 1, 10, 0},
                                              Operation{OpKind::kFree, 2, 0, 0}, Operation{OpKind::kFree, 0, 0, 0}));
  EXPECT_EQ(planned.plan.slots, 4u);
  EXPECT_EQ(planned.plan.skipped, 0u);
  EXPECT_EQ(planned.plan.peak_live_bytes, 32u + 300 + 10);
  EXPECT_EQ(planned.plan.peak_live_blocks, 3u);
  EXPECT_EQ(planned.plan.peak_operation, 3u);
}

TEST(NativePlan, LeavesMisuseOut) {
  const Planned planned = PlanOf({{OpKind::kMalloc, 0, 100, 0},
                                  {OpKind::kFree, 0, 0, 0},
                                  {OpKind::kFree, 0, 0, 0},
                                  {OpKind::kRealloc, 1, 50, 0},
                                  {OpKind::kFree, 1, 0, 0}});
  EXPECT_THAT(planned.operations, ElementsAre(Operation{OpKind::kMalloc, 1, 100, 0}, Operation{OpKind::kFree, 1, 0, 0},
                                              Operation{OpKind::kFree, 0, 0, 0}))
      << "the last free is of a pointer that is still null";
  EXPECT_EQ(planned.plan.skipped, 2u);
}

TEST(NativePlan, LeavesOutWhatA32BitProgramCannotAskForAndPages) {
  const Planned planned = PlanOf({{OpKind::kMalloc, 0, kTooLarge, 0},
                                  {OpKind::kCalloc, 0, 1u << 20, 1u << 12},
                                  {OpKind::kRealloc, 0, kTooLarge, kNoBlock},
                                  {OpKind::kAllocatePages, 0, 4096, 0},
                                  {OpKind::kFreePages, 0, 0, 0}});
  EXPECT_THAT(planned.operations, IsEmpty());
  EXPECT_EQ(planned.plan.skipped, 5u);
}

TEST(NativePlan, AReallocToNothingIsAFree) {
  const Planned planned = PlanOf({{OpKind::kMalloc, 0, 100, 0}, {OpKind::kRealloc, 0, 0, 0}, {OpKind::kFree, 0, 0, 0}});
  EXPECT_THAT(planned.operations, ElementsAre(Operation{OpKind::kMalloc, 1, 100, 0}, Operation{OpKind::kFree, 1, 0, 0},
                                              Operation{OpKind::kFree, 0, 0, 0}));
}

TEST(NativePlan, WhatIsOverwrittenStaysLive) {
  const Planned planned = PlanOf({{OpKind::kMalloc, 0, 100, 0}, {OpKind::kMalloc, 0, 50, 0}, {OpKind::kFree, 0, 0, 0}});
  EXPECT_EQ(planned.plan.peak_live_bytes, 150u);
  EXPECT_EQ(planned.plan.peak_live_blocks, 2u);
}

TEST(NativePlan, StopsWhenItIsInterrupted) {
  Trace trace;
  trace.heap_handles = 1;
  trace.operations.assign(10'000, {OpKind::kMalloc, 0, 1, 0});
  std::vector<Operation> out(trace.operations.size());
  EXPECT_LT(PlanNative(trace, out, [] { return true; }).operations, 5'000u);
}

}  // namespace
}  // namespace alloclab::server
