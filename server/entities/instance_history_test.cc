#include "server/entities/instance_history.h"

#include <gtest/gtest.h>

namespace alloclab::server {
namespace {

Snapshot After(absl::Duration time, std::uint64_t operations) {
  Snapshot snapshot;
  snapshot.time = absl::UnixEpoch() + time;
  snapshot.operations = operations;
  return snapshot;
}

TEST(InstanceHistory, KeepsNoMoreThanOneInATime) {
  InstanceHistory history;
  history.Offer(After(absl::ZeroDuration(), 1));
  history.Offer(After(InstanceHistory::kEvery - absl::Nanoseconds(1), 2));
  history.Offer(After(InstanceHistory::kEvery, 3));
  ASSERT_EQ(history.points().size(), 2u);
  EXPECT_EQ(history.points()[1].operations, 3u);
}

TEST(InstanceHistory, OfWhoDoesNothingStaysAsItIs) {
  InstanceHistory history;
  history.Offer(After(absl::ZeroDuration(), 1));
  history.Offer(After(absl::Milliseconds(1), 2));
  for (int i = 2; i < 5000; ++i) history.Offer(After(absl::Milliseconds(i), 2));
  ASSERT_EQ(history.All().size(), 2u);
  EXPECT_EQ(history.All()[1].operations, 2u);
  EXPECT_EQ(history.All()[1].time, absl::UnixEpoch() + absl::Milliseconds(1)) << "as it was first seen";
}

// However long it lives: the first is there, the last is young, and none is much farther from the next than others.
TEST(InstanceHistory, SpansAWholeLife) {
  InstanceHistory history;
  constexpr int kSeconds = 2 * 3600;
  for (int i = 0; i <= 10 * kSeconds; ++i) history.Offer(After(absl::Milliseconds(100) * i, static_cast<std::uint64_t>(i)));
  const auto& points = history.points();
  ASSERT_GE(points.size(), InstanceHistory::kPointsMax / 2);
  ASSERT_LE(points.size(), InstanceHistory::kPointsMax);
  EXPECT_EQ(points.front().operations, 0u);
  const absl::Duration step = points[1].time - points[0].time;
  for (std::size_t i = 1; i < points.size(); ++i) EXPECT_EQ(points[i].time - points[i - 1].time, step) << i;
  EXPECT_LT(absl::UnixEpoch() + absl::Seconds(kSeconds) - points.back().time, step);
}

TEST(InstanceHistory, OfABrokenHeapKnowsNoFreeMemory) {
  Snapshot snapshot = After(absl::ZeroDuration(), 1);
  snapshot.heap.emplace();
  snapshot.heap->free_bytes = 100;
  snapshot.heap->largest_free_bytes = 60;
  snapshot.counters.live_requested_bytes = 7;
  EXPECT_EQ(PointOf(snapshot).free_bytes, 100u);
  EXPECT_EQ(PointOf(snapshot).largest_free_bytes, 60u);
  EXPECT_EQ(PointOf(snapshot).live_bytes, 7u);
  snapshot.heap->broken.emplace();
  EXPECT_EQ(PointOf(snapshot).free_bytes, 0u);
  EXPECT_EQ(PointOf(snapshot).largest_free_bytes, 0u);
}

TEST(InstanceHistory, WithoutAHeapIsOfThePages) {
  Snapshot snapshot = After(absl::ZeroDuration(), 1);
  snapshot.pages.free_bytes = 8192;
  snapshot.pages.largest_free_bytes = 4096;
  snapshot.counters.page_live_bytes = 12288;
  const HistoryPoint point = PointOf(snapshot);
  EXPECT_EQ(point.free_bytes, 8192u);
  EXPECT_EQ(point.largest_free_bytes, 4096u);
  EXPECT_EQ(point.live_bytes, 12288u);
}

}  // namespace
}  // namespace alloclab::server
