#include "allocators/common/quantity.h"

#include <array>
#include <charconv>
#include <utility>

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
    return absl::InvalidArgumentError(absl::StrFormat("\"%s\" is not a number; expected %s", text, kQuantityExpects));
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
