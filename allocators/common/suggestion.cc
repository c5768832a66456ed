#include "allocators/common/suggestion.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace alloclab {
namespace {

constexpr std::size_t kWordMax = 128;  // longer ones are no typo of anything

// Levenshtein, one row at a time.
std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string_view NearestName(std::string_view word, std::span<const std::string_view> names) {
  if (word.size() > kWordMax) return {};
  std::string_view nearest;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view name : names) {
    if (const std::size_t distance = EditDistance(word, name); distance < least) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

std::string UnknownName(std::string_view kind, std::string_view word, std::span<const std::string_view> names) {
  const std::string start = absl::StrFormat("unknown %s \"%s\"; ", kind, word.substr(0, kWordMax));
  if (const std::string_view nearest = NearestName(word, names); !nearest.empty()) {
    return absl::StrFormat("%sdid you mean \"%s\"?", start, nearest);
  }
  const auto append = [](std::string* out, std::string_view name) { out->append(name); };
  return absl::StrFormat("%sexpected one of %s", start, absl::StrJoin(names, ", ", append));
}

}  // namespace alloclab
