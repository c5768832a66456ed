#include "allocators/heap/wide_tree.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace alloclab {

void WideTree::Append() {
  ++size_;
  std::uint32_t nodes = (size_ + 15) / 16;
  for (std::uint32_t level = 0;; ++level, nodes = (nodes + 15) / 16) {
    Level& row = levels_[level];
    row.bounds.resize(nodes);
    row.counts.resize(nodes);
    if (level == depth_) {  // a new root; what was the root becomes its first entry
      ++depth_;
      if (level > 0) {
        const Level& below = levels_[level - 1];
        row.bounds[0].values[0] = below.bounds[0].Max();
        row.counts[0][0] = std::accumulate(below.counts[0].begin(), below.counts[0].end(), std::uint64_t{0});
      }
    }
    if (nodes == 1 && level + 1 >= depth_) return;
  }
}

std::uint64_t WideTree::host_bytes() const {
  std::uint64_t bytes = 0;
  for (const Level& level : levels_) {
    bytes += level.bounds.capacity() * sizeof(Sixteen) + level.counts.capacity() * sizeof(Counts);
  }
  return bytes;
}

}  // namespace alloclab
