#include "server/collections/heap_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/limits.h"

namespace alloclab::server {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr auto kInstance = HeapDirectory::Kind::kInstance;
constexpr auto kRun = HeapDirectory::Kind::kRun;

HeapReading Reading(const std::string& name, std::uint64_t operations, std::uint64_t live_bytes = 0,
                    const std::string& heap_allocator = "implicit-heap") {
  InstanceConfig config;
  config.heap_allocator = heap_allocator;
  config.page_allocator = "page-runs";
  Snapshot state;
  state.operations = operations;
  state.counters.live_requested_bytes = live_bytes;
  return MakeHeapReading(name, config, state);
}

HeapDirectory::Sampler Always(const HeapReading& reading) {
  return [reading] { return reading; };
}

// "name operations", in the order of the readings.
std::vector<std::string> Seen(HeapDirectory& directory) {
  std::vector<std::string> seen;
  for (const HeapReading& reading : directory.Read()) {
    seen.push_back(reading.lab_instance + " " + std::to_string(reading.state.operations));
  }
  return seen;
}

TEST(HeapDirectory, TheFirstOfEachKindHaveSeriesOfTheirOwnAndTheRestIsSummed) {
  HeapDirectory directory({.instances = 1, .runs = 1});
  directory.Enter(kInstance, "a", Always(Reading("a", 1)));
  directory.Enter(kInstance, "b", Always(Reading("b", 10)));
  directory.Enter(kRun, "run-1", Always(Reading("run-1", 100)));
  directory.Enter(kRun, "run-2", Always(Reading("run-2", 1000)));
  EXPECT_THAT(Seen(directory), ElementsAre("a 1", "run-1 100", "other 1010"));
}

TEST(HeapDirectory, WhoHasMostOfTheSeriesMakesRoomForOthers) {
  HeapDirectory directory({.instances = 4, .runs = 1});
  std::uint64_t first = 0;
  for (const char* name : {"b1", "b2", "b3", "b4", "b5"}) {
    const std::uint64_t key = directory.Enter(kInstance, name, Always(Reading(name, 1)), "bob");
    if (first == 0) first = key;
  }
  EXPECT_THAT(Seen(directory), ElementsAre("b1 1", "b2 1", "b3 1", "b4 1", "other 1")) << "alone he has them all";
  for (const char* name : {"a1", "a2", "a3"}) directory.Enter(kInstance, name, Always(Reading(name, 10)), "ada");
  EXPECT_THAT(Seen(directory), ElementsAre("b3 1", "b4 1", "a1 10", "a2 10", "other 13"));
  directory.Enter(kInstance, "b6", Always(Reading("b6", 1)), "bob");
  directory.Enter(kInstance, "c", Always(Reading("c", 100)), "cyd");
  EXPECT_THAT(Seen(directory), testing::Contains("c 100"));
  directory.Leave(first, Reading("b1", 2));
  EXPECT_THAT(Seen(directory), testing::Contains("other 25")) << "what has no series any more counts with the rest";
}

TEST(HeapDirectory, WhatHasLeftMakesRoomFirst) {
  HeapDirectory directory({.instances = 0, .runs = 2});
  directory.Enter(kRun, "run-1", Always(Reading("run-1", 1)), "bob");
  directory.Leave(directory.Enter(kRun, "run-2", Always(Reading("run-2", 1)), "bob"), Reading("run-2", 2));
  directory.Enter(kRun, "run-3", Always(Reading("run-3", 3)), "ada");
  EXPECT_THAT(Seen(directory), ElementsAre("run-1 1", "run-3 3"));
}

TEST(HeapDirectory, ScrapesShareTheSumOfManyOthersForAWhile) {
  const MonotonicTime start = MonotonicTime::Now();
  HeapDirectory directory({.instances = 1, .runs = 0});
  std::uint64_t read = 0;
  directory.Enter(kInstance, "named", [&] { return Reading("named", ++read); });
  const auto sum = [&](MonotonicTime now) { return directory.Read(now).at(1).state.operations; };
  std::uint64_t operations = 1;
  for (std::size_t i = 0; i < kOthersReadMax; ++i) directory.Enter(kInstance, "o", [&] { return Reading("o", operations); });
  EXPECT_EQ(sum(start), kOthersReadMax);
  operations = 2;
  EXPECT_EQ(sum(start), 2 * kOthersReadMax) << "so many are read each time";

  const std::uint64_t key = directory.Enter(kInstance, "o", [&] { return Reading("o", operations); });
  EXPECT_EQ(sum(start), 2 * kOthersReadMax + 2);
  operations = 3;
  directory.Leave(key, Reading("o", 3));
  EXPECT_EQ(sum(start + kOthersAgeMax - absl::Seconds(1)), 2 * kOthersReadMax + 2);
  EXPECT_EQ(sum(start + kOthersAgeMax), 3 * kOthersReadMax + 3);
  EXPECT_EQ(read, 5u) << "what has a series of its own is read each time";
}

TEST(HeapDirectory, ThereIsOneSumForEachPairOfAllocators) {
  HeapDirectory directory({.instances = 0, .runs = 0});
  directory.Enter(kInstance, "a", Always(Reading("a", 1)));
  directory.Enter(kInstance, "b", Always(Reading("b", 2)));
  directory.Enter(kInstance, "c", Always(Reading("c", 4, 0, "none")));
  EXPECT_THAT(Seen(directory), UnorderedElementsAre("other 3", "other 4"));
  for (const HeapReading& reading : directory.Read()) {
    EXPECT_EQ(reading.heap_allocator, reading.state.operations == 4 ? "none" : "implicit-heap");
    EXPECT_EQ(reading.page_allocator, "page-runs");
  }
}

TEST(HeapDirectory, ASumKeepsTheCountersOfThoseThatLeftButNotTheirGauges) {
  HeapDirectory directory({.instances = 0, .runs = 0});
  const auto key = directory.Enter(kInstance, "a", Always(Reading("a", 5, 50)));
  directory.Enter(kInstance, "b", Always(Reading("b", 7, 70)));
  directory.Leave(key, Reading("a", 6, 60));
  const std::vector<HeapReading> readings = directory.Read();
  ASSERT_EQ(readings.size(), 1u);
  EXPECT_EQ(readings[0].state.operations, 13u);
  EXPECT_EQ(readings[0].state.counters.live_requested_bytes, 70u);
}

// What a broken heap says of its blocks is in no sum.
TEST(HeapDirectory, ASumCountsBrokenHeapsAndHasTheBlocksOfTheOthers) {
  HeapDirectory directory({.instances = 0, .runs = 0});
  for (const bool broken : {false, true, false}) {
    Snapshot state;
    state.heap.emplace().live_blocks = 10;
    state.pages.free_bytes = 4096;
    if (broken) {
      state.heap->broken = BrokenWalk{.address = 0xC0400000, .what = "broken"};
      state.pages.broken = BrokenWalk{.address = 0x1000, .what = "broken"};
    }
    InstanceConfig config;
    config.heap_allocator = "implicit-heap";
    config.page_allocator = "page-runs";
    directory.Enter(kInstance, "x", Always(MakeHeapReading("x", config, state)));
  }
  const std::vector<HeapReading> readings = directory.Read();
  ASSERT_EQ(readings.size(), 1u);
  EXPECT_EQ(readings[0].broken_heaps, 1u);
  EXPECT_EQ(readings[0].broken_page_lists, 1u);
  EXPECT_EQ(readings[0].state.heap->live_blocks, 20u);
  EXPECT_EQ(readings[0].state.pages.free_bytes, 8192u);
}

TEST(HeapDirectory, WhatLeftLingersUntilAnotherTakesItsName) {
  HeapDirectory directory({.instances = 2, .runs = 0});
  const auto key = directory.Enter(kInstance, "a", Always(Reading("a", 5)));
  directory.Leave(key, Reading("a", 6));
  EXPECT_THAT(Seen(directory), ElementsAre("a 6"));
  directory.Enter(kInstance, "a", Always(Reading("a", 1)));
  EXPECT_THAT(Seen(directory), ElementsAre("a 1"));
}

TEST(HeapDirectory, WhatLeftLingersByTheMonotonicClock) {
  HeapDirectory directory({.instances = 2, .runs = 0});
  const MonotonicTime start = MonotonicTime::Now();
  directory.Leave(directory.Enter(kInstance, "a", Always(Reading("a", 5))), Reading("a", 6), start);
  EXPECT_EQ(directory.Read(start + kRunLinger).size(), 1u);
  EXPECT_TRUE(directory.Read(start + kRunLinger + absl::Seconds(1)).empty());
}

}  // namespace
}  // namespace alloclab::server
