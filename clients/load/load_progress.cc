#include "clients/load/load_progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "clients/common/terminal.h"
#include "clients/common/units.h"

namespace alloclab::load {
namespace {

constexpr std::size_t kSparks = 20;

std::string Time(Nanos time) { return client::Duration(absl::FromChrono(time)); }

}  // namespace

std::string Sparkline(const std::deque<double>& values) {
  constexpr std::array<const char*, 8> kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double largest = 0;
  for (const double value : values) largest = std::max(largest, value);
  std::string line;
  for (const double value : values) {
    const double level = largest > 0 ? value / largest * (kBlocks.size() - 1) + 0.5 : 0;
    line += kBlocks[std::min(static_cast<std::size_t>(level), kBlocks.size() - 1)];
  }
  return line;
}

std::string ProgressLine(const LoadCounts& interval, const LoadGauges& gauges, Nanos elapsed) {
  const double rate = elapsed > Nanos(0) ? static_cast<double>(interval.Answered()) / Seconds(elapsed) : 0;
  std::string line = fmt::format("{} ops/s  p50 {}  p99 {}", client::Rate(rate), Time(interval.response.Quantile(0.5)),
                                 Time(interval.response.Quantile(0.99)));
  if (gauges.target_per_second > 0) line += fmt::format("  lag {}", Time(gauges.lag));
  std::uint64_t dropped = 0;
  for (const std::uint64_t count : interval.dropped) dropped += count;
  if (dropped > 0) line += fmt::format("  dropped {}", client::Count(dropped));
  if (const std::uint64_t failed = interval.Failed() + interval.Lost(); failed > 0) {
    line += fmt::format("  failed {}", client::Count(failed));
  }
  return line;
}

void LoadProgress::Update(const LoadSnapshot& snapshot, Nanos elapsed) {
  const Nanos length = elapsed - last_elapsed_;
  if (!line_.IsDue(length)) return;
  LoadCounts interval = snapshot.counts;
  interval -= last_;
  last_ = snapshot.counts;
  last_elapsed_ = elapsed;
  rates_.push_back(static_cast<double>(interval.Answered()) / Seconds(length));
  if (rates_.size() > kSparks) rates_.pop_front();
  const std::string line = ProgressLine(interval, snapshot.gauges, length);
  if (line_.terminal()) {
    const std::string both = fmt::format("{}  {}", line, Sparkline(rates_));
    line_.Show(DisplayWidth(both) <= static_cast<std::size_t>(line_.width()) ? both : line);
  } else {
    line_.Show(fmt::format("{:.0f} s  {}", Seconds(elapsed), line));
  }
}

}  // namespace alloclab::load
