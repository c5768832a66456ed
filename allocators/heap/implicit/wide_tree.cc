#include "allocators/heap/implicit/wide_tree.h"

namespace alloclab {
namespace {

// Makes room for `entries`; calls new_root(level) when a level has come on top.
template <class Node, class NewRoot>
void Grow(std::array<std::vector<Node>, kWideLevelsMax>& levels, std::uint32_t& depth, std::uint32_t entries,
          NewRoot new_root) {
  std::uint32_t nodes = entries;
  for (std::uint32_t level = 0; level == 0 || level < depth || nodes > 1; ++level) {
    nodes = (nodes + 15) / 16;
    levels[level].resize(nodes);
    if (level < depth) continue;
    ++depth;
    if (level > 0) new_root(level);
  }
}

template <class Node>
std::uint64_t HostBytes(const std::array<std::vector<Node>, kWideLevelsMax>& levels) {
  std::uint64_t bytes = 0;
  for (const auto& level : levels) bytes += level.capacity() * sizeof(Node);
  return bytes;
}

}  // namespace

void WideBounds::Append() {
  ALLOCLAB_CHECK_LT(size_, kWideEntriesMax);
  Grow(levels_, depth_, ++size_, [this](std::uint32_t root) { levels_[root][0].values[0] = levels_[root - 1][0].Max(); });
}

std::uint32_t WideBounds::LeastAbove(std::uint32_t entry) const {
  std::uint32_t least = ~0u;
  for (std::uint32_t level = 0; level < depth_; ++level, entry /= 16) {
    least = std::min(least, levels_[level][entry / 16].values[entry % 16]);
  }
  return least;
}

std::uint64_t WideBounds::host_bytes() const { return HostBytes(levels_); }

void WideCounts::Append() {
  ALLOCLAB_CHECK_LT(size_, kWideEntriesMax);
  Grow(levels_, depth_, ++size_, [this](std::uint32_t root) { levels_[root][0].AddBehind(0, total_); });
}

std::uint64_t WideCounts::host_bytes() const { return HostBytes(levels_); }

}  // namespace alloclab
