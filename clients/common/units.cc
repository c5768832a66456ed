#include "clients/common/units.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace alloclab::client {
namespace {

struct Unit {
  std::string_view suffix;
  double factor;
};

constexpr std::array kDecimal = std::to_array<Unit>({{"", 1}, {"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}});

template <typename Number>
bool ParseWhole(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// A number and one of the units; false if it is anything else, or not a whole number of the base unit.
template <std::size_t N>
bool ParseWithUnit(std::string_view text, const std::array<Unit, N>& units, std::uint64_t& value) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, digits);
  const std::string_view suffix = text.substr(digits);
  for (const Unit& unit : units) {
    if (unit.suffix != suffix) continue;
    if (unit.factor == 1) return ParseWhole(number, value);
    double parsed = 0;
    if (!ParseWhole(number, parsed)) return false;
    parsed *= unit.factor;
    if (parsed != std::floor(parsed) || parsed >= 0x1p63) return false;
    value = static_cast<std::uint64_t>(parsed);
    return true;
  }
  return false;
}

bool ParseHex(std::string_view text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

// Three significant digits: "1.25", "12.5", "125".
std::string Significant(double value) { return fmt::format("{:.{}f}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0); }

std::string WithoutTrailingZeros(std::string number) {
  if (number.find('.') == std::string::npos) return number;
  number.erase(number.find_last_not_of('0') + 1);
  if (number.back() == '.') number.pop_back();
  return number;
}

}  // namespace

absl::StatusOr<std::uint64_t> ParseCount(std::string_view text) {
  std::uint64_t value = 0;
  if (ParseWithUnit(text, kDecimal, value)) return value;
  return absl::InvalidArgumentError(
      fmt::format("'{}' is not a count; expected a whole number, k, M or G allowed, e.g. 500k", text));
}

absl::StatusOr<std::uint32_t> ParseAddress(std::string_view text) {
  std::uint64_t value = 0;
  const bool prefixed = text.starts_with("0x") || text.starts_with("0X");
  if (ParseHex(prefixed ? text.substr(2) : text, value) && value <= std::numeric_limits<std::uint32_t>::max()) {
    return static_cast<std::uint32_t>(value);
  }
  return absl::InvalidArgumentError(
      fmt::format("'{}' is not an address; expected up to 8 hexadecimal digits, e.g. 0xC0400000", text));
}

absl::StatusOr<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  absl::Duration duration;
  if (absl::ParseDuration(absl::string_view(text.data(), text.size()), &duration) && duration >= absl::ZeroDuration() &&
      duration <= absl::Hours(24 * 366) && duration == absl::Floor(duration, absl::Milliseconds(1))) {
    return absl::ToChronoMilliseconds(duration);
  }
  return absl::InvalidArgumentError(fmt::format(
      "'{}' is not a duration; expected whole milliseconds with units, at most a year, e.g. 300ms, 10s, 1h30m", text));
}

std::string Count(std::uint64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string Count(std::uint64_t value, std::string_view noun) {
  return fmt::format("{} {}{}", Count(value), noun, value == 1 ? "" : "s");
}

std::string Time(std::int64_t seconds) {
  constexpr std::int64_t kYear10000 = 253'402'300'800;  // the wire can say more than a calendar holds
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::clamp<std::int64_t>(seconds, 0, kYear10000 - 1)));
}

std::string Bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kNames = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  double value = static_cast<double>(bytes);
  for (; value >= 1024 && unit + 1 < kNames.size(); ++unit) value /= 1024;
  return fmt::format("{} {}", unit == 0 ? std::to_string(bytes) : WithoutTrailingZeros(Significant(value)), kNames[unit]);
}

std::string Address(std::uint32_t address) { return fmt::format("0x{:08X}", address); }

std::string Duration(absl::Duration duration) {
  const std::int64_t ns = absl::ToInt64Nanoseconds(duration);
  std::int64_t digit = 1;  // the value of the third significant digit
  for (std::int64_t rest = std::abs(ns); rest >= 1'000; rest /= 10) digit *= 10;
  return absl::FormatDuration(ns < 10 ? duration
                                      : absl::Floor(duration + absl::Nanoseconds(digit) / 2, absl::Nanoseconds(digit)));
}

std::string Percent(double ratio) { return fmt::format("{:.1f} %", ratio * 100); }

std::string Rate(double per_second) {
  if (per_second < 999.5) return Significant(per_second);
  if (per_second < 999.5e3) return Significant(per_second / 1e3) + " k";
  if (per_second < 999.5e6) return Significant(per_second / 1e6) + " M";
  return Significant(per_second / 1e9) + " G";
}

}  // namespace alloclab::client
