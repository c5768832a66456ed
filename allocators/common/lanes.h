// Sixteen small numbers side by side: the nodes of every host-side index. One instruction looks at several of them, so a node
// is searched, or summed up to, about as fast as a single number is loaded.
//
// The functions named Portable say what the others compute; those use SSE2, which every x86-64 processor has. Single values are
// written as part of their whole vector: a vector load that meets a narrower store on its way to the cache has to wait for it.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_LANES_H_
#define ALLOCLAB_ALLOCATORS_COMMON_LANES_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace alloclab {

// Values below 2^31 where they are compared; sums are modulo 2^32. Indices are below 16.
struct alignas(64) Sixteen {
  std::array<std::uint32_t, 16> values{};

  // Bit i: values[i] >= least, for 0 < least < 2^31: who searches a whole index checks that once.
  std::uint32_t AtLeast(std::uint32_t least) const;
  // The lowest index of a value >= least, or 16.
  std::uint32_t FirstAtLeast(std::uint32_t least) const {
    return static_cast<std::uint32_t>(std::countr_zero(AtLeast(least) | 0x10000u));
  }
  std::uint32_t Max() const;
  // The largest value but for the one at `index`.
  std::uint32_t MaxBut(std::uint32_t index) const;
  void Set(std::uint32_t index, std::uint32_t value);
  // Adds to every value behind `index`: minus one is 0xFFFFFFFF.
  void AddBehind(std::uint32_t index, std::uint32_t change);

  std::uint32_t AtLeastPortable(std::uint32_t least) const {
    std::uint32_t bits = 0;
    for (std::uint32_t i = 0; i < 16; ++i) bits |= std::uint32_t{values[i] >= least} << i;
    return bits;
  }
  std::uint32_t MaxPortable() const { return *std::max_element(values.begin(), values.end()); }
  std::uint32_t MaxButPortable(std::uint32_t index) const {
    std::uint32_t max = 0;
    for (std::uint32_t i = 0; i < 16; ++i) max = std::max(max, i == index ? 0 : values[i]);
    return max;
  }
  void SetPortable(std::uint32_t index, std::uint32_t value) { values[index] = value; }
  void AddBehindPortable(std::uint32_t index, std::uint32_t change) {
    for (std::uint32_t i = index + 1; i < 16; ++i) values[i] += change;
  }

#ifdef __SSE2__
 private:
  static __m128i Lanes(std::size_t i);
  static std::uint32_t MaxOf(__m128i q0, __m128i q1, __m128i q2, __m128i q3);
  __m128i Quarter(std::size_t i) const {
    return _mm_load_si128(static_cast<const __m128i*>(static_cast<const void*>(&values[4 * i])));
  }
  void StoreQuarter(std::size_t i, __m128i quarter) {
    _mm_store_si128(static_cast<__m128i*>(static_cast<void*>(&values[4 * i])), quarter);
  }
#endif
};

// The same with 16 bits each; sums are modulo 2^16.
struct alignas(32) SixteenShort {
  std::array<std::uint16_t, 16> values{};

  // Bit i: values[i] >= least.
  std::uint32_t AtLeast(std::uint16_t least) const;
  std::uint16_t Max() const;
  void Set(std::uint32_t index, std::uint16_t value);
  void AddBehind(std::uint32_t index, std::uint16_t change);

