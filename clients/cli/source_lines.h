// Where in the user's sources the instructions of a program come from, as the compiler's own tools say: addr2line of binutils
// or llvm-symbolizer of LLVM, whichever is there.
#ifndef ALLOCLAB_CLIENTS_CLI_SOURCE_LINES_H_
#define ALLOCLAB_CLIENTS_CLI_SOURCE_LINES_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace alloclab::client {

struct SourceLine {
  std::string file;  // a path; empty: not known
  int line = 0;
  friend auto operator<=>(const SourceLine&, const SourceLine&) = default;
};

// By address. Without debug information or without a tool nothing is known of any.
std::map<std::uint32_t, SourceLine> FindSourceLines(std::string_view elf, const std::vector<std::uint32_t>& addresses);

// "mm.c:42", without folders; "" if it is not known.
std::string Show(const SourceLine& line);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_SOURCE_LINES_H_
