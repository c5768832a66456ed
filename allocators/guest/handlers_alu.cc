// Sums, logic and comparisons; not, neg, inc, dec.
#include "allocators/guest/handlers.h"
#include "allocators/guest/operands.h"

namespace alloclab::i386 {
namespace {

template <Alu alu, class Number, Place to, Place from>
const Op* DoAlu(Core& core, const Op* op) {
  if constexpr (alu == Alu::kCmp || alu == Alu::kTest) {
    const Number left = Get<to, Number>(core, op);
    Compute<alu>(core.flags, left, Get<from, Number>(core, op));
  } else {
    const Number right = Get<from, Number>(core, op);
    Change<to, Number>(core, op, [&](Number left) { return Compute<alu>(core.flags, left, right); });
  }
  return op + 1;
}

// What the condition is after cmp, or test, of two words.
template <Alu alu, Condition condition>
bool Holds(std::uint32_t a, std::uint32_t b, const Flags& flags) {
  const auto left = static_cast<std::int32_t>(a), right = static_cast<std::int32_t>(b);
  constexpr bool kIsCmp = alu == Alu::kCmp;
  switch (condition) {
    case Condition::kB:
      return kIsCmp && a < b;
    case Condition::kAe:
      return !kIsCmp || a >= b;
    case Condition::kE:
      return kIsCmp ? a == b : (a & b) == 0;
    case Condition::kNe:
      return kIsCmp ? a != b : (a & b) != 0;
    case Condition::kBe:
      return kIsCmp ? a <= b : (a & b) == 0;
    case Condition::kA:
      return kIsCmp ? a > b : (a & b) != 0;
    case Condition::kL:
      return kIsCmp ? left < right : (left & right) < 0;
    case Condition::kGe:
      return kIsCmp ? left >= right : (left & right) >= 0;
    case Condition::kLe:
      return kIsCmp ? left <= right : (left & right) <= 0;
    case Condition::kG:
      return kIsCmp ? left > right : (left & right) > 0;
    default:
      return flags.Is<condition>();
  }
}

template <Alu alu, Place to, Place from, Condition condition>
const Op* DoFused(Core& core, const Op* op) {
  const auto left = Get<to, std::uint32_t>(core, op);
  const auto right = Get<from, std::uint32_t>(core, op);
  Compute<alu>(core.flags, left, right);
  const Op* jump = op + 1;
  return Holds<alu, condition>(left, right, core.flags) ? core.Follow(1, jump->immediate) : core.Follow(0, jump->next_eip());
}

template <Unary unary, class Number>
Number Compute(Flags& flags, Number number) {
  if constexpr (unary == Unary::kNot) return static_cast<Number>(~number);
  if constexpr (unary == Unary::kNeg) return Compute<Alu::kSub>(flags, Number{0}, number);
  const bool carry = flags.Carry();
  const Number result = Compute < unary == Unary::kInc ? Alu::kAdd : Alu::kSub > (flags, number, Number{1});
  flags.SetCarry(carry);
  return result;
}

template <Unary unary, class Number, Place place>
const Op* DoUnary(Core& core, const Op* op) {
  Change<place, Number>(core, op, [&](Number number) { return Compute<unary>(core.flags, number); });
  return op + 1;
}

// choose.operator()<to, from>().
template <class Choose>
Handler ForOperands(Operands operands, bool indexed, Choose choose) {
  switch (operands) {
    case Operands::kRegisters:
      return choose.template operator()<Place::kReg, Place::kRm>();
    case Operands::kRegisterImmediate:
      return choose.template operator()<Place::kReg, Place::kImmediate>();
    case Operands::kRegisterMemory:
      return indexed ? choose.template operator()<Place::kReg, Place::kMemory>()
                     : choose.template operator()<Place::kReg, Place::kBased>();
    case Operands::kMemoryRegister:
      return indexed ? choose.template operator()<Place::kMemory, Place::kReg>()
                     : choose.template operator()<Place::kBased, Place::kReg>();
    case Operands::kMemoryImmediate:
      break;
  }
  return indexed ? choose.template operator()<Place::kMemory, Place::kImmediate>()
                 : choose.template operator()<Place::kBased, Place::kImmediate>();
}

}  // namespace

Handler AluHandler(Alu alu, std::uint32_t bytes, Operands operands, bool indexed) {
  return ForSize(bytes, [&]<class Number>() {
    return ForValue<Alu, 9>(alu, [&]<Alu a>() {
      return ForOperands(operands, indexed, []<Place to, Place from>() -> Handler { return DoAlu<a, Number, to, from>; });
    });
  });
}

Handler FusedHandler(Alu alu, Operands operands, bool indexed, Condition condition) {
  return ForValue<Condition, 16>(condition, [&]<Condition c>() {
    return ForOperands(operands, indexed, [&]<Place to, Place from>() -> Handler {
      return alu == Alu::kCmp ? DoFused<Alu::kCmp, to, from, c> : DoFused<Alu::kTest, to, from, c>;
    });
  });
}

Handler UnaryHandler(Unary unary, std::uint32_t bytes, Where where) {
  return ForSize(bytes, [&]<class Number>() {
    return ForValue<Unary, 4>(unary, [&]<Unary u>() -> Handler {
      return where == Where::kRegister ? DoUnary<u, Number, Place::kRm> : DoUnary<u, Number, Place::kMemory>;
    });
  });
}

Handler MoveHandler(std::uint32_t bytes, Operands operands, bool indexed) {
  return ForSize(bytes, [&]<class Number>() {
    return ForOperands(operands, indexed, []<Place to, Place from>() -> Handler {
      return [](Core& core, const Op* op) {
        Set<to, Number>(core, op, Get<from, Number>(core, op));
        return op + 1;
      };
    });
  });
}

}  // namespace alloclab::i386
