// Where the columns of a table stand, so that it fits the terminal: nothing is cut, and no word is broken.
//
//   1. If all columns fit side by side, each has the width of its widest cell.
//   2. Otherwise texts and column names are wrapped at word borders, the widest columns first, but no column gets narrower than
//      kTextMin columns or its longest word; numbers are never wrapped.
//   3. If that is not enough, a row takes several lines: columns that do not fit go on a further, indented line.
//
// A word that is wider than the terminal stands out.
#ifndef ALLOCLAB_CLIENTS_COMMON_TABLE_LAYOUT_H_
#define ALLOCLAB_CLIENTS_COMMON_TABLE_LAYOUT_H_

#include <cstddef>
#include <string_view>
#include <vector>

namespace alloclab::client {

inline constexpr std::size_t kColumnGap = 2;   // spaces between columns
inline constexpr std::size_t kLineIndent = 4;  // of the further lines of a row
inline constexpr std::size_t kTextMin = 16;

// What a column needs.
struct ColumnNeed {
  std::size_t most = 0;   // for all its cells unwrapped
  std::size_t least = 0;  // wrapped as far as it may be

  void AddWhole(std::string_view text);  // must stay on one line
  void AddText(std::string_view text);   // may be wrapped, but not into a column of single words
  void AddName(std::string_view text);   // of the column: may be wrapped word by word
};

struct ColumnPlace {
  std::size_t line = 0;  // of a row
  std::size_t width = 0;
};

std::vector<ColumnPlace> LayOut(const std::vector<ColumnNeed>& needs, std::size_t width);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_TABLE_LAYOUT_H_
