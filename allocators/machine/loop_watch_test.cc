#include "allocators/machine/loop_watch.h"

#include <cstdint>

#include "allocators/machine/address.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

// A walk 0, 1, 2, ... that goes from `tail + circle - 1` back to `tail`.
struct Walk {
  std::uint32_t tail, circle;
  PhysAddr Next(PhysAddr stop) const {
    const std::uint32_t next = stop.raw() + 1;
    return PhysAddr(next == tail + circle ? tail : next);
  }
};

// Stops looked at before the watch notices.
std::uint64_t LoopWatchSteps(const Walk& walk) {
  LoopWatch<PhysAddr> watch;
  std::uint64_t steps = 0;
  for (PhysAddr stop; !watch.Revisits(stop); stop = walk.Next(stop)) ++steps;
  return steps;
}
std::uint64_t LandmarkWatchSteps(const Walk& walk) {
  LandmarkWatch<PhysAddr> watch{PhysAddr()};
  std::uint64_t steps = 1;
  for (PhysAddr stop; !watch.Revisits(walk.Next(stop)); stop = walk.Next(stop)) ++steps;
  return steps;
}

TEST(LoopWatch, NoticesEveryCircleWithinThreeTimesItsWalk) {
  for (std::uint32_t tail = 0; tail < 70; ++tail) {
    for (std::uint32_t circle = 1; circle < 70; ++circle) {
      const Walk walk{tail, circle};
      EXPECT_GE(LoopWatchSteps(walk), tail + circle) << "no place is looked at twice before";
      EXPECT_LE(LoopWatchSteps(walk), 3 * (tail + circle) + 1) << tail << " " << circle;
      EXPECT_GE(LandmarkWatchSteps(walk), tail + circle);
      EXPECT_LE(LandmarkWatchSteps(walk), 3 * (tail + circle) + 1) << tail << " " << circle;
    }
  }
}

// The schedules are part of the figures of allocators: where they stand is fixed.
TEST(LoopWatch, MarksStandWhereTheyAlwaysStood) {
  EXPECT_EQ(LoopWatchSteps({0, 1}), 1u) << "the first stop is a mark";
  EXPECT_EQ(LoopWatchSteps({1, 1}), 3u) << "the next mark is the third stop";
  EXPECT_EQ(LoopWatchSteps({0, 3}), 5u);
  EXPECT_EQ(LandmarkWatchSteps({0, 1}), 1u);
  EXPECT_EQ(LandmarkWatchSteps({1, 1}), 2u) << "the second stop is a mark";
  EXPECT_EQ(LandmarkWatchSteps({2, 1}), 3u);
  EXPECT_EQ(LandmarkWatchSteps({3, 1}), 5u) << "so are the third, the fifth, the ninth";
  EXPECT_EQ(LandmarkWatchSteps({0, 3}), 7u);
}

TEST(LoopWatch, CheckThrowsWhereTheWalkGoesRound) {
  LoopWatch<PhysAddr> watch;
  watch.Check(PhysAddr(0x1000));
  try {
    watch.Check(PhysAddr(0x1000));
    FAIL() << "not noticed";
  } catch (const MachineStop& stop) {
    EXPECT_EQ(stop.outcome, Outcome::kMachineHang);
    EXPECT_EQ(stop.address, 0x1000u);
  }
  LandmarkWatch<VirtAddr> landmark(VirtAddr(0x1000));
  landmark.Check(VirtAddr(0x2000));
  try {
    landmark.Check(VirtAddr(0x2000));
    FAIL() << "not noticed";
  } catch (const MachineStop& stop) {
    EXPECT_EQ(stop.outcome, Outcome::kMachineHang);
    EXPECT_EQ(stop.address, 0x2000u) << "the stop that leads to itself";
  }
}

TEST(LoopWatch, AFirstStopAtAddressNullIsNotARevisit) {
  LoopWatch<PhysAddr> watch;
  EXPECT_FALSE(watch.Revisits(PhysAddr(0)));
  EXPECT_TRUE(watch.Revisits(PhysAddr(0)));
}

}  // namespace
}  // namespace alloclab
