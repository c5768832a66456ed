// 1,024 values with a 32-ary tree of their maxima: the lowest slot that holds at least so much is two looks at 32 values, and
// so is a change. 0 means that a slot is empty; bitmaps find the neighbours of a slot. Two tables, one of the other's maxima,
// make an index of a million slots.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_MAX_TABLE_H_
#define ALLOCLAB_ALLOCATORS_COMMON_MAX_TABLE_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include "allocators/common/check.h"
#include "allocators/common/lanes.h"

namespace alloclab {

class MaxTable {
 public:
  static constexpr std::uint32_t kSlots = 1024;
  static constexpr std::uint32_t kNone = kSlots;  // no such slot

  std::uint32_t operator[](std::uint32_t slot) const { return leaves_[slot / kRow][slot % kRow]; }
  std::uint32_t max() const { return max_; }

  // REQUIRES: slot < kSlots, value < 2^31.
  void Set(std::uint32_t slot, std::uint32_t value);

  // The lowest slot with a value >= least. REQUIRES: 0 < least <= max().
  std::uint32_t FirstAtLeast(std::uint32_t least) const;
  // The lowest slot that is not empty at or above `slot`, or kNone. REQUIRES: slot <= kSlots.
  std::uint32_t FirstFrom(std::uint32_t slot) const;
  // The highest slot that is not empty below `slot`, or kNone. REQUIRES: slot <= kSlots.
  std::uint32_t LastBefore(std::uint32_t slot) const;
  // How many slots below `slot` are not empty. REQUIRES: slot < kSlots.
  std::uint32_t CountBefore(std::uint32_t slot) const {
    ALLOCLAB_CHECK_LT(slot, kSlots);
    const std::uint64_t below = used_[slot / 64] & ((std::uint64_t{1} << slot % 64) - 1);
    return used_before_.values[slot / 64] + PopCount(below);
  }

 private:
  static constexpr std::uint32_t kWords = kSlots / 64;

  void MarkUsed(std::uint32_t slot, bool used);
  static constexpr std::uint32_t kRow = 32;

  struct Row {  // one node
    std::array<Sixteen, 2> halves;

    std::uint32_t& operator[](std::uint32_t i) { return halves[i / 16].values[i % 16]; }
    const std::uint32_t& operator[](std::uint32_t i) const { return halves[i / 16].values[i % 16]; }
    // There is one: the table above says so.
    std::uint32_t FirstAtLeast(std::uint32_t least) const {
      return static_cast<std::uint32_t>(std::countr_zero(halves[0].AtLeast(least) | halves[1].AtLeast(least) << 16));
    }
    bool Change(std::uint32_t i, std::uint32_t value, std::uint32_t& maximum);
  };

  std::array<Row, kSlots / kRow> leaves_;
  Row maxima_;  // by leaf
  std::uint32_t max_ = 0;
  std::uint32_t words_used_ = 0;              // bit w: used_[w] != 0
  std::array<std::uint64_t, kWords> used_{};  // bit s % 64 of word s / 64: slot s is not empty
  Sixteen used_before_;                       // by word: slots in use in the words below
};

inline void MaxTable::Set(std::uint32_t slot, std::uint32_t value) {
  ALLOCLAB_CHECK_LT(slot, kSlots);
  ALLOCLAB_CHECK_LT(value, 1u << 31);
  if (((*this)[slot] == 0) != (value == 0)) MarkUsed(slot, value != 0);
  std::uint32_t maximum = maxima_[slot / kRow];
  if (leaves_[slot / kRow].Change(slot % kRow, value, maximum)) maxima_.Change(slot / kRow, maximum, max_);
}

// Sets one value, and with it their maximum. Whether the maximum changed. The others are looked at before the value is stored:
// a vector load that meets a narrower store on its way to the cache has to wait for it.
inline bool MaxTable::Row::Change(std::uint32_t i, std::uint32_t value, std::uint32_t& maximum) {
  const std::uint32_t was = maximum;
  std::uint32_t& stored = (*this)[i];
  if (value >= maximum) {
    maximum = value;
  } else if (stored == maximum) {
    maximum = std::max({value, halves[i / 16].MaxBut(i % 16), halves[1 - i / 16].Max()});
  }
  stored = value;
  return maximum != was;
}

inline void MaxTable::MarkUsed(std::uint32_t slot, bool used) {
  const std::uint32_t word = slot / 64;
  used_[word] ^= std::uint64_t{1} << slot % 64;
  words_used_ = (words_used_ & ~(1u << word)) | std::uint32_t{used_[word] != 0} << word;
  used_before_.AddBehind(word, used ? 1 : ~0u);
}

inline std::uint32_t MaxTable::FirstAtLeast(std::uint32_t least) const {
  ALLOCLAB_CHECK_GT(least, 0u);
  ALLOCLAB_CHECK_LE(least, max_);
  const std::uint32_t leaf = maxima_.FirstAtLeast(least);
  return leaf * kRow + leaves_[leaf].FirstAtLeast(least);
}

inline std::uint32_t MaxTable::FirstFrom(std::uint32_t slot) const {
  ALLOCLAB_CHECK_LE(slot, kSlots);
  if (slot == kSlots) return kNone;
  std::uint32_t word = slot / 64;
  std::uint64_t used = used_[word] & ~std::uint64_t{0} << slot % 64;
  if (used == 0) {
    const std::uint32_t words = words_used_ & ~0u << (word + 1);
    if (words == 0) return kNone;
    word = static_cast<std::uint32_t>(std::countr_zero(words));
    used = used_[word];
  }
  return word * 64 + static_cast<std::uint32_t>(std::countr_zero(used));
}

inline std::uint32_t MaxTable::LastBefore(std::uint32_t slot) const {
  ALLOCLAB_CHECK_LE(slot, kSlots);
  if (slot == 0) return kNone;
  const std::uint32_t last = slot - 1;
  std::uint32_t word = last / 64;
  std::uint64_t used = used_[word] & ~std::uint64_t{0} >> (63 - last % 64);
  if (used == 0) {
    const std::uint32_t words = words_used_ & ((1u << word) - 1);
    if (words == 0) return kNone;
    word = static_cast<std::uint32_t>(std::bit_width(words)) - 1;
    used = used_[word];
  }
  return word * 64 + static_cast<std::uint32_t>(std::bit_width(used)) - 1;
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_MAX_TABLE_H_
