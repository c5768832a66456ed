// What the files of handlers share: operands, and the choice of a template by what was decoded.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_OPERANDS_H_
#define ALLOCLAB_ALLOCATORS_GUEST_OPERANDS_H_

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "allocators/guest/core.h"
#include "allocators/guest/handlers.h"

namespace alloclab::i386 {

// An operand's place. kBased is kMemory without an index, which most operands in memory are.
enum class Place : std::uint8_t { kReg, kRm, kImmediate, kBased, kMemory };
constexpr bool InMemory(Place place) { return place >= Place::kBased; }

template <Place place>
std::uint32_t Address(const Core& core, const Op* op) {
  static_assert(InMemory(place));
  return place == Place::kBased ? core.registers[op->base] + op->displacement : AddressOf(core, op);
}

template <Place place, class Number>
Number Get(Core& core, const Op* op) {
  if constexpr (InMemory(place)) {
    return core.Load<Number>(op, Address<place>(core, op));
  } else if constexpr (place == Place::kImmediate) {
    return static_cast<Number>(op->immediate);
  } else {
    return core.Get<Number>(place == Place::kReg ? op->reg : op->rm);
  }
}

template <Place place, class Number>
void Set(Core& core, const Op* op, Number number) {
  if constexpr (InMemory(place)) {
    core.Store<Number>(op, Address<place>(core, op), number);
  } else {
    core.Set<Number>(place == Place::kReg ? op->reg : op->rm, number);
  }
}

// Replaces the number there by change(number).
template <Place place, class Number, class Function>
void Change(Core& core, const Op* op, Function change) {
  if constexpr (InMemory(place)) {
    core.Modify<Number>(op, Address<place>(core, op), change);
  } else {
    const std::uint8_t reg = place == Place::kReg ? op->reg : op->rm;
    core.Set<Number>(reg, change(core.Get<Number>(reg)));
  }
}

// What is much used is compiled twice where an operand is in memory (WithOperand): for a number whose place in host memory is
// at hand, which calls nothing and so saves no registers of the host, and for all others. An operand has Get, Set and Change.
template <Place place, class Number>
struct NearOperand {  // a register or an immediate
  Core& core;
  const Op* op;

  Number Get() const { return i386::Get<place, Number>(core, op); }
  void Set(Number number) const { i386::Set<place, Number>(core, op, number); }
  template <class Function>
  void Change(Function change) const {
    i386::Change<place, Number>(core, op, change);
  }
};
template <class Number, class Byte>
struct OperandAtHand {
  Byte* place;

  Number Get() const {
    Number number;
    std::memcpy(&number, place, sizeof(number));
    return number;
  }
  void Set(Number number) const { std::memcpy(place, &number, sizeof(number)); }
  template <class Function>
  void Change(Function change) const {
    Set(change(Get()));
  }
};
template <class Number>
struct FarOperand {
  Core& core;
  const Op* op;
  std::uint32_t address;

  Number Get() const { return static_cast<Number>(core.LoadSlowly(op, address, sizeof(Number), Stop::Access::kRead)); }
  void Set(Number number) const { core.StoreSlowly(op, address, number, sizeof(Number)); }
  template <class Function>
  void Change(Function change) const {
    core.ModifySlowly<Number>(op, address, change);
  }
};

// Where an operand in memory is: of an instruction, of a push, of a pop.
template <Place place>
struct AtOperand {
  static std::uint32_t Address(const Core& core, const Op* op) { return i386::Address<place>(core, op); }
};
template <class Number>
struct BelowStack {
  static std::uint32_t Address(const Core& core, const Op*) {
    return core.registers[kEsp] - static_cast<std::uint32_t>(sizeof(Number));
  }
};
struct AtStack {
  static std::uint32_t Address(const Core& core, const Op*) { return core.registers[kEsp]; }
};

template <class Number, class At, class Handle>
[[gnu::noinline, gnu::cold]] const Op* WithFarOperand(Core& core, const Op* op) {
  return Handle::Do(core, op, FarOperand<Number>{core, op, At::Address(core, op)});
}

// Handle::Do(core, op, operand), which says what is next; `access` is what it does to the operand first of all, kWrite if it
// changes it.
template <class Number, Stop::Access access, class At, class Handle>
const Op* WithMemory(Core& core, const Op* op) {
  if (auto* place = core.Place<Number, access>(At::Address(core, op)); place != nullptr) [[likely]] {
    return Handle::Do(core, op, OperandAtHand<Number, std::remove_pointer_t<decltype(place)>>{place});
  }
  return WithFarOperand<Number, At, Handle>(core, op);
}
template <class Number, Place place, Stop::Access access, class Handle>
const Op* WithOperand(Core& core, const Op* op) {
  if constexpr (InMemory(place)) {
    return WithMemory<Number, access, AtOperand<place>, Handle>(core, op);
  } else {
    return Handle::Do(core, op, NearOperand<place, Number>{core, op});
  }
}

// The result of an operation, and its flags.
template <Alu alu, class Number>
Number Compute(Flags& flags, Number left, Number right) {
  const std::uint32_t a = left, b = right;
  std::uint32_t result;
  if constexpr (alu == Alu::kAdd || alu == Alu::kAdc) {
    result = a + b + (alu == Alu::kAdc && flags.Carry() ? 1 : 0);
    flags.SetCarries<Number>((a & b) | ((a | b) & ~result));
  } else if constexpr (alu == Alu::kSub || alu == Alu::kSbb || alu == Alu::kCmp) {
    result = a - b - (alu == Alu::kSbb && flags.Carry() ? 1 : 0);
    flags.SetCarries<Number>((~a & b) | ((~a | b) & result));
  } else {
    result = alu == Alu::kOr ? a | b : alu == Alu::kXor ? a ^ b : a & b;
    flags.carries = 0;
  }
  flags.SetResult(static_cast<Number>(result));
  return static_cast<Number>(result);
}

// choose.operator()<Number>() for the unsigned number of that many bytes.
template <class Choose>
Handler ForSize(std::uint32_t bytes, Choose choose) {
  switch (bytes) {
    case 1:
      return choose.template operator()<std::uint8_t>();
    case 2:
      return choose.template operator()<std::uint16_t>();
    default:
      return choose.template operator()<std::uint32_t>();
  }
}

// choose.operator()<value>() for the value among the first `count` of an enumeration.
template <class Enum, std::size_t count, class Choose>
Handler ForValue(Enum value, Choose choose) {
  Handler handler = nullptr;
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    (void)((static_cast<std::size_t>(value) == i && (handler = choose.template operator()<static_cast<Enum>(i)>(), true)) ||
           ...);
  }
  (std::make_index_sequence<count>());
  return handler;
}

}  // namespace alloclab::i386

#endif  // ALLOCLAB_ALLOCATORS_GUEST_OPERANDS_H_