  std::uint32_t AtLeastPortable(std::uint16_t least) const {
    std::uint32_t bits = 0;
    for (std::uint32_t i = 0; i < 16; ++i) bits |= std::uint32_t{values[i] >= least} << i;
    return bits;
  }
  std::uint16_t MaxPortable() const { return *std::max_element(values.begin(), values.end()); }
  void SetPortable(std::uint32_t index, std::uint16_t value) { values[index] = value; }
  void AddBehindPortable(std::uint32_t index, std::uint16_t change) {
    for (std::uint32_t i = index + 1; i < 16; ++i) values[i] = static_cast<std::uint16_t>(values[i] + change);
  }

#ifdef __SSE2__
 private:
  static __m128i Lanes() { return _mm_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7); }
  static __m128i All(std::uint32_t value) { return _mm_set1_epi16(static_cast<std::int16_t>(value)); }
  __m128i Half(std::size_t i) const {
    return _mm_load_si128(static_cast<const __m128i*>(static_cast<const void*>(&values[8 * i])));
  }
  void StoreHalf(std::size_t i, __m128i half) {
    _mm_store_si128(static_cast<__m128i*>(static_cast<void*>(&values[8 * i])), half);
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

#ifdef __SSE2__

inline std::uint32_t Sixteen::AtLeast(std::uint32_t least) const {
  const __m128i below = _mm_set1_epi32(static_cast<std::int32_t>(least - 1));
  const __m128i low = _mm_packs_epi32(_mm_cmpgt_epi32(Quarter(0), below), _mm_cmpgt_epi32(Quarter(1), below));
  const __m128i high = _mm_packs_epi32(_mm_cmpgt_epi32(Quarter(2), below), _mm_cmpgt_epi32(Quarter(3), below));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
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

inline void Sixteen::Set(std::uint32_t index, std::uint32_t value) {
  const __m128i lane = _mm_cmpeq_epi32(Lanes(0), _mm_set1_epi32(static_cast<std::int32_t>(index % 4)));
  const __m128i set = _mm_and_si128(lane, _mm_set1_epi32(static_cast<std::int32_t>(value)));
  StoreQuarter(index / 4, _mm_or_si128(_mm_andnot_si128(lane, Quarter(index / 4)), set));
}

inline void Sixteen::AddBehind(std::uint32_t index, std::uint32_t change) {
  const __m128i changes = _mm_set1_epi32(static_cast<std::int32_t>(change));
  const auto add = [&](std::size_t i) {
    const __m128i behind = _mm_cmpgt_epi32(Lanes(i), _mm_set1_epi32(static_cast<std::int32_t>(index)));
    StoreQuarter(i, _mm_add_epi32(Quarter(i), _mm_and_si128(behind, changes)));
  };
  add(0), add(1), add(2), add(3);
}

inline std::uint32_t SixteenShort::AtLeast(std::uint16_t least) const {
  const auto at_least = [&](std::size_t i) { return _mm_cmpeq_epi16(_mm_subs_epu16(All(least), Half(i)), All(0)); };
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(at_least(0), at_least(1))));
}

inline std::uint16_t SixteenShort::Max() const {
  const auto larger = [](__m128i a, __m128i b) { return _mm_add_epi16(_mm_subs_epu16(a, b), b); };
  const __m128i max8 = larger(Half(0), Half(1));
  const __m128i max4 = larger(max8, _mm_shuffle_epi32(max8, _MM_SHUFFLE(1, 0, 3, 2)));
  const __m128i max2 = larger(max4, _mm_shuffle_epi32(max4, _MM_SHUFFLE(2, 3, 0, 1)));
  return static_cast<std::uint16_t>(_mm_extract_epi16(larger(max2, _mm_srli_epi32(max2, 16)), 0));
}

inline void SixteenShort::Set(std::uint32_t index, std::uint16_t value) {
  const __m128i lane = _mm_cmpeq_epi16(Lanes(), All(index % 8));
  StoreHalf(index / 8, _mm_or_si128(_mm_andnot_si128(lane, Half(index / 8)), _mm_and_si128(lane, All(value))));
}

inline void SixteenShort::AddBehind(std::uint32_t index, std::uint16_t change) {
  const auto add = [&](std::size_t i, __m128i lanes) {
    StoreHalf(i, _mm_add_epi16(Half(i), _mm_and_si128(_mm_cmpgt_epi16(lanes, All(index)), All(change))));
  };
  add(0, Lanes());
  add(1, _mm_add_epi16(Lanes(), All(8)));
}

#else

inline std::uint32_t Sixteen::AtLeast(std::uint32_t least) const { return AtLeastPortable(least); }
inline std::uint32_t Sixteen::Max() const { return MaxPortable(); }
inline std::uint32_t Sixteen::MaxBut(std::uint32_t index) const { return MaxButPortable(index); }
inline void Sixteen::Set(std::uint32_t index, std::uint32_t value) { SetPortable(index, value); }
inline void Sixteen::AddBehind(std::uint32_t index, std::uint32_t change) { AddBehindPortable(index, change); }
inline std::uint32_t SixteenShort::AtLeast(std::uint16_t least) const { return AtLeastPortable(least); }
inline std::uint16_t SixteenShort::Max() const { return MaxPortable(); }
inline void SixteenShort::Set(std::uint32_t index, std::uint16_t value) { SetPortable(index, value); }
inline void SixteenShort::AddBehind(std::uint32_t index, std::uint16_t change) { AddBehindPortable(index, change); }

#endif

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_LANES_H_
