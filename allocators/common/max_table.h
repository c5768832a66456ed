// 1,024 values with a 32-ary tree of their maxima: the lowest slot that holds at least so much is two looks at 32 values, and so is
// a change. 0 means that a slot is empty; bitmaps find the neighbours of a slot. Two tables, one of the other's maxima, make an
// index of a million slots.
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

  // Bit i: values[i] >= least. REQUIRES: 0 < least < 2^31.
  std::uint32_t AtLeast(std::uint32_t least) const;
  std::uint32_t AtLeastPortable(std::uint32_t least) const {
    std::uint32_t bits = 0;
    for (std::uint32_t i = 0; i < values.size(); ++i) bits |= std::uint32_t{values[i] >= least} << i;
    return bits;
  }
  // The lowest index, from `from` on, of a value >= least, or 16. REQUIRES: 0 < least < 2^31, from <= 16.
  std::uint32_t FirstAtLeast(std::uint32_t least, std::uint32_t from) const {
    return static_cast<std::uint32_t>(std::countr_zero((AtLeast(least) & ~0u << from) | 0x10000u));
  }
  // Sets one value. REQUIRES: index < 16. Writes its whole quarter: a vector load that meets a narrower store on its way to the cache
  // has to wait for it.
  void Set(std::uint32_t index, std::uint32_t value);
  std::uint32_t Max() const;
  std::uint32_t MaxPortable() const { return *std::max_element(values.begin(), values.end()); }
  // The largest value but for the one at `index`. REQUIRES: index < 16.
  std::uint32_t MaxBut(std::uint32_t index) const;
  std::uint32_t MaxButPortable(std::uint32_t index) const {
    std::uint32_t max = 0;
    for (std::uint32_t i = 0; i < values.size(); ++i) max = std::max(max, i == index ? 0 : values[i]);
    return max;
  }
  // Adds to every value behind `index`, modulo 2^32: minus one is 0xFFFFFFFF. REQUIRES: index < 16.
  void AddBehind(std::uint32_t index, std::uint32_t change);
  void AddBehindPortable(std::uint32_t index, std::uint32_t change) {
    for (std::uint32_t i = index + 1; i < values.size(); ++i) values[i] += change;
  }

#ifdef __SSE2__
 private:
  static __m128i Lanes(std::size_t i);
  static std::uint32_t MaxOf(__m128i q0, __m128i q1, __m128i q2, __m128i q3);
  __m128i Quarter(std::size_t i) const {
    return _mm_load_si128(static_cast<const __m128i*>(static_cast<const void*>(&values[4 * i])));
  }
#endif
};

// std::popcount, which without the processor's instruction for it is a call. Warren, Hacker's Delight, 5-1.
constexpr std::uint32_t PopCount(std::uint64_t bits) {
  bits -= bits >> 1 & 0x5555555555555555;
  bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
  bits = (bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0F;
  return static_cast<std::uint32_t>(bits * 0x0101010101010101 >> 56);
}

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
    // REQUIRES: there is one.
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
  if (((*this)[slot] == 0) != (value == 0)) MarkUsed(slot, value != 0);
  std::uint32_t maximum = maxima_[slot / kRow];
  if (leaves_[slot / kRow].Change(slot % kRow, value, maximum)) maxima_.Change(slot / kRow, maximum, max_);
}

// Sets one value, and with it their maximum. Whether the maximum changed. The others are looked at before the value is stored: a
// vector load that meets a narrower store on its way to the cache has to wait for it.
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
  const std::uint32_t leaf = maxima_.FirstAtLeast(least);
  return leaf * kRow + leaves_[leaf].FirstAtLeast(least);
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

inline std::uint32_t Sixteen::AtLeast(std::uint32_t least) const {
  const __m128i below = _mm_set1_epi32(static_cast<std::int32_t>(least - 1));
  const __m128i low = _mm_packs_epi32(_mm_cmpgt_epi32(Quarter(0), below), _mm_cmpgt_epi32(Quarter(1), below));
  const __m128i high = _mm_packs_epi32(_mm_cmpgt_epi32(Quarter(2), below), _mm_cmpgt_epi32(Quarter(3), below));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
}

inline void Sixteen::Set(std::uint32_t index, std::uint32_t value) {
  const __m128i lane = _mm_cmpeq_epi32(_mm_setr_epi32(0, 1, 2, 3), _mm_set1_epi32(static_cast<std::int32_t>(index % 4)));
  const __m128i others = _mm_andnot_si128(lane, Quarter(index / 4));
  _mm_store_si128(static_cast<__m128i*>(static_cast<void*>(&values[index & ~3u])),
                  _mm_or_si128(others, _mm_and_si128(lane, _mm_set1_epi32(static_cast<std::int32_t>(value)))));
}

// The lanes of the i-th quarter are the values 4 * i to 4 * i + 3.
inline __m128i Sixteen::Lanes(std::size_t i) {
  return _mm_add_epi32(_mm_setr_epi32(0, 1, 2, 3), _mm_set1_epi32(static_cast<std::int32_t>(4 * i)));
}

inline std::uint32_t Sixteen::MaxOf(__m128i q0, __m128i q1, __m128i q2, __m128i q3) {
  const auto larger = [](__m128i a, __m128i b) {
    const __m128i a_is = _mm_cmpgt_epi32(a, b);
    return _mm_or_si128(_mm_and_si128(a_is, a), _mm_andnot_si128(a_is, b));
  };
  const __m128i max4 = larger(larger(q0, q1), larger(q2, q3));
  const __m128i max2 = larger(max4, _mm_shuffle_epi32(max4, _MM_SHUFFLE(1, 0, 3, 2)));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(larger(max2, _mm_shuffle_epi32(max2, _MM_SHUFFLE(2, 3, 0, 1)))));
}

inline std::uint32_t Sixteen::Max() const { return MaxOf(Quarter(0), Quarter(1), Quarter(2), Quarter(3)); }

inline std::uint32_t Sixteen::MaxBut(std::uint32_t index) const {
  const auto others = [&](std::size_t i) {
    return _mm_andnot_si128(_mm_cmpeq_epi32(Lanes(i), _mm_set1_epi32(static_cast<std::int32_t>(index))), Quarter(i));
  };
  return MaxOf(others(0), others(1), others(2), others(3));
}

inline void Sixteen::AddBehind(std::uint32_t index, std::uint32_t change) {
  const __m128i changes = _mm_set1_epi32(static_cast<std::int32_t>(change));
  const auto add = [&](std::size_t i) {
    const __m128i behind = _mm_cmpgt_epi32(Lanes(i), _mm_set1_epi32(static_cast<std::int32_t>(index)));
    _mm_store_si128(static_cast<__m128i*>(static_cast<void*>(&values[4 * i])),
                    _mm_add_epi32(Quarter(i), _mm_and_si128(behind, changes)));
  };
  add(0), add(1), add(2), add(3);
}

#else

inline void Sixteen::Set(std::uint32_t index, std::uint32_t value) { values[index] = value; }
inline void Sixteen::AddBehind(std::uint32_t index, std::uint32_t change) { AddBehindPortable(index, change); }
inline std::uint32_t Sixteen::AtLeast(std::uint32_t least) const { return AtLeastPortable(least); }
inline std::uint32_t Sixteen::Max() const { return MaxPortable(); }
inline std::uint32_t Sixteen::MaxBut(std::uint32_t index) const { return MaxButPortable(index); }

#endif

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_MAX_TABLE_H_
