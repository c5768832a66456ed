// Small charts drawn with blocks.
#ifndef ALLOCLAB_CLIENTS_COMMON_CHART_H_
#define ALLOCLAB_CLIENTS_COMMON_CHART_H_

#include <cstdint>
#include <string>
#include <vector>

namespace alloclab::client {

// A bar of `columns` columns filled to `ratio` (0 to 1), to an eighth of a column; padded with spaces.
std::string Bar(double ratio, int columns);

// The values over `columns` columns, each the largest of those that fall on it, as high as it is of the largest of all: "▁▃█▅".
// "" if there are none.
std::string Sparkline(const std::vector<double>& values, int columns);

struct HistogramRow {
  std::string label;  // "5..8"
  std::uint64_t count = 0;
};
// One line per row: label, bar, count, share. "" if everything is zero.
std::string DrawHistogram(const std::vector<HistogramRow>& rows, int width);

// Labels for counts by power of two (bucket 0 holds 0, bucket 1 holds 1, bucket k up to 2^(k-1)), without the empty ends.
std::vector<HistogramRow> Pow2Rows(const std::vector<std::uint64_t>& counts);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_CHART_H_
