#include "clients/cli/memory_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string_view>

#include "allocators/common/check.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

constexpr std::uint64_t kCellBytesMin = 4;  // a word
constexpr int kAddressColumns = 12;

struct Shade {
  std::string_view glyph;
  Tone tone;
};

constexpr Shade kNothing{" ", Tone::kPlain};
constexpr Shade kFree{"·", Tone::kFree};
constexpr Shade kFull{"█", Tone::kLive};
constexpr Shade kMetadata{"▪", Tone::kMeta};

Shade ShadeOf(std::uint64_t live, std::uint64_t free, std::uint64_t metadata) {
  const std::uint64_t used = live + metadata, total = used + free;
  if (used == 0) return free == 0 ? kNothing : kFree;
  if (live == 0 && free == 0) return kMetadata;
  if (free == 0) return kFull;
  return {3 * used >= 2 * total ? "▓" : 3 * used >= total ? "▒" : "░", Tone::kWarning};
}

}  // namespace

MemoryMap::MemoryMap(std::uint64_t from, std::uint64_t to, int width, int lines_max) : from_(from), to_(to) {
  ALLOCLAB_CHECK_LT(from, to);
  ALLOCLAB_CHECK_LE(to, std::uint64_t{1} << 32);
  ALLOCLAB_CHECK_GT(lines_max, 0);
  columns_ = std::bit_floor(static_cast<std::size_t>(std::max(width - kAddressColumns, 16)));
  cell_bytes_ = kCellBytesMin;
  const auto lines = [&] {
    const std::uint64_t line_bytes = cell_bytes_ * columns_;
    return (to - from / line_bytes * line_bytes + line_bytes - 1) / line_bytes;
  };
  while (lines() > static_cast<std::uint64_t>(lines_max)) cell_bytes_ *= 2;
  base_ = from / (cell_bytes_ * columns_) * (cell_bytes_ * columns_);
  cells_.resize(lines() * columns_);
}

void MemoryMap::Add(std::uint64_t begin, std::uint64_t end, Kind kind) {
  begin = std::max(begin, from_);
  end = std::min(end, to_);
  while (begin < end) {
    const std::uint64_t cell = (begin - base_) / cell_bytes_;
    const std::uint64_t stop = std::min(end, base_ + (cell + 1) * cell_bytes_);
    cells_[cell].Of(kind) += stop - begin;
    begin = stop;
  }
}

void MemoryMap::FillRest(Kind kind) {
  for (std::size_t c = 0; c < cells_.size(); ++c) {
    Tally& cell = cells_[c];
    const std::uint64_t begin = std::max(from_, base_ + c * cell_bytes_), end = std::min(to_, base_ + (c + 1) * cell_bytes_);
    const std::uint64_t covered = cell.live + cell.free + cell.metadata;
    if (begin < end && covered < end - begin) cell.Of(kind) += end - begin - covered;
  }
}

std::string MemoryMap::Line(std::size_t first_cell, const Style& style) const {
  std::string line, stretch;
  Shade shade = kNothing;
  for (std::size_t c = first_cell; c < first_cell + columns_; ++c) {
    const Shade next = ShadeOf(cells_[c].live, cells_[c].free, cells_[c].metadata);
    if (next.tone != shade.tone) {
      line += style.Paint(shade.tone, stretch);
      stretch.clear();
    }
    shade = next;
    stretch += shade.glyph;
  }
  return line + style.Paint(shade.tone, stretch);
}

std::string MemoryMap::Draw(const Style& style) const {
  std::string out;
  for (std::size_t c = 0; c < cells_.size(); c += columns_) {
    std::string line = Line(c, style);
    if (!style.color()) line.erase(line.find_last_not_of(' ') + 1);
    out += fmt::format("{}  {}\n", Address(static_cast<std::uint32_t>(base_ + c * cell_bytes_)), line);
  }
  out += fmt::format("\n{} live  {} metadata  {} partly  {} free    one cell is {}, one line {}\n",
                     style.Paint(kFull.tone, kFull.glyph), style.Paint(kMetadata.tone, kMetadata.glyph),
                     style.Paint(Tone::kWarning, "▓▒░"), style.Paint(kFree.tone, kFree.glyph), Bytes(cell_bytes_),
                     Bytes(cell_bytes_ * columns_));
  return out;
}

}  // namespace alloclab::client
