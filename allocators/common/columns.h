// Text in the columns of a terminal.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_COLUMNS_H_
#define ALLOCLAB_ALLOCATORS_COMMON_COLUMNS_H_

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace alloclab {

// Columns of the terminal behind `stream`; the variable COLUMNS if that is set, 80 if there is no terminal.
int TerminalWidth(std::FILE* stream);
// Columns that UTF-8 text takes (each code point counts as one).
std::size_t DisplayWidth(std::string_view text);
// The text in lines of at most `width` columns, broken between words. A longer word has a line to itself and is never cut. At
// least one line.
std::vector<std::string> WrapWords(std::string_view text, std::size_t width);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_COLUMNS_H_
