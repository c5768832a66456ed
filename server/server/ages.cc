#include "server/server/ages.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "allocators/common/printable.h"
#include "server/access/token.h"

namespace alloclab::server {

absl::StatusOr<absl::Duration> ParseAge(const std::string& text, absl::Duration max) {
  const std::int64_t days_max = absl::ToInt64Hours(max) / 24;
  absl::Duration age;
  std::uint64_t days = 0;
  bool known = false;
  if (text.ends_with('d')) {
    known = absl::SimpleAtoi(text.substr(0, text.size() - 1), &days);
    age = absl::Hours(24) *
          std::min<std::int64_t>(static_cast<std::int64_t>(std::min<std::uint64_t>(days, INT32_MAX)), days_max + 1);
  } else {
    known = absl::ParseDuration(text, &age);
  }
  if (known && age >= absl::ZeroDuration() && age <= max) return age;
  return absl::InvalidArgumentError(fmt::format("\"{}\": expected 30d, 12h or another duration up to {}", Printable(text),
                                                days_max > 1 ? fmt::format("{} days", days_max) : absl::FormatDuration(max)));
}

absl::StatusOr<OwnerAges> ParseOwnerAges(const std::string& text, absl::Duration max) {
  OwnerAges ages;
  const std::vector<std::string> entries = absl::StrSplit(text, ',', absl::SkipEmpty());
  for (const std::string& entry : entries) {
    const std::vector<std::string> parts = absl::StrSplit(entry, absl::MaxSplits('=', 1));
    if (parts.size() != 2) {
      return absl::InvalidArgumentError(fmt::format("\"{}\": expected NAME=AGE, such as ada=365d", Printable(entry)));
    }
    if (absl::Status status = CheckTokenName(parts[0]); !status.ok()) return status;
    const absl::StatusOr<absl::Duration> age = ParseAge(parts[1], max);
    if (!age.ok()) {
      return absl::InvalidArgumentError(fmt::format("of {} {}", parts[0], std::string(age.status().message())));
    }
    if (!ages.emplace(parts[0], *age).second) return absl::InvalidArgumentError(fmt::format("{} is there twice", parts[0]));
  }
  if (ages.size() <= kTokensMax) return ages;
  return absl::InvalidArgumentError(fmt::format("{} names; at most {} are allowed", ages.size(), kTokensMax));
}

std::string FormatOwnerAges(const OwnerAges& ages) {
  return absl::StrJoin(ages, ",", [](std::string* out, const auto& age) {
    *out += fmt::format("{}={}", age.first, absl::FormatDuration(age.second));
  });
}

}  // namespace alloclab::server
