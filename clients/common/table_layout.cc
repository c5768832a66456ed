#include "clients/common/table_layout.h"

#include <algorithm>
#include <string>

#include "clients/common/terminal.h"

namespace alloclab::client {
namespace {

std::size_t LongestWord(std::string_view text) {
  std::size_t longest = 0;
  for (const std::string& word : WrapWords(text, 1)) longest = std::max(longest, DisplayWidth(word));
  return longest;
}

std::size_t TotalWidth(const std::vector<ColumnPlace>& places) {
  std::size_t total = 0;
  for (const ColumnPlace& place : places) total += place.width + kColumnGap;
  return total - std::min(total, kColumnGap);
}

// Narrows the widest columns until all fit side by side; false if they cannot.
bool Narrow(const std::vector<ColumnNeed>& needs, std::size_t width, std::vector<ColumnPlace>& places) {
  while (TotalWidth(places) > width) {
    std::size_t widest = places.size();
    for (std::size_t c = 0; c < places.size(); ++c) {
      if (places[c].width <= needs[c].least) continue;
      if (widest == places.size() || places[c].width > places[widest].width) widest = c;
    }
    if (widest == places.size()) return false;
    --places[widest].width;
  }
  return true;
}

// As many columns on a line as fit.
std::vector<ColumnPlace> OverSeveralLines(const std::vector<ColumnNeed>& needs, std::size_t width) {
  std::vector<ColumnPlace> places;
  std::size_t line = 0, used = 0;
  for (const ColumnNeed& need : needs) {
    const std::size_t room = width - std::min(width, kLineIndent);
    const std::size_t wanted = std::max(need.least, std::min(need.most, room));
    const std::size_t start = used == 0 ? 0 : used + kColumnGap;
    if (used > 0 && start + wanted > width) {
      ++line;
      used = kLineIndent + wanted;
    } else {
      used = start + wanted;
    }
    places.push_back({.line = line, .width = wanted});
  }
  return places;
}

}  // namespace

void ColumnNeed::AddWhole(std::string_view text) {
  most = std::max(most, DisplayWidth(text));
  least = std::max(least, DisplayWidth(text));
}

void ColumnNeed::AddText(std::string_view text) {
  AddName(text);
  least = std::max(least, std::min(DisplayWidth(text), kTextMin));
}

void ColumnNeed::AddName(std::string_view text) {
  most = std::max(most, DisplayWidth(text));
  least = std::max(least, LongestWord(text));
}

std::vector<ColumnPlace> LayOut(const std::vector<ColumnNeed>& needs, std::size_t width) {
  std::vector<ColumnPlace> places;
  for (const ColumnNeed& need : needs) places.push_back({.line = 0, .width = need.most});
  return Narrow(needs, width, places) ? places : OverSeveralLines(needs, width);
}

}  // namespace alloclab::client
