#include "clients/common/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "clients/common/terminal.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

constexpr std::array<std::string_view, 8> kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
constexpr std::array<std::string_view, 8> kHeights = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr int kBarMax = 50;

std::string Pow2Label(std::size_t bucket) {
  if (bucket < 2) return std::to_string(bucket);
  const std::uint64_t upper = std::uint64_t{1} << (bucket - 1);
  const std::uint64_t lower = upper / 2 + 1;
  return lower == upper ? Count(upper) : fmt::format("{}..{}", Count(lower), Count(upper));
}

}  // namespace

std::string Bar(double ratio, int columns) {
  const int eighths = static_cast<int>(std::lround(std::clamp(ratio, 0.0, 1.0) * columns * 8));
  std::string bar;
  for (int i = 0; i < eighths / 8; ++i) bar += "█";
  bar += kEighths[static_cast<std::size_t>(eighths % 8)];
  return bar + std::string(static_cast<std::size_t>(columns) - DisplayWidth(bar), ' ');
}

std::string Sparkline(const std::vector<double>& values, int columns) {
  if (values.empty() || columns < 1) return "";
  const double most = *std::max_element(values.begin(), values.end());
  const std::size_t wide = std::min(values.size(), static_cast<std::size_t>(columns));
  std::string line;
  for (std::size_t i = 0; i < wide; ++i) {
    const auto from = values.begin() + static_cast<std::ptrdiff_t>(i * values.size() / wide);
    const auto to = values.begin() + static_cast<std::ptrdiff_t>((i + 1) * values.size() / wide);
    const double share = most > 0 ? std::max(*std::max_element(from, to), 0.0) / most : 0;
    line += kHeights[static_cast<std::size_t>(std::lround(share * (kHeights.size() - 1)))];
  }
  return line;
}

std::string DrawHistogram(const std::vector<HistogramRow>& rows, int width) {
  std::uint64_t most = 0, total = 0;
  std::size_t label_width = 0, count_width = 0;
  for (const HistogramRow& row : rows) {
    most = std::max(most, row.count);
    total += row.count;
    label_width = std::max(label_width, row.label.size());
    count_width = std::max(count_width, Count(row.count).size());
  }
  if (total == 0) return "";
  const int columns = std::clamp(width - static_cast<int>(label_width + count_width) - 14, 10, kBarMax);
  std::string out;
  for (const HistogramRow& row : rows) {
    double ratio = static_cast<double>(row.count) / static_cast<double>(most);
    if (row.count > 0) ratio = std::max(ratio, 1.0 / (8 * columns));  // something is visibly more than nothing
    out += fmt::format("{:>{}}  {}  {:>{}}  {:>7}\n", row.label, label_width, Bar(ratio, columns), Count(row.count),
                       count_width, Percent(static_cast<double>(row.count) / static_cast<double>(total)));
  }
  return out;
}

std::vector<HistogramRow> Pow2Rows(const std::vector<std::uint64_t>& counts) {
  const auto used = [](std::uint64_t count) { return count != 0; };
  const auto first = std::find_if(counts.begin(), counts.end(), used);
  const auto last = std::find_if(counts.rbegin(), counts.rend(), used).base();
  std::vector<HistogramRow> rows;
  for (auto it = first; it < last; ++it) rows.push_back({Pow2Label(static_cast<std::size_t>(it - counts.begin())), *it});
  return rows;
}

}  // namespace alloclab::client
