#include "allocators/workload/robson.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "allocators/workload/handle_numbering.h"

namespace alloclab {
namespace {

struct PlacedBlock {
  std::uint64_t begin = 0, size = 0;  // units
  std::uint32_t handle = 0;
};

class Player {
 public:
  explicit Player(const RobsonProgram& program) : program_(program) {}

  void Play() {
    Fill(1);
    for (std::uint32_t i = 1; i <= program_.largest_log2; ++i) {
      const std::uint64_t size = std::uint64_t{1} << i;
      if (Waste(offset_ + size / 2, size) > Waste(offset_, size)) offset_ += size / 2;
      FreeOthers(size);
      Fill(size);
    }
    trace_.heap_handles = handles_.handles();
  }

  Trace& trace() { return trace_; }
  std::uint64_t extent() const { return extent_; }

 private:
  // Whether the block lies across a place that is `offset` in front of a multiple of `size`.
  static bool Lies(const PlacedBlock& block, std::uint64_t offset, std::uint64_t size) {
    const std::uint64_t first = block.begin + (offset + size - block.begin % size) % size;
    return first < block.begin + block.size;
  }
  // What the blocks that lie there keep from being used for blocks of that size.
  std::uint64_t Waste(std::uint64_t offset, std::uint64_t size) const {
    std::uint64_t waste = 0;
    for (const PlacedBlock& block : blocks_) waste += Lies(block, offset, size) ? size - block.size : 0;
    return waste;
  }
  void FreeOthers(std::uint64_t size) {
    std::vector<PlacedBlock> kept;
    for (const PlacedBlock& block : blocks_) {
      if (Lies(block, offset_, size)) {
        kept.push_back(block);
        continue;
      }
      live_ -= block.size;
      handles_.GiveBack(block.handle);
      trace_.operations.push_back({OpKind::kFree, block.handle, 0, 0});
    }
    blocks_ = std::move(kept);
  }
  // As many blocks as may live, each in the first gap; nothing is freed meanwhile, so no gap has to be looked at twice.
  void Fill(std::uint64_t size) {
    std::vector<PlacedBlock> filled;
    std::uint64_t end = 0;
    for (const PlacedBlock& block : blocks_) {
      for (; end + size <= block.begin && live_ + size <= program_.live_units; end += size) Place(end, size, filled);
      filled.push_back(block);
      end = block.begin + block.size;
    }
    for (; live_ + size <= program_.live_units; end += size) Place(end, size, filled);
    extent_ = std::max(extent_, end);
    blocks_ = std::move(filled);
  }
  void Place(std::uint64_t begin, std::uint64_t size, std::vector<PlacedBlock>& filled) {
    const std::uint32_t handle = handles_.Take();
    const auto bytes = static_cast<std::uint32_t>(size * program_.unit_bytes - program_.block_overhead_bytes);
    trace_.operations.push_back({OpKind::kMalloc, handle, bytes, 0});
    filled.push_back({begin, size, handle});
    live_ += size;
  }

  const RobsonProgram& program_;
  Trace trace_;
  HandlePool handles_;
  std::vector<PlacedBlock> blocks_;  // by address
  std::uint64_t live_ = 0, extent_ = 0, offset_ = 0;
};

}  // namespace

std::uint64_t RobsonBound(const RobsonProgram& program) {
  const std::uint64_t live = program.live_units;
  return live * program.largest_log2 / 2 + live - (std::uint64_t{1} << program.largest_log2) + 1;
}

std::uint64_t RobsonExtent(const RobsonProgram& program) {
  Player player(program);
  player.Play();
  return player.extent();
}

Trace MakeRobson(const RobsonProgram& program) {
  Player player(program);
  player.Play();
  Trace trace = std::move(player.trace());
  trace.format = "generated";
  const std::uint64_t unit = program.unit_bytes;
  trace.notes.push_back(
      absl::StrFormat("Robson's bounds for %d bytes live, headers included, in blocks of up to %d: some program makes any "
                      "allocator use %d bytes "
                      "of heap, and first fit about %d; this one makes an ideal first fit use %d: compare the peak of the heap",
                      program.live_units * unit, unit << program.largest_log2, RobsonBound(program) * unit,
                      std::uint64_t{program.live_units} * program.largest_log2 * unit, player.extent() * unit));
  return trace;
}

}  // namespace alloclab
