#include "clients/common/chart.h"

#include <gtest/gtest.h>

#include "clients/common/progress.h"
#include "clients/common/terminal.h"

namespace alloclab::client {
namespace {

TEST(Chart, BarsFillToAnEighthOfAColumn) {
  EXPECT_EQ(Bar(0, 4), "    ");
  EXPECT_EQ(Bar(0.5, 4), "██  ");
  EXPECT_EQ(Bar(1.0 / 32, 4), "▏   ");
  EXPECT_EQ(Bar(1, 4), "████");
  EXPECT_EQ(Bar(7, 4), "████");
}

TEST(Chart, ASparklineIsAsHighAsItsLargestValue) {
  EXPECT_EQ(Sparkline({}, 4), "");
  EXPECT_EQ(Sparkline({0, 0}, 4), "▁▁");
  EXPECT_EQ(Sparkline({0, 1, 2, 7}, 4), "▁▂▃█");
  EXPECT_EQ(Sparkline({7, 0, 0, 3.5}, 2), "█▅") << "a peak between two columns is not lost";
}

TEST(Chart, Pow2RowsDropEmptyEndsAndKeepGaps) {
  const std::vector<HistogramRow> rows = Pow2Rows({0, 5, 0, 2, 0});
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].label, "1");
  EXPECT_EQ(rows[1].label, "2");
  EXPECT_EQ(rows[2].label, "3..4");
  EXPECT_EQ(rows[2].count, 2u);
  EXPECT_TRUE(Pow2Rows({}).empty());
  EXPECT_TRUE(Pow2Rows({0, 0}).empty());
}

TEST(Chart, HistogramOfNothingIsNothing) { EXPECT_EQ(DrawHistogram({}, 80), ""); }

TEST(Progress, BarWithRateAndEta) {
  const ProgressState state{
      .what = "replaying", .done = 1'000'000, .total = 4'000'000, .elapsed = std::chrono::milliseconds(500)};
  EXPECT_EQ(ProgressBarLine(state, 120),
            "replaying  ▕███████▌                      ▏  25.0 %  1,000,000/4,000,000 ops  2.00 M ops/s  ETA 0:02");
  EXPECT_EQ(ProgressPlainLine(state), "replaying   25.0 %  1,000,000/4,000,000 ops  2.00 M ops/s  ETA 0:02");
}

TEST(Progress, BarFitsIntoTheRoomThatTheFiguresLeave) {
  const ProgressState state{.what = "replaying", .done = 1, .total = 4'000'000'000, .elapsed = std::chrono::seconds(9)};
  for (int width = 70; width <= 200; ++width)
    EXPECT_LT(DisplayWidth(ProgressBarLine(state, width)), static_cast<std::size_t>(width));
}

TEST(Progress, BytesAndUnknownTotals) {
  EXPECT_EQ(ProgressPlainLine(
                {.what = "uploading", .done = 1 << 20, .total = 4 << 20, .elapsed = std::chrono::seconds(1), .bytes = true}),
            "uploading   25.0 %  1 MiB/4 MiB  1 MiB/s  ETA 0:03");
  EXPECT_EQ(ProgressPlainLine({.what = "queued", .done = 0, .total = 0, .elapsed = {}}), "queued  0  0.00 ops/s");
}

}  // namespace
}  // namespace alloclab::client
