#include "clients/cli/repeated_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alloclab::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ComparedRun RunOf(std::uint64_t id, const std::string& heap, double seconds, std::uint64_t cycles = 5000) {
  ComparedRun compared;
  compared.workload = "simple";
  compared.config.set_heap_allocator(heap);
  compared.config.set_ram_bytes(1 << 20);
  compared.run.set_id(id);
  compared.run.set_state(v1::Run::SUCCEEDED);
  compared.run.mutable_result()->mutable_exact()->set_operations(1000);
  compared.run.mutable_result()->mutable_exact()->set_cycles_386(cycles);
  compared.run.mutable_result()->mutable_measured()->set_replay_ns(static_cast<std::uint64_t>(seconds * 1e9));
  return compared;
}

TEST(RepeatedRuns, OfOneReplayEachNothingIsJoined) {
  const auto joined = JoinRepeats({RunOf(1, "a", 1), RunOf(2, "b", 1)}, 1);
  ASSERT_TRUE(joined.ok());
  EXPECT_EQ(joined->runs.size(), 2u);
  EXPECT_TRUE(joined->times.empty());
}

TEST(RepeatedRuns, ACellHasItsFirstRunAndTheTimesOfAll) {
  const auto joined = JoinRepeats({RunOf(1, "a", 0.001), RunOf(2, "a", 0.003), RunOf(3, "b", 0.002), RunOf(4, "b", 0.002)}, 2);
  ASSERT_TRUE(joined.ok()) << joined.status();
  ASSERT_EQ(joined->runs.size(), 2u);
  EXPECT_EQ(joined->runs[1].run.id(), 3u);
  ASSERT_EQ(joined->times.size(), 2u);
  EXPECT_THAT(joined->times[0].runs, ElementsAre(1, 2));
  EXPECT_NEAR(joined->times[0].ns_per_operation.mean, 2000, 1e-6);
  EXPECT_NEAR(joined->times[0].ns_per_operation.high, 2000 + 12706, 1);
  EXPECT_NEAR(joined->times[0].fastest, 1000, 1e-6);
  EXPECT_NEAR(joined->times[1].ns_per_operation.low, 2000, 1e-6);
  Document document;
  AddReplayTimes(joined->times, document);
  ASSERT_EQ(document.sections.size(), 1u);
  EXPECT_EQ(document.sections[0].title, "simple, RAM 1 MiB, time of the lab's replays");
  EXPECT_EQ(document.sections[0].rows.size(), 2u);
  EXPECT_EQ(ReplayTimesJson(joined->times).list_value().values_size(), 2);
}

TEST(RepeatedRuns, WhatIsExactMustAgree) {
  const auto joined = JoinRepeats({RunOf(1, "a", 1), RunOf(2, "a", 1, 5001)}, 2);
  EXPECT_THAT(std::string(joined.status().message()), HasSubstr("runs 1 and 2 replayed simple on a"));
}

TEST(RepeatedRuns, OneThatFailedIsShown) {
  ComparedRun failed = RunOf(2, "a", 1);
  failed.run.set_state(v1::Run::FAILED);
  const auto joined = JoinRepeats({RunOf(1, "a", 1), failed}, 2);
  ASSERT_TRUE(joined.ok());
  EXPECT_EQ(joined->runs[0].run.id(), 2u);
  EXPECT_TRUE(joined->times.empty());
}

}  // namespace
}  // namespace alloclab::client
