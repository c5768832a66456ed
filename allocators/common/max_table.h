// 1,024 values with a 16-ary tree of their maxima: the lowest slot that holds at least so much is three looks at 16 values, and
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

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace alloclab {

// Sixteen values on one cache line, each below 2^31. The functions named Portable say what the others compute; those use SSE2,
// which every x86-64 processor has.
struct alignas(64) Sixteen {
  std::array<std::uint32_t, 16> values{};

  // The lowest index of a value >= least, or 16. REQUIRES: 0 < least < 2^31.
  std::uint32_t FirstAtLeast(std::uint32_t least) const;
  std::uint32_t FirstAtLeastPortable(std::uint32_t least) const {
    return static_cast<std::uint32_t>(
        std::find_if(values.begin(), values.end(), [least](std::uint32_t value) { return value >= least; }) - values.begin());
  }
  std::uint32_t Max() const;
  std::uint32_t MaxPortable() const { return *std::max_element(values.begin(), values.end()); }

#ifdef __SSE2__
 private:
  __m128i Quarter(std::size_t i) const {
    return _mm_load_si128(static_cast<const __m128i*>(static_cast<const void*>(&values[4 * i])));
  }
#endif
};

class MaxTable {
 public:
  static constexpr std::uint32_t kSlots = 1024;
  static constexpr std::uint32_t kNone = kSlots;  // no such slot

  std::uint32_t operator[](std::uint32_t slot) const { return leaves_[slot / 16].values[slot % 16]; }
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
    const std::uint64_t below = used_[slot / 64] & ((std::uint64_t{1} << slot % 64) - 1);
    return used_before_[slot / 64] + static_cast<std::uint32_t>(std::popcount(below));
  }

 private:
  static constexpr std::uint32_t kWords = kSlots / 64;

  void MarkUsed(std::uint32_t slot, bool used);
  static bool Change(std::uint32_t& maximum, const Sixteen& of, std::uint32_t was, std::uint32_t is);

  std::array<Sixteen, 64> leaves_;
  std::array<Sixteen, 4> maxima_;  // of each 16 values
  Sixteen tops_;                   // of each 256 values; the first four are in use
  std::uint32_t max_ = 0;
  std::uint32_t words_used_ = 0;                     // bit w: used_[w] != 0
  std::array<std::uint64_t, kWords> used_{};         // bit s % 64 of word s / 64: slot s is not empty
  std::array<std::uint16_t, kWords> used_before_{};  // slots in use in the words below
};

inline void MaxTable::Set(std::uint32_t slot, std::uint32_t value) {
  const std::uint32_t was = std::exchange(leaves_[slot / 16].values[slot % 16], value);
  if ((was == 0) != (value == 0)) MarkUsed(slot, value != 0);
  std::uint32_t& maximum = maxima_[slot / 256].values[slot / 16 % 16];
  const std::uint32_t maximum_was = maximum;
  if (!Change(maximum, leaves_[slot / 16], was, value)) return;
  std::uint32_t& top = tops_.values[slot / 256];
  const std::uint32_t top_was = top;
  if (Change(top, maxima_[slot / 256], maximum_was, maximum)) Change(max_, tops_, top_was, top);
}

// One of sixteen values went from `was` to `is`. Whether that changed their maximum.
inline bool MaxTable::Change(std::uint32_t& maximum, const Sixteen& of, std::uint32_t was, std::uint32_t is) {
  if (is < maximum && was < maximum) return false;
  return std::exchange(maximum, is >= maximum ? is : of.Max()) != maximum;
}

inline void MaxTable::MarkUsed(std::uint32_t slot, bool used) {
  const std::uint32_t word = slot / 64;
  used_[word] ^= std::uint64_t{1} << slot % 64;
  words_used_ = (words_used_ & ~(1u << word)) | std::uint32_t{used_[word] != 0} << word;
  for (std::uint32_t above = 0; above < kWords; ++above) {
    const int change = above > word ? (used ? 1 : -1) : 0;
    used_before_[above] = static_cast<std::uint16_t>(used_before_[above] + change);
  }
}

inline std::uint32_t MaxTable::FirstAtLeast(std::uint32_t least) const {
  const std::uint32_t top = tops_.FirstAtLeast(least);
  const std::uint32_t group = top * 16 + maxima_[top].FirstAtLeast(least);
  return group * 16 + leaves_[group].FirstAtLeast(least);
}

inline std::uint32_t MaxTable::FirstFrom(std::uint32_t slot) const {
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

#ifdef __SSE2__

inline std::uint32_t Sixteen::FirstAtLeast(std::uint32_t least) const {
  const __m128i below = _mm_set1_epi32(static_cast<std::int32_t>(least - 1));
  const __m128i low = _mm_packs_epi32(_mm_cmpgt_epi32(Quarter(0), below), _mm_cmpgt_epi32(Quarter(1), below));
  const __m128i high = _mm_packs_epi32(_mm_cmpgt_epi32(Quarter(2), below), _mm_cmpgt_epi32(Quarter(3), below));
  const auto found = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
  return static_cast<std::uint32_t>(std::countr_zero(found | 0x10000u));
}

inline std::uint32_t Sixteen::Max() const {
  const auto larger = [](__m128i a, __m128i b) {
    const __m128i a_is = _mm_cmpgt_epi32(a, b);
    return _mm_or_si128(_mm_and_si128(a_is, a), _mm_andnot_si128(a_is, b));
  };
  const __m128i max4 = larger(larger(Quarter(0), Quarter(1)), larger(Quarter(2), Quarter(3)));
  const __m128i max2 = larger(max4, _mm_shuffle_epi32(max4, _MM_SHUFFLE(1, 0, 3, 2)));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(larger(max2, _mm_shuffle_epi32(max2, _MM_SHUFFLE(2, 3, 0, 1)))));
}

#else

inline std::uint32_t Sixteen::FirstAtLeast(std::uint32_t least) const { return FirstAtLeastPortable(least); }
inline std::uint32_t Sixteen::Max() const { return MaxPortable(); }

#endif

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_MAX_TABLE_H_
