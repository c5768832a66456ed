// What the file of a program or library tells of its code: names of functions, and lines where it has debug information. The
// file may be anybody's, and another one by now than the one that ran: what is malformed is not known.
#ifndef ALLOCLAB_CLIENTS_RECORD_MODULE_SYMBOLS_H_
#define ALLOCLAB_CLIENTS_RECORD_MODULE_SYMBOLS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "allocators/guest/elf_lines.h"

namespace alloclab::client {

class ModuleSymbols {
 public:
  // Of a 64-bit ELF file; of any other, nothing is known.
  explicit ModuleSymbols(const std::string& path);

  // The function that an address of the module is in, demangled; empty: not known.
  std::string FunctionAt(std::uint64_t offset) const;
  // The lines of those addresses that are known.
  std::map<std::uint32_t, SourceLine> LinesOf(std::vector<std::uint32_t> offsets) const { return FindLines(lines_, offsets); }

 private:
  struct Symbol {
    std::uint64_t begin = 0, size = 0;
    std::uint32_t name = 0;  // place in names_
  };
  void AddSymbols(const std::string& symbols, const std::string& names);

  std::vector<Symbol> symbols_;  // by address
  std::string names_;
  LineSections lines_;
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_RECORD_MODULE_SYMBOLS_H_
