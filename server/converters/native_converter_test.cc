#include "server/converters/native_converter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alloclab::server {
namespace {

TEST(MeanOf, HasTheIntervalOfStudentsT) {
  const double values[] = {10, 12, 11, 13, 14};
  const Interval interval = MeanOf(values);  // s = 1.5811, t = 2.776: 2.776 * 1.5811 / sqrt(5) = 1.963
  EXPECT_DOUBLE_EQ(interval.mean, 12);
  EXPECT_NEAR(interval.low, 12 - 1.963, 0.001);
  EXPECT_NEAR(interval.high, 12 + 1.963, 0.001);
}

TEST(MeanOf, OfOneValueIsThatAndOfEqualOnesHasNoWidth) {
  const double one[] = {7}, equal[] = {7, 7, 7};
  EXPECT_EQ(MeanOf(one).low, 7);
  EXPECT_EQ(MeanOf(one).high, 7);
  EXPECT_EQ(MeanOf(equal).high, 7);
}

TEST(MeanOf, TakesTheLastQuantileForManyValues) {
  std::vector<double> values(100, 5);
  values[0] = 6;
  const Interval interval = MeanOf(values);  // s = 0.1, t = 2.042
  EXPECT_NEAR(interval.high - interval.mean, 2.042 * 0.1 / 10, 1e-9);
}

TEST(NativeConverter, SaysWhatTheReplaysFound) {
  const std::uint32_t times[] = {10, 20, 30, 40};
  NativeReport report;
  report.plan = {.operations = 4, .skipped = 2, .slots = 3, .peak_live_bytes = 100, .peak_live_blocks = 1, .peak_operation = 0};
  report.memory.peak_rss_bytes = 8192;
  report.latency.resize(1);
  report.latency[0].clock_ns = 9;
  report.latency[0].refused = 1;
  report.time.resize(2);
  report.time[0].ns = 400;
  report.time[1].ns = 800;
  report.time[0].page_faults = 3;
  report.time[0].has_instructions = report.time[1].has_instructions = report.time[1].has_cache_misses = 1;
  report.time[0].instructions = 1000;
  report.times = times;
  const v1::NativeResult proto = ToProto(report);
  EXPECT_EQ(proto.operations(), 4u);
  EXPECT_EQ(proto.skipped_operations(), 2u);
  EXPECT_EQ(proto.refused_operations(), 1u) << "the most of any replay";
  EXPECT_EQ(proto.repeats(), 2u);
  EXPECT_EQ(proto.ns_mean(), 150);
  EXPECT_EQ(proto.ns_fastest(), 100);
  EXPECT_EQ(proto.ns_low(), 0) << "no time is negative";
  EXPECT_EQ(proto.latency().count(), 4u);
  EXPECT_EQ(proto.latency().max(), 40u);
  EXPECT_EQ(proto.clock_ns(), 9u);
  EXPECT_EQ(proto.peak_rss_bytes(), 8192u);
  EXPECT_EQ(proto.page_faults(), 1.5);
  EXPECT_EQ(proto.instructions(), 500);
  EXPECT_FALSE(proto.has_cache_misses()) << "one replay has none";
}

}  // namespace
}  // namespace alloclab::server
