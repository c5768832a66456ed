// A stretch of memory drawn with blocks: one cell of the drawing stands for so many bytes, its shade for how much of them
// is in use: live or metadata.
#ifndef ALLOCLAB_CLIENTS_CLI_MEMORY_MAP_H_
#define ALLOCLAB_CLIENTS_CLI_MEMORY_MAP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "clients/common/terminal.h"

namespace alloclab::client {

// Cells are a power of two bytes, lines a power of two cells that fits the width, so that every line begins at a round address.
class MemoryMap {
 public:
  // Of [from, to), in at most `lines_max` lines of at most `width` columns. REQUIRES from < to <= 4 GiB, lines_max > 0.
  MemoryMap(std::uint64_t from, std::uint64_t to, int width, int lines_max);

  enum class Kind { kLive, kFree, kMetadata };

  // Adds a piece; what lies outside is ignored. Bytes that no piece covers are drawn as nothing.
  void Add(std::uint64_t begin, std::uint64_t end, Kind kind);
  // Whatever no piece covers is of this kind. Where pieces overlap their bytes count twice, and less of the cell is filled.
  void FillRest(Kind kind);

  // The lines, each with its address, and a legend.
  std::string Draw(const Style& style) const;

  std::uint64_t bytes_per_cell() const { return cell_bytes_; }

 private:
  struct Tally {
    std::uint64_t live = 0, free = 0, metadata = 0;

    std::uint64_t& Of(Kind kind) { return kind == Kind::kLive ? live : kind == Kind::kFree ? free : metadata; }
  };

  std::string Line(std::size_t first_cell, const Style& style) const;

  std::uint64_t base_;  // of the first cell
  std::uint64_t from_, to_;
  std::uint64_t cell_bytes_;
  std::size_t columns_;
  std::vector<Tally> cells_;
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_MEMORY_MAP_H_
