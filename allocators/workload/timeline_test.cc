// Moments of a run are those of a run that stops there, whichever way they are come to.
#include "allocators/workload/timeline.h"

#include <cstdint>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "allocators/catalog/catalog.h"
#include "allocators/workload/builtins.h"
#include "allocators/workload/run.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

std::shared_ptr<const Trace> Operations(std::string_view workload, std::uint64_t operations) {
  return std::make_shared<const Trace>(*MakeBuiltin(workload, 0, operations));
}

// All that can be seen of a machine and its driver.
struct Moment {
  Checkpoint checkpoint;
  DriverCounters counters;
  Costs costs;
  CurvePoint point;
};
Moment Look(const Driver& driver) {
  const Instance& instance = driver.instance();
  return {TakeCheckpoint(instance, driver.operations()), driver.counters(), instance.costs(), TakeCurvePoint(driver)};
}
void ExpectEqual(const Moment& got, const Moment& want) {
  EXPECT_EQ(got.checkpoint, want.checkpoint);
  EXPECT_EQ(got.counters, want.counters);
  EXPECT_EQ(got.costs, want.costs);
  EXPECT_EQ(got.point, want.point);
}

// A machine with a timeline over it.
struct Opened {
  Opened(std::shared_ptr<const Trace> trace, const InstanceConfig& config,
         std::uint64_t image_bytes_max = Timeline::kImageBytesMax)
      : instance(*Instance::Create(config)), driver(*instance), timeline(*Timeline::Create(trace, driver, image_bytes_max)) {}
  Timeline* operator->() const { return timeline.get(); }

  std::unique_ptr<Instance> instance;
  Driver driver;
  std::unique_ptr<Timeline> timeline;
};

class TimelineTest : public ::testing::TestWithParam<std::string> {
 protected:
  InstanceConfig Config() const { return {4 << 20, "", GetParam(), true, {}}; }
};

TEST_P(TimelineTest, AMomentIsTheSameWhicheverWayItIsComeTo) {
  Trace touching = *MakeBuiltin("steady-state", 0, 3'000);
  touching.touches = {{1'000, {Touch::Part::kPercent, 100}}, {2'000, {Touch::Part::kFirstBytes, 8}}};
  const auto trace = std::make_shared<const Trace>(std::move(touching));
  std::vector<Moment> moments;
  const auto instance = *Instance::Create(Config());
  Driver driver(*instance);
  driver.TouchAs(trace->touches);
  ASSERT_TRUE(driver.ReserveHandles(trace->heap_handles, trace->page_handles).ok());
  constexpr std::uint64_t kEvery = 100;
  for (std::uint64_t at = 0; at <= trace->operations.size(); at += kEvery) {
    moments.push_back(Look(driver));
    if (at < trace->operations.size()) driver.Apply(std::span(trace->operations).subspan(at, kEvery));
  }

  const std::uint32_t seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  std::mt19937 random(seed);
  const Opened timeline(trace, Config());
  for (int jump = 0; jump < 60; ++jump) {
    const std::uint64_t point = random() % moments.size();
    std::uint64_t steps = random() % 3;
    if (steps > point * kEvery) steps = 0;
    ASSERT_TRUE(timeline->Seek(point * kEvery - steps).ok());
    while (steps-- > 0) timeline->Step();
    ASSERT_EQ(timeline->position(), point * kEvery);
    ExpectEqual(Look(timeline->driver()), moments[point]);
    ASSERT_FALSE(HasFailure()) << "operation " << point * kEvery;
  }
}

std::vector<std::string> Heaps() {
  std::vector<std::string> names;
  for (const HeapAllocatorInfo& heap : HeapAllocators()) names.push_back(heap.name);
  std::erase(names, "none");
  return names;
}
INSTANTIATE_TEST_SUITE_P(Heaps, TimelineTest, ::testing::ValuesIn(Heaps()), [](const auto& heap) {
  std::string name = heap.param;
  std::erase_if(name, [](char c) { return c == '-' || c == '.'; });
  return name;
});

TEST(Timeline, KeepsImagesWithinItsBound) {
  const auto trace = Operations("steady-state", 400'000);
  const InstanceConfig config{64 << 20, "", "", true, {}};
  const Opened ample(trace, config);
  ASSERT_TRUE(ample->Seek(ample->length()).ok());
  constexpr std::uint64_t kBound = 12 << 20;
  const Opened tight(trace, config, kBound);
  ASSERT_TRUE(tight->Seek(tight->length()).ok());
  EXPECT_LE(tight->image_bytes(), kBound);
  EXPECT_GE(tight->images(), 1u);
  for (const std::uint64_t moment : {399'999u, 1u, 200'000u, 0u}) {
    ASSERT_TRUE(ample->Seek(moment).ok());
    ASSERT_TRUE(tight->Seek(moment).ok());
    ExpectEqual(Look(tight->driver()), Look(ample->driver()));
    EXPECT_LE(tight->image_bytes(), kBound);
  }
}

TEST(Timeline, SaysWhatIsBeyondTheEnd) {
  const Opened timeline(Operations("sqlite", 10), {4 << 20, "", "", true, {}});
  const absl::Status status = timeline->Seek(11);
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(status.message(), ::testing::HasSubstr("at most the run's 10 operations"));
  EXPECT_EQ(timeline->position(), 0u);
}

TEST(Timeline, LeavesOffWhenInterrupted) {
  const Opened timeline(Operations("steady-state", 100'000), {64 << 20, "", "", true, {}});
  int asked = 0;
  EXPECT_EQ(timeline->Seek(100'000, [&asked] { return ++asked > 3; }).code(), absl::StatusCode::kCancelled);
  EXPECT_LT(timeline->position(), 100'000u);
  ASSERT_TRUE(timeline->Seek(100'000).ok());
  EXPECT_EQ(timeline->position(), 100'000u);
}

}  // namespace
}  // namespace alloclab
