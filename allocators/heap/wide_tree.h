// Two 16-ary trees over a growing row of entries, for the index of a heap: of upper bounds, to find the first entry that is
// large enough, and of counts, to sum those before an entry. Both take as many steps as the row needs levels; a row of up to 16
// entries is one node.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_WIDE_TREE_H_
#define ALLOCLAB_ALLOCATORS_HEAP_WIDE_TREE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "allocators/common/lanes.h"

namespace alloclab {

inline constexpr std::uint32_t kWideLevelsMax = 4;
inline constexpr std::uint32_t kWideEntriesMax = 1u << (4 * kWideLevelsMax);

// Bounds of inner nodes are upper bounds of the bounds below them. They rise with every entry, but fall only when a search was
// led astray by one: whoever lowers an entry pays nothing, and every correction undoes a rise that was paid for.
class WideBounds {
 public:
  static constexpr std::uint32_t kNone = kWideEntriesMax;

  std::uint32_t size() const { return size_; }
  // Adds an entry of 0 at the end. REQUIRES: size() < kWideEntriesMax.
  void Append();

  std::uint32_t operator[](std::uint32_t entry) const { return levels_[0][entry / 16].values[entry % 16]; }
  // REQUIRES: bound < 2^31.
  void Raise(std::uint32_t entry, std::uint32_t bound);
  void Lower(std::uint32_t entry, std::uint32_t bound) { levels_[0][entry / 16].Set(entry % 16, bound); }
  // The least of the bounds on the way from an entry to the root.
  std::uint32_t LeastAbove(std::uint32_t entry) const;
  // The first entry >= least at or after `from`, or kNone. REQUIRES: 0 < least < 2^31, from <= size().
  std::uint32_t FirstAtLeast(std::uint32_t least, std::uint32_t from);

  std::uint64_t host_bytes() const;

 private:
  // Nodes of 16 entries by level; an entry stands for a node of the level below. The last level in use has one node.
  std::array<std::vector<Sixteen>, kWideLevelsMax> levels_;
  std::uint32_t depth_ = 0;
  std::uint32_t size_ = 0;
};

class WideCounts {
 public:
  // Adds an entry of 0 at the end. REQUIRES: fewer than kWideEntriesMax entries.
  void Append();

  // Adds to an entry, modulo 2^32.
  void Add(std::uint32_t entry, std::uint32_t change);
  std::uint32_t SumBefore(std::uint32_t entry) const;
  std::uint32_t total() const { return total_; }

  std::uint64_t host_bytes() const;

 private:
  std::array<std::vector<Sixteen>, kWideLevelsMax> levels_;  // per entry, the sum of those before it in its node
  std::uint32_t depth_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t total_ = 0;
};

inline void WideBounds::Raise(std::uint32_t entry, std::uint32_t bound) {
  for (std::uint32_t level = 0; level < depth_; ++level, entry /= 16) {
    Sixteen& bounds = levels_[level][entry / 16];
    if (bounds.values[entry % 16] >= bound) return;
    bounds.Set(entry % 16, bound);
  }
}

// Climbs from `from` until a node promises an entry, then descends; back up where the promise was not kept.
inline std::uint32_t WideBounds::FirstAtLeast(std::uint32_t least, std::uint32_t from) {
  std::uint32_t level = 0, entry = from;
  while (level < depth_ && entry / 16 < levels_[level].size()) {
    const Sixteen& bounds = levels_[level][entry / 16];
    const std::uint32_t first = bounds.FirstAtLeast(least, entry % 16);
    if (first < 16) {
      entry = entry / 16 * 16 + first;
      if (level == 0) return entry;
      entry *= 16;
      --level;
    } else {
      if (entry % 16 == 0 && level + 1 < depth_) levels_[level + 1][entry / 256].Set(entry / 16 % 16, bounds.Max());
      entry = entry / 16 + 1;
      ++level;
    }
  }
  return kNone;
}

inline void WideCounts::Add(std::uint32_t entry, std::uint32_t change) {
  for (std::uint32_t level = 0; level < depth_; ++level, entry /= 16) {
    levels_[level][entry / 16].AddBehind(entry % 16, change);
  }
  total_ += change;
}

inline std::uint32_t WideCounts::SumBefore(std::uint32_t entry) const {
  std::uint32_t sum = 0;
  for (std::uint32_t level = 0; level < depth_; ++level, entry /= 16) sum += levels_[level][entry / 16].values[entry % 16];
  return sum;
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_WIDE_TREE_H_
