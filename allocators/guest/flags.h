// The arithmetic flags of an i386, kept as what they are computed from: most results are never asked for their flags.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_FLAGS_H_
#define ALLOCLAB_ALLOCATORS_GUEST_FLAGS_H_

#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace alloclab::i386 {

inline constexpr std::uint32_t kCarry = 1u << 0, kParity = 1u << 2, kAdjust = 1u << 4, kZero = 1u << 6, kSign = 1u << 7,
                               kInterrupts = 1u << 9, kDirection = 1u << 10, kOverflow = 1u << 11;
inline constexpr std::uint32_t kArithmeticFlags = kCarry | kParity | kAdjust | kZero | kSign | kOverflow;

// The conditions in the order of their codes in jcc, setcc and cmovcc; an odd one is the opposite of the one before it.
enum class Condition : std::uint8_t { kO, kNo, kB, kAe, kE, kNe, kBe, kA, kS, kNs, kP, kNp, kL, kGe, kLe, kG };

struct Flags {
  std::uint32_t zero = 1;     // ZF: it is 0
  std::uint32_t sign = 1;     // SF: bit 31; PF: the bits of the low byte
  std::uint32_t carries = 0;  // of each bit of the sum: CF: bit 31, OF: bits 31 and 30 differ, AF: bit 3

  template <std::unsigned_integral Number>
  void SetResult(Number result) {
    zero = sign = static_cast<std::uint32_t>(std::int32_t{static_cast<std::make_signed_t<Number>>(result)});
  }
  // The carry out of each bit of a number, at the places for a word.
  template <std::unsigned_integral Number>
  void SetCarries(std::uint32_t bits) {
    if constexpr (sizeof(Number) == 4) {
      carries = bits;
    } else {
      carries = (bits & 8) | ((bits << (32 - 8 * sizeof(Number))) & 0xC0000000);
    }
  }
  void SetCarryAndOverflow(bool carry, bool overflow) {
    carries = (static_cast<std::uint32_t>(carry) << 31) | (static_cast<std::uint32_t>(carry != overflow) << 30);
  }
  // Leaves AF as it is.
  void ChangeCarryAndOverflow(bool carry, bool overflow) {
    const std::uint32_t adjust = carries & 8;
    SetCarryAndOverflow(carry, overflow);
    carries |= adjust;
  }
  void SetCarry(bool carry) { ChangeCarryAndOverflow(carry, Overflow()); }

  bool Carry() const { return (carries >> 31) != 0; }
  bool Overflow() const { return ((carries ^ (carries << 1)) >> 31) != 0; }
  bool Parity() const { return std::popcount(sign & 0xFF) % 2 == 0; }

  template <Condition condition>
  bool Is() const {
    constexpr auto kEven = static_cast<Condition>(static_cast<int>(condition) & ~1);
    if constexpr (condition != kEven) {
      return !Is<kEven>();
    } else if constexpr (condition == Condition::kO) {
      return Overflow();
    } else if constexpr (condition == Condition::kB) {
      return Carry();
    } else if constexpr (condition == Condition::kE) {
      return zero == 0;
    } else if constexpr (condition == Condition::kBe) {
      return Carry() || zero == 0;
    } else if constexpr (condition == Condition::kS) {
      return (sign >> 31) != 0;
    } else if constexpr (condition == Condition::kP) {
      return Parity();
    } else {
      const bool less = ((sign ^ carries ^ (carries << 1)) >> 31) != 0;
      return condition == Condition::kL ? less : less || zero == 0;
    }
  }

  // The flags that are kept here, as bits of EFLAGS.
  std::uint32_t Bits() const {
    return (Carry() ? kCarry : 0) | (Parity() ? kParity : 0) | ((carries & 8) != 0 ? kAdjust : 0) | (zero == 0 ? kZero : 0) |
           ((sign >> 31) != 0 ? kSign : 0) | (Overflow() ? kOverflow : 0);
  }
  void SetBits(std::uint32_t eflags) {
    SetCarryAndOverflow((eflags & kCarry) != 0, (eflags & kOverflow) != 0);
    carries |= (eflags & kAdjust) != 0 ? 8 : 0;
    zero = (eflags & kZero) != 0 ? 0 : 1;
    sign = ((eflags & kSign) != 0 ? 0x80000000 : 0) | ((eflags & kParity) != 0 ? 0 : 1);
  }
};

}  // namespace alloclab::i386

#endif  // ALLOCLAB_ALLOCATORS_GUEST_FLAGS_H_
