// An i386 program as a linker writes it: an ELF32 file of type ET_EXEC, with what of it goes into memory and its symbols. The
// file may be anybody's: nothing in it is believed, and what is refused is named.
//
// Source: System V ABI, Intel386 supplement, 4th edition (1997), chapter 4.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_ELF_PROGRAM_H_
#define ALLOCLAB_ALLOCATORS_GUEST_ELF_PROGRAM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "allocators/guest/elf_lines.h"
#include "allocators/machine/address_space.h"

namespace alloclab {

class ElfProgram {
 public:
  // Bounds on what a file may ask for. A student's program is some 20 KiB with 10 segments at most and some 100 symbols; its
  // heap may be an array of 20 MiB.
  static constexpr std::uint32_t kFileBytesMax = 4 << 20;
  static constexpr std::uint32_t kSegmentsMax = 16;
  static constexpr std::uint32_t kMemoryBytesMax = 64 << 20;  // of all segments
  static constexpr std::uint32_t kSectionsMax = 4096;
  static constexpr std::uint32_t kSymbolsMax = 65536;
  static constexpr std::uint32_t kSymbolNameMax = 1024;
  static constexpr std::uint32_t kLineBytesMax = 1 << 20;  // of each section of lines; a larger one is left out
  // Segments lie between; the first page is left out, so that null is nowhere.
  static constexpr std::uint32_t kLowest = kPageBytes, kEnd = 0xC000'0000;

  struct Segment {
    std::uint32_t address = 0, memory_bytes = 0;
    bool writable = false, executable = false;
    std::string bytes;  // what it begins with; the rest is 0
    std::uint32_t end() const { return address + memory_bytes; }
  };
  struct Symbol {
    std::string name;
    std::uint32_t address = 0, bytes = 0;
    bool is_function = false;
  };

  // INVALID_ARGUMENT: what is wrong, with the numbers, and what is expected.
  static absl::StatusOr<ElfProgram> Parse(std::string_view file);

  std::uint32_t entry() const { return entry_; }
  const std::vector<Segment>& segments() const { return segments_; }  // by address, not overlapping; at least one
  std::uint32_t start() const { return segments_.front().address; }
  std::uint32_t end() const { return segments_.back().end(); }
  std::size_t symbol_count() const { return symbols_.size(); }
  std::uint64_t host_bytes() const;

  // The global symbol of that name. Null if there is none: also of a file that was stripped.
  const Symbol* Find(std::string_view name) const;
  // The function that an address is in: "find_fit+0x13"; the address alone if there is none.
  std::string Describe(std::uint32_t address) const;
  // Likewise, with the source line if the file has debug information: "find_fit+0x13 (mm.c:40)". Reads that anew.
  std::string Locate(std::uint32_t address) const;
  const LineSections& line_sections() const { return lines_; }

  // Brings the program into memory: all its pages are present then, those with nothing to be written in them read-only.
  // RESOURCE_EXHAUSTED when the machine has too few frames.
  absl::Status LoadInto(AddressSpace& space) const;

 private:
  class Reader;

  std::uint32_t entry_ = 0;
  std::vector<Segment> segments_;
  std::vector<Symbol> symbols_;  // by address
  absl::flat_hash_map<std::string, std::size_t> global_;
  LineSections lines_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_GUEST_ELF_PROGRAM_H_
