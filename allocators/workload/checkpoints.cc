#include "allocators/workload/checkpoints.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

bool ParseCount(std::string_view text, std::uint64_t& value) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return stop == end && error == std::errc{};
}

absl::Status BadItem(std::string_view item, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrFormat("\"%s\" %s", item, why));
}

absl::StatusOr<std::uint64_t> ParseItem(std::string_view item, std::uint64_t operations) {
  const std::size_t slash = item.find('/');
  std::uint64_t numerator = 0, denominator = 1;
  if (!ParseCount(item.substr(0, slash), numerator) ||
      (slash != item.npos && !ParseCount(item.substr(slash + 1), denominator))) {
    return BadItem(item, "is no checkpoint; expected a number of operations or a fraction like 1/4");
  }
  if (slash == item.npos) {
    if (numerator > operations) return BadItem(item, absl::StrFormat("is beyond the trace's %d operations", operations));
    return numerator;
  }
  if (denominator == 0 || numerator > denominator) return BadItem(item, "is no fraction between 0/1 and 1/1");
  if (denominator > 1'000'000'000) return BadItem(item, "is too fine; expected a denominator of at most 1000000000");
  // operations * numerator / denominator, rounded down, without overflow.
  return operations / denominator * numerator + operations % denominator * numerator / denominator;
}

}  // namespace

absl::StatusOr<std::vector<std::uint64_t>> ParseCheckpoints(std::string_view text, std::uint64_t operations) {
  std::vector<std::uint64_t> checkpoints;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const auto checkpoint = ParseItem(text.substr(0, comma), operations);
    if (!checkpoint.ok()) return checkpoint.status();
    checkpoints.push_back(*checkpoint);
    if (checkpoints.size() > kCheckpointsMax) {
      return absl::InvalidArgumentError(absl::StrFormat("too many checkpoints; expected at most %d", kCheckpointsMax));
    }
    if (comma == text.npos) break;
    text.remove_prefix(comma + 1);
    if (text.empty()) return BadItem("", "is no checkpoint; expected one after the last comma");
  }
  std::sort(checkpoints.begin(), checkpoints.end());
  checkpoints.erase(std::unique(checkpoints.begin(), checkpoints.end()), checkpoints.end());
  return checkpoints;
}

}  // namespace alloclab
