// The source lines of a program, out of the debug information of its file: section .debug_line of DWARF 2 to 5, as compilers
// write it with -g, for addresses below 4 GiB. The file may be anybody's: what is malformed ends the reading, and is no error;
// nothing is read twice.
//
// Source: DWARF Debugging Information Format, version 5 (2017), 6.2; versions 2 to 4 for the older header.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_ELF_LINES_H_
#define ALLOCLAB_ALLOCATORS_GUEST_ELF_LINES_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace alloclab {

struct SourceLine {
  std::string file;  // with the folder it was compiled in, if the file says so; empty: not known
  int line = 0;
  friend auto operator<=>(const SourceLine&, const SourceLine&) = default;
};

// The sections of a file; empty ones are not there.
struct LineSections {
  std::string lines;    // .debug_line
  std::string strings;  // .debug_line_str
};

// The lines of those of the addresses that are known. `addresses` in any order.
std::map<std::uint32_t, SourceLine> FindLines(const LineSections& sections, std::vector<std::uint32_t> addresses);

// Its last part: "mm.c:12".
std::string ShortName(const SourceLine& line);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_GUEST_ELF_LINES_H_
