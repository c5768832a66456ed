// The readers against damaged files: whatever comes, an answer or an error that names the file, and operations that the driver
// takes.
#include <random>
#include <string>
#include <string_view>

#include "allocators/workload/trace.h"
#include "allocators/workload/trace_testing.h"
#include "allocators/workload/xoshiro256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::StartsWith;

std::string SampleRep() { return "1\n4\n9\n0\na 0 100\na 1 70000\nr 0 220\nf -1\nr 2 12\nf 1\nf 0\na 3 0\nf 2\n"; }

std::string SampleMallocBench() {
  return Line(1, {{1, 0}, {2, 100}}) + Line(1, {{1, 300}, {2, 70000}, {3, 64}}) + Line(4, {{1, 2}, {2, 10}, {3, 30}}) +
         Line(3, {{1, 5}, {2, 0}, {3, 900}}) + Line(2, {{1, 300}, {2, 70000}}) + Field(1, Field(2, "")) + Line(2, {{1, 5}}) +
         Line(3, {{1, 0}, {3, 7}}) + Line(2, {{1, 2}}) + Varint(2 << 3) + Varint(4);
}

void ReadAnything(std::string_view bytes) {
  const auto trace = ReadTrace(bytes, "name", {.operations_max = 1000, .inflated_bytes_max = 1 << 20});
  if (!trace.ok()) {
    ASSERT_THAT(std::string(trace.status().message()), StartsWith("name"));
    return;
  }
  for (const Operation& op : trace->operations) {
    ASSERT_LT(op.block, op.kind <= OpKind::kFree ? trace->heap_handles : trace->page_handles);
    ASSERT_TRUE(op.kind != OpKind::kRealloc || op.extra == kNoBlock || op.extra < trace->heap_handles);
  }
}

class TraceFuzzTest : public ::testing::TestWithParam<std::string> {};

TEST_P(TraceFuzzTest, CutAtEveryByte) {
  for (std::size_t size = 0; size <= GetParam().size(); ++size) ReadAnything(std::string_view(GetParam()).substr(0, size));
}

TEST_P(TraceFuzzTest, EveryByteReplacedByEveryOther) {
  std::string bytes = GetParam();
  for (char& byte : bytes) {
    const char kept = byte;
    for (int value = 0; value < 256; ++value) {
      byte = static_cast<char>(value);
      ReadAnything(bytes);
    }
    byte = kept;
  }
}

TEST_P(TraceFuzzTest, RandomDamage) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  Xoshiro256 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = GetParam();
    for (std::uint32_t edits = 1 + random.Below(6); edits != 0; --edits) {
      const std::size_t at = random.Below(static_cast<std::uint32_t>(bytes.size()));
      switch (random.Below(4)) {
        case 0:
          bytes[at] = static_cast<char>(random.Below(256));
          break;
        case 1:
          bytes.insert(at, 1 + random.Below(12), static_cast<char>(random.Below(256)));
          break;
        case 2:
          bytes.erase(at, 1 + random.Below(3));
          break;
        default:
          bytes.insert(at, bytes.substr(random.Below(static_cast<std::uint32_t>(bytes.size())), random.Below(20)));
      }
      if (bytes.empty()) bytes = "1";
    }
    ReadAnything(bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, TraceFuzzTest,
                         ::testing::Values(SampleRep(), SampleMallocBench(), Gzip(SampleRep()), Gzip(SampleMallocBench())));

TEST(TraceFuzzSamplesTest, TheSamplesAreGood) {
  EXPECT_EQ(ReadTrace(SampleRep(), "t")->operations.size(), 8u);
  EXPECT_EQ(ReadTrace(SampleMallocBench(), "t")->operations.size(), 8u);
}

}  // namespace
}  // namespace alloclab
