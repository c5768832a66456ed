// The virtual pages that an operation is about to touch, to find out beforehand whether the machine has frames for them.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_FOOTPRINT_H_
#define ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_FOOTPRINT_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "allocators/common/check.h"
#include "allocators/machine/address_space.h"

namespace alloclab {

class Footprint {
 public:
  // REQUIRES: called at most kRangesMax times.
  void Add(VirtAddr first, std::uint32_t bytes) {
    if (bytes == 0) return;
    ALLOCLAB_CHECK_LT(count_, kRangesMax);
    std::size_t at = count_++;
    for (; at > 0 && ranges_[at - 1].first > first.page(); --at) ranges_[at] = ranges_[at - 1];
    ranges_[at] = {first.page(), (first + (bytes - 1)).page()};
  }
  void AddWord(VirtAddr word) { Add(word, kWordBytes); }

  // Frames that touching all of it takes: each absent page once, however many ranges meet in it.
  std::uint32_t AbsentPages(const AddressSpace& space) const {
    std::uint32_t absent = 0;
    std::uint64_t next = 0;  // the lowest page not yet looked at
    for (std::size_t i = 0; i < count_; ++i) {
      const std::uint64_t first = std::max<std::uint64_t>(ranges_[i].first, next);
      if (first > ranges_[i].last) continue;
      absent += space.AbsentPages(PageAt(first), PageAt(ranges_[i].last));
      next = std::uint64_t{ranges_[i].last} + 1;
    }
    return absent;
  }

 private:
  static constexpr std::size_t kRangesMax = 8;
  struct Range {
    std::uint32_t first = 0, last = 0;  // page numbers
  };
  static VirtAddr PageAt(std::uint64_t page) { return VirtAddr(static_cast<std::uint32_t>(page << kPageShift)); }

  std::array<Range, kRangesMax> ranges_{};  // the first count_, by first page
  std::size_t count_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_FOOTPRINT_H_
