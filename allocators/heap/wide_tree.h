// A 16-ary tree over a row of entries, each with an upper bound and a count: finds the first entry whose bound is large enough
// and sums the counts before an entry, in as many steps as the row needs levels. A row of up to 16 entries is one node.
//
// Bounds of inner nodes are upper bounds of the bounds below them. They rise with every entry, but fall only when a search was
// led astray by one: whoever lowers an entry pays nothing, and every correction undoes a rise that was paid for.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_WIDE_TREE_H_
#define ALLOCLAB_ALLOCATORS_HEAP_WIDE_TREE_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "allocators/common/max_table.h"

namespace alloclab {

class WideTree {
 public:
  static constexpr std::uint32_t kEntriesMax = 1u << 16;
  static constexpr std::uint32_t kNone = kEntriesMax;

  std::uint32_t size() const { return size_; }
  // Adds an entry with bound and count 0 at the end. REQUIRES: size() < kEntriesMax.
  void Append();

  std::uint32_t bound(std::uint32_t entry) const { return levels_[0].bounds[entry / 16].values[entry % 16]; }
  // REQUIRES: bound < 2^31.
  void Raise(std::uint32_t entry, std::uint32_t bound);
  void Lower(std::uint32_t entry, std::uint32_t bound) { levels_[0].bounds[entry / 16].values[entry % 16] = bound; }
  // The least of the bounds on the way from an entry to the root.
  std::uint32_t LeastBoundAbove(std::uint32_t entry) const;
  // The first entry with a bound >= least, or kNone. REQUIRES: 0 < least < 2^31.
  std::uint32_t FirstAtLeast(std::uint32_t least);

  // Adds to an entry's count, modulo 2^64.
  void Add(std::uint32_t entry, std::uint64_t count);
  std::uint64_t SumBefore(std::uint32_t entry) const;
  std::uint64_t count(std::uint32_t entry) const { return levels_[0].counts[entry / 16][entry % 16]; }

  std::uint64_t host_bytes() const;

 private:
  static constexpr std::uint32_t kLevelsMax = 4;
  static_assert(1u << (4 * kLevelsMax) == kEntriesMax);

  using Counts = std::array<std::uint64_t, 16>;
  struct Level {  // nodes of 16 entries; an entry stands for a node of the level below
    std::vector<Sixteen> bounds;
    std::vector<Counts> counts;
  };

  static std::uint64_t SumBefore(const Counts& counts, std::uint32_t end);

  std::array<Level, kLevelsMax> levels_;
  std::uint32_t depth_ = 0;  // levels in use; the last has one node
  std::uint32_t size_ = 0;
};

inline std::uint32_t WideTree::LeastBoundAbove(std::uint32_t entry) const {
  std::uint32_t least = ~0u;
  for (std::uint32_t level = 0; level < depth_; ++level, entry /= 16) {
    least = std::min(least, levels_[level].bounds[entry / 16].values[entry % 16]);
  }
  return least;
}

inline void WideTree::Raise(std::uint32_t entry, std::uint32_t bound) {
  for (std::uint32_t level = 0; level < depth_; ++level, entry /= 16) {
    std::uint32_t& value = levels_[level].bounds[entry / 16].values[entry % 16];
    if (value >= bound) return;
    value = bound;
  }
}

inline std::uint32_t WideTree::FirstAtLeast(std::uint32_t least) {
  std::uint32_t level = depth_ - 1, node = 0;
  for (;;) {
    const Sixteen& bounds = levels_[level].bounds[node];
    const std::uint32_t first = bounds.FirstAtLeast(least);
    if (first < 16) {
      node = node * 16 + first;
      if (level == 0) return node;
      --level;
    } else {
      if (++level == depth_) return kNone;
      levels_[level].bounds[node / 16].values[node % 16] = bounds.Max();
      node /= 16;
    }
  }
}

inline void WideTree::Add(std::uint32_t entry, std::uint64_t count) {
  for (std::uint32_t level = 0; level < depth_; ++level, entry /= 16) levels_[level].counts[entry / 16][entry % 16] += count;
}

inline std::uint64_t WideTree::SumBefore(std::uint32_t entry) const {
  std::uint64_t sum = 0;
  for (std::uint32_t level = 0; level < depth_; ++level, entry /= 16) {
    sum += SumBefore(levels_[level].counts[entry / 16], entry % 16);
  }
  return sum;
}

// Without a branch on `end`: the mask is a window into ones followed by zeros.
inline std::uint64_t WideTree::SumBefore(const Counts& counts, std::uint32_t end) {
  static constexpr auto kMask = [] {
    std::array<std::uint64_t, 32> mask{};
    for (int i = 0; i < 16; ++i) mask[static_cast<std::size_t>(i)] = ~std::uint64_t{0};
    return mask;
  }();
  const std::uint64_t* mask = &kMask[16 - end];
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < 16; ++i) sum += counts[i] & mask[i];
  return sum;
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_WIDE_TREE_H_
