#include "allocators/workload/block_ages.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <vector>

#include "allocators/catalog/instance.h"

namespace alloclab {
namespace {

TEST(BlockAges, CountOperationsSinceABlockWasAllocated) {
  Trace trace;
  trace.heap_handles = 8;
  trace.page_handles = 1;
  trace.operations = {{OpKind::kMalloc, 0, 100, 0},     {OpKind::kMalloc, 1, 100, 0}, {OpKind::kAllocatePages, 0, 4096, 0},
                      {OpKind::kFree, 0, 0, 0},         {OpKind::kCalloc, 2, 10, 4},  {OpKind::kRealloc, 1, 5000, 1},
                      {OpKind::kMalloc, 3, 1u << 30, 0}};
  const auto machine = Instance::Create({1 << 20, "", "implicit-heap", true, {}});
  ASSERT_TRUE(machine.ok()) << machine.status();
  Driver driver(**machine);
  ASSERT_TRUE(driver.ReserveHandles(trace.heap_handles, trace.page_handles).ok());
  const auto go_to = [&](std::size_t operation) {
    while (driver.operations() < operation) {
      std::array<OpResult, 1> result;
      driver.Apply(std::span(trace.operations).subspan(driver.operations(), 1), result);
    }
    std::vector<std::uint64_t> ages;  // of each, by the bucket's upper bound
    const Pow2Histogram histogram = LiveBlockAges(trace, driver);
    for (int i = 0; i < Pow2Histogram::kBuckets; ++i) {
      ages.insert(ages.end(), histogram.counts()[static_cast<std::size_t>(i)], Pow2Histogram::UpperBound(i));
    }
    return ages;
  };
  using Ages = std::vector<std::uint64_t>;
  EXPECT_EQ(go_to(0), Ages());
  EXPECT_EQ(go_to(1), Ages{0});
  EXPECT_EQ(go_to(3), (Ages{1, 2})) << "pages are no blocks of the heap";
  EXPECT_EQ(go_to(4), Ages{2}) << "one was freed";
  EXPECT_EQ(go_to(5), (Ages{0, 4})) << "3 operations ago: more than 2, at most 4";
  EXPECT_EQ(go_to(6), (Ages{0, 1})) << "a block that moved was made anew";
  EXPECT_EQ(go_to(7), (Ages{1, 2})) << "one that could not be had is none";
}

}  // namespace
}  // namespace alloclab
