// Two 16-ary trees over a growing row of entries, for the index of a heap: of upper bounds, to find the first entry that is
// large enough, and of counts, to sum those before an entry. Both take as many steps as the row needs levels; a row of up to 16
// entries is one node.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_WIDE_TREE_H_
#define ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_WIDE_TREE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "allocators/common/check.h"
#include "allocators/common/lanes.h"

namespace alloclab {

inline constexpr std::uint32_t kWideLevelsMax = 4;
inline constexpr std::uint32_t kWideEntriesMax = 1u << (4 * kWideLevelsMax);

// A tree of maxima that are allowed to be too large. An inner node's value is at least every value below it. Raising an entry
// raises its ancestors at once; lowering one leaves them as they are. A search that follows an ancestor down and finds nothing
// large enough there lowers that ancestor to the true maximum and tries again. So lowering costs nothing when it happens, and
// each correction of a search is paid for by an earlier raise.
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
  // The first entry >= least behind `entry`, or kNone. REQUIRES: 0 < least < 2^31, entry < size().
  std::uint32_t FirstBehind(std::uint32_t entry, std::uint32_t least);

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
  ALLOCLAB_CHECK_LT(bound, 1u << 31);
  for (std::uint32_t level = 0; level < depth_; ++level, entry /= 16) {
    Sixteen& bounds = levels_[level][entry / 16];
    if (bounds.values[entry % 16] >= bound) return;
    bounds.Set(entry % 16, bound);
  }
}

// The nodes above the entry, one per level, are compared in one go: level L gives bits 16 L to 16 L + 15 of `promised`, one for
// each child to the right of the entry that may hold what is wanted. The lowest bit is the nearest such child; the search
// descends from there to the leftmost entry that is large enough. If a node's children are all too small, its value was too
// large: it is corrected, and the search begins again.
inline std::uint32_t WideBounds::FirstBehind(std::uint32_t entry, std::uint32_t least) {
  ALLOCLAB_CHECK_LT(entry, size_);
  ALLOCLAB_CHECK_LT(least - 1, (1u << 31) - 1);
  for (;;) {
    std::uint64_t promised = 0;
    for (std::uint32_t level = 0; level < depth_; ++level) {
      const std::uint32_t lane = entry >> 4 * level;
      const std::uint64_t behind = levels_[level][lane / 16].AtLeast(least) & 0xFFFEu << lane % 16 & 0xFFFFu;
      promised |= behind << 16 * level;
    }
    if (promised == 0) return kNone;
    const auto lowest = static_cast<std::uint32_t>(std::countr_zero(promised));
    std::uint32_t level = lowest / 16;
    std::uint32_t found = (entry >> 4 * level & ~15u) + lowest % 16;
    while (level > 0) {
      const Sixteen& node = levels_[level - 1][found];
      const std::uint32_t first = node.FirstAtLeast(least);
      if (first == 16) break;
      found = found * 16 + first;
      --level;
    }
    if (level == 0) return found;
    levels_[level][found / 16].Set(found % 16, levels_[level - 1][found].Max());
  }
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

#endif  // ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_WIDE_TREE_H_
