#include "clients/common/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "clients/common/chart.h"
#include "clients/common/terminal.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

constexpr std::chrono::milliseconds kSilence{200};
constexpr int kLongestBar = 30;
constexpr int kShortestBar = 8;

std::string Remaining(const ProgressState& state) {
  if (state.done == 0 || state.total < state.done) return "";
  const double left = state.elapsed.count() * static_cast<double>(state.total - state.done) / static_cast<double>(state.done);
  const auto seconds = static_cast<std::uint64_t>(std::ceil(std::min(left, 359'999.0)));
  if (seconds >= 3600) return fmt::format("  ETA {}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  return fmt::format("  ETA {}:{:02}", seconds / 60, seconds % 60);
}

std::string Figures(const ProgressState& state) {
  const auto amount = [&](std::uint64_t n) { return state.bytes ? Bytes(n) : Count(n); };
  const double rate = state.elapsed.count() > 0 ? static_cast<double>(state.done) / state.elapsed.count() : 0;
  const std::string speed = state.bytes ? Bytes(static_cast<std::uint64_t>(rate)) + "/s" : Rate(rate) + " ops/s";
  if (state.total == 0) return fmt::format("{}  {}", amount(state.done), speed);
  return fmt::format("{:>7}  {}/{}{}  {}{}", Percent(static_cast<double>(state.done) / static_cast<double>(state.total)),
                     amount(state.done), amount(state.total), state.bytes ? "" : " ops", speed, Remaining(state));
}

}  // namespace

std::string ProgressPlainLine(const ProgressState& state) { return fmt::format("{}  {}", state.what, Figures(state)); }

std::string ProgressBarLine(const ProgressState& state, int width) {
  const std::string figures = Figures(state);
  const int room = width - static_cast<int>(DisplayWidth(state.what) + DisplayWidth(figures)) - 7;
  if (state.total == 0 || room < kShortestBar) return ProgressPlainLine(state);
  const double ratio = static_cast<double>(state.done) / static_cast<double>(state.total);
  return fmt::format("{}  ▕{}▏ {}", state.what, Bar(ratio, std::min(room, kLongestBar)), figures);
}

void Progress::Update(const std::string& what, std::uint64_t done, std::uint64_t total, bool bytes) {
  const Clock::time_point now = Clock::now();
  if (what != stage_) {
    stage_ = what;
    stage_start_ = now;
  }
  if (now - start_ < kSilence || !line_.IsDue(now - last_drawn_)) return;
  last_drawn_ = now;
  const ProgressState state{.what = what, .done = done, .total = total, .elapsed = now - stage_start_, .bytes = bytes};
  line_.Show(line_.terminal() ? ProgressBarLine(state, line_.width()) : ProgressPlainLine(state));
}

}  // namespace alloclab::client
