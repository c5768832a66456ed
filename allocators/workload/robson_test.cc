#include "allocators/workload/robson.h"

#include <map>

#include "allocators/workload/run.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

TEST(RobsonTest, MakesAnIdealFirstFitUseWhatTheTheorySays) {
  for (const RobsonProgram& program : {RobsonProgram{}, RobsonProgram{1 << 12, 6, 16, 8}, RobsonProgram{1 << 14, 14, 32, 16}}) {
    EXPECT_GE(RobsonExtent(program), RobsonBound(program));
    EXPECT_LE(RobsonExtent(program), std::uint64_t{program.live_units} * program.largest_log2) << "first fit is never worse";
  }
  EXPECT_EQ(RobsonBound({}), 65'536u * 6 - 1'023);
}

TEST(RobsonTest, LiveBlocksKeepTheirBound) {
  const RobsonProgram program;
  std::map<std::uint32_t, std::uint64_t> live;
  std::uint64_t bytes = 0, most = 0;
  for (const Operation& op : MakeRobson(program).operations) {
    if (op.kind == OpKind::kFree) {
      bytes -= live.at(op.block);
      live.erase(op.block);
      continue;
    }
    bytes += live[op.block] = op.size + program.block_overhead_bytes;
    most = std::max(most, bytes);
  }
  EXPECT_EQ(most, std::uint64_t{program.live_units} * program.unit_bytes);
}

// The lab's implicit heap is a first fit whose headers take 4 bytes: what the theory says of units holds for it.
TEST(RobsonTest, TheImplicitHeapIsAsBadAsFirstFitMayBe) {
  const RobsonProgram program;
  const auto result = ExecuteRun(MakeRobson(program), {64 << 20, "", "", true, {}}, {});
  ASSERT_TRUE(result.ok()) << result.status();
  const std::uint64_t bound = RobsonBound(program) * program.unit_bytes;
  EXPECT_GE(result->counters.heap_size_peak_bytes, bound);
  EXPECT_LE(result->counters.heap_size_peak_bytes, RobsonExtent(program) * program.unit_bytes + (64 << 10));
}

}  // namespace
}  // namespace alloclab
