// What kind of file it is that is no trace, by what it begins with.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_FILE_KIND_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_FILE_KIND_H_

#include <string_view>

namespace alloclab {

// What else is known by name, with its article: "a zip archive". Empty: nothing. `start` is the file's beginning, decompressed.
std::string_view ForeignName(std::string_view start);

// A byte that belongs in a text file.
constexpr bool IsText(char c) { return (c >= ' ' && c <= '~') || (c >= '\t' && c <= '\r'); }

inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // what some editors put before UTF-8

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_FILE_KIND_H_
