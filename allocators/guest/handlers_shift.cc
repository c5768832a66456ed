// Shifts and rotations. What the manual leaves undefined is left as it was, or 0.
#include <algorithm>
#include <limits>

#include "allocators/guest/handlers.h"
#include "allocators/guest/operands.h"

namespace alloclab::i386 {
namespace {

template <class Number>
constexpr unsigned kBits = std::numeric_limits<Number>::digits;

template <class Number>
bool TopBit(Number number) {
  return number >> (kBits<Number> - 1) != 0;
}

template <class Number>
bool Bit(std::uint64_t number, unsigned bit) {
  return (number >> bit & 1) != 0;
}

// REQUIRES of all of these: 0 < count < 32.
template <Shift shift, class Number>
Number Rotate(Flags& flags, Number number, unsigned count) {
  constexpr bool kLeft = shift == Shift::kRol;
  const Number result = kLeft ? std::rotl(number, static_cast<int>(count)) : std::rotr(number, static_cast<int>(count));
  const bool top = TopBit(result);
  const bool carry = kLeft ? (result & 1) != 0 : top;
  flags.ChangeCarryAndOverflow(carry, kLeft ? top != carry : top != Bit<Number>(result, kBits<Number> - 2));
  return result;
}

template <Shift shift, class Number>
Number RotateThroughCarry(Flags& flags, Number number, unsigned count) {
  constexpr unsigned kRing = kBits<Number> + 1;  // the carry is the bit above the number
  constexpr std::uint64_t kRingMask = (std::uint64_t{1} << kRing) - 1;
  count %= kRing;
  if (count == 0) return number;
  const std::uint64_t ring = number | (std::uint64_t{flags.Carry()} << kBits<Number>);
  const unsigned left = shift == Shift::kRcl ? count : kRing - count;
  const std::uint64_t turned = ((ring << left) | (ring >> (kRing - left))) & kRingMask;
  const auto result = static_cast<Number>(turned);
  const bool carry = turned >> kBits<Number> != 0;
  flags.ChangeCarryAndOverflow(
      carry, shift == Shift::kRcl ? TopBit(result) != carry : TopBit(result) != Bit<Number>(result, kBits<Number> - 2));
  return result;
}

template <Shift shift, class Number>
Number ShiftBy(Flags& flags, Number number, unsigned count) {
  Number result;
  bool carry, overflow;
  if constexpr (shift == Shift::kShl || shift == Shift::kSal) {
    const std::uint64_t wide = std::uint64_t{number} << count;
    result = static_cast<Number>(wide);
    carry = Bit<Number>(wide, kBits<Number>);
    overflow = TopBit(result) != carry;
  } else if constexpr (shift == Shift::kShr) {
    result = static_cast<Number>(std::uint64_t{number} >> count);
    carry = Bit<Number>(number, count - 1);
    overflow = TopBit(number);
  } else {
    const std::int64_t wide = static_cast<std::make_signed_t<Number>>(number);
    result = static_cast<Number>(wide >> count);
    carry = Bit<Number>(static_cast<std::uint64_t>(wide), count - 1);
    overflow = false;
  }
  flags.SetCarryAndOverflow(carry, overflow);
  flags.SetResult(result);
  return result;
}

template <Shift shift, class Number>
Number Compute(Flags& flags, Number number, unsigned count) {
  if (count == 0) return number;
  if constexpr (shift == Shift::kRol || shift == Shift::kRor) {
    return Rotate<shift>(flags, number, count);
  } else if constexpr (shift == Shift::kRcl || shift == Shift::kRcr) {
    return RotateThroughCarry<shift>(flags, number, count);
  } else {
    return ShiftBy<shift>(flags, number, count);
  }
}

template <bool by_cl>
unsigned CountOf(const Core& core, const Op* op) {
  return (by_cl ? core.registers[kEcx] : op->immediate) % 32;
}

template <Shift shift, class Number, Place place, bool by_cl>
const Op* DoShift(Core& core, const Op* op) {
  const unsigned count = CountOf<by_cl>(core, op);
  Change<place, Number>(core, op, [&](Number number) { return Compute<shift>(core.flags, number, count); });
  return Next(core, op + 1);
}

// The register's bits come in where the number's go out.
template <bool left, class Number, Place place, bool by_cl>
const Op* DoDoubleShift(Core& core, const Op* op) {
  const unsigned count = CountOf<by_cl>(core, op);
  const std::uint64_t filler = core.Get<Number>(op->reg);
  Change<place, Number>(core, op, [&](Number number) -> Number {
    if (count == 0 || count > kBits<Number>) return number;
    const std::uint64_t wide =
        left ? (std::uint64_t{number} << kBits<Number> | filler) << count : (filler << kBits<Number> | number);
    const auto result = static_cast<Number>(left ? wide >> kBits<Number> : wide >> count);
    // Of a word to the left the carry is shifted out of `wide`.
    const bool carry = left ? Bit<Number>(number, kBits<Number> - count) : Bit<Number>(wide, count - 1);
    core.flags.SetCarryAndOverflow(carry, TopBit(result) != TopBit(number));
    core.flags.SetResult(result);
    return result;
  });
  return op + 1;
}

}  // namespace

Handler ShiftHandler(Shift shift, std::uint32_t bytes, Where where, bool by_cl) {
  return ForSize(bytes, [&]<class Number>() {
    return ForValue<Shift, 8>(shift, [&]<Shift s>() -> Handler {
      if (where == Where::kRegister)
        return by_cl ? DoShift<s, Number, Place::kRm, true> : DoShift<s, Number, Place::kRm, false>;
      return by_cl ? DoShift<s, Number, Place::kMemory, true> : DoShift<s, Number, Place::kMemory, false>;
    });
  });
}

Handler DoubleShiftHandler(bool left, std::uint32_t bytes, Where where, bool by_cl) {
  const auto choose = [&]<class Number, bool to_left, Place place>() -> Handler {
    return by_cl ? DoDoubleShift<to_left, Number, place, true> : DoDoubleShift<to_left, Number, place, false>;
  };
  const auto choose_place = [&]<class Number, bool to_left>() {
    return where == Where::kRegister ? choose.template operator()<Number, to_left, Place::kRm>()
                                     : choose.template operator()<Number, to_left, Place::kMemory>();
  };
  if (bytes == 2) {
    return left ? choose_place.operator()<std::uint16_t, true>() : choose_place.operator()<std::uint16_t, false>();
  }
  return left ? choose_place.operator()<std::uint32_t, true>() : choose_place.operator()<std::uint32_t, false>();
}

}  // namespace alloclab::i386
