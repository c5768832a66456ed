#include "allocators/common/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

constexpr std::array<std::pair<std::string_view, int>, 3> kSuffixes = {{{"Gi", 30}, {"Mi", 20}, {"Ki", 10}}};

// Cuts "Ki" or "KiB" off the end and returns its power of two.
int TakeSuffix(std::string_view& text) {
  for (const auto& [suffix, bits] : kSuffixes) {
    for (const std::string_view unit : {std::string_view{""}, std::string_view{"B"}}) {
      const std::size_t size = suffix.size() + unit.size();
      if (text.size() < size || !text.ends_with(unit) || !text.substr(0, text.size() - unit.size()).ends_with(suffix)) continue;
      text.remove_suffix(size);
      return bits;
    }
  }
  return 0;
}

// "; did you mean 64Mi?" for "64MB", "64M" or "64 mib".
std::string ProbablyMeant(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::size_t unit_at = std::min(text.find_first_not_of(' ', digits), text.size());
  const std::string unit = absl::AsciiStrToLower(std::string(text.substr(unit_at)));
  if (digits == 0) return "";
  for (const auto& [suffix, bits] : kSuffixes) {
    const char letter = absl::ascii_tolower(static_cast<unsigned char>(suffix.front()));
    for (const char* rest : {"", "b", "i", "ib"}) {
      if (unit == letter + std::string(rest)) return absl::StrFormat("; did you mean %s%s?", text.substr(0, digits), suffix);
    }
  }
  return "";
}

}  // namespace

absl::StatusOr<std::uint64_t> ParseQuantity(std::string_view text, std::uint64_t max) {
  std::string_view digits = text;
  const int shift = TakeSuffix(digits);
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    digits.remove_prefix(2);
    base = 16;
  }
  std::uint64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
  if (stop != end || error == std::errc::invalid_argument) {
    return absl::InvalidArgumentError(
        absl::StrFormat("\"%s\" is not a number; expected %s%s", text, kQuantityExpects, ProbablyMeant(text)));
  }
  if (error == std::errc::result_out_of_range || value > max >> shift) {
    return absl::InvalidArgumentError(absl::StrFormat("\"%s\" is too large; expected at most %s", text, FormatQuantity(max)));
  }
  return value << shift;
}

std::string FormatQuantity(std::uint64_t value) {
  for (const auto& [suffix, bits] : kSuffixes) {
    if (value != 0 && value % (std::uint64_t{1} << bits) == 0) return absl::StrFormat("%d%s", value >> bits, suffix);
  }
  return absl::StrFormat("%d", value);
}

}  // namespace alloclab
