// Sums, logic and comparisons; not, neg, inc, dec.
#include "allocators/guest/handlers.h"
#include "allocators/guest/operands.h"

namespace alloclab::i386 {
namespace {

// Of an op with two operands, one of which may be in memory: that one, or else the destination.
constexpr Place Chosen(Place to, Place from) { return InMemory(from) ? from : to; }

template <Alu alu, class Number, Place to, Place from>
struct DoAlu {
  static constexpr bool kKeeps = alu == Alu::kCmp || alu == Alu::kTest;  // its destination

  [[gnu::always_inline]] static const Op* Do(Core& core, const Op* op, auto operand) {
    if constexpr (InMemory(from)) {
      const Number right = operand.Get();
      Apply(core, NearOperand<to, Number>{core, op}, right);
    } else {
      Apply(core, operand, Get<from, Number>(core, op));
    }
    return Next(core, op + 1);
  }
  [[gnu::always_inline]] static void Apply(Core& core, auto destination, Number right) {
    if constexpr (kKeeps) {
      Compute<alu>(core.flags, destination.Get(), right);
    } else {
      destination.Change([&core, right](Number left) { return Compute<alu>(core.flags, left, right); });
    }
  }
};

// What the condition is after cmp, or test, of two numbers.
template <Alu alu, Condition condition, class Number>
bool Holds(Number a, Number b, const Flags& flags) {
  using Signed = std::make_signed_t<Number>;
  const auto left = static_cast<Signed>(a), right = static_cast<Signed>(b);
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

template <Alu alu, class Number, Place to, Place from, Condition condition>
struct DoFused {
  [[gnu::always_inline]] static const Op* Do(Core& core, const Op* op, auto operand) {
    Number left, right;
    if constexpr (InMemory(from)) {
      left = Get<to, Number>(core, op);
      right = operand.Get();
    } else {
      left = operand.Get();
      right = Get<from, Number>(core, op);
    }
    Compute<alu>(core.flags, left, right);
    if (Holds<alu, condition>(left, right, core.flags)) return core.Jump(op + 1);
    return Next(core, op + 2);
  }
};

template <Unary unary, class Number>
Number Compute(Flags& flags, Number number) {
  if constexpr (unary == Unary::kNot) return static_cast<Number>(~number);
  if constexpr (unary == Unary::kNeg) return Compute<Alu::kSub>(flags, Number{0}, number);
  const bool carry = flags.Carry();
  const Number result = Compute < unary == Unary::kInc ? Alu::kAdd : Alu::kSub > (flags, number, Number{1});
  flags.SetCarry(carry);
  return result;
}

template <Unary unary, class Number>
struct DoUnary {
  [[gnu::always_inline]] static const Op* Do(Core& core, const Op* op, auto operand) {
    operand.Change([&core](Number number) { return Compute<unary>(core.flags, number); });
    return Next(core, op + 1);
  }
};

template <class Number, Place to, Place from>
struct DoMove {
  [[gnu::always_inline]] static const Op* Do(Core& core, const Op* op, auto operand) {
    if constexpr (InMemory(from)) {
      Set<to, Number>(core, op, operand.Get());
    } else {
      operand.Set(Get<from, Number>(core, op));
    }
    return Next(core, op + 1);
  }
};

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

// Whether one of these operands is changed, and so is asked for to be written.
template <Alu alu, Place to>
constexpr Stop::Access kAccess = InMemory(to) && alu != Alu::kCmp&& alu != Alu::kTest ? Stop::Access::kWrite
                                                                                      : Stop::Access::kRead;

Handler AluHandler(Alu alu, std::uint32_t bytes, Operands operands, bool indexed) {
  return ForSize(bytes, [&]<class Number>() {
    return ForValue<Alu, 9>(alu, [&]<Alu a>() {
      return ForOperands(operands, indexed, []<Place to, Place from>() -> Handler {
        return WithOperand<Number, Chosen(to, from), kAccess<a, to>, DoAlu<a, Number, to, from>>;
      });
    });
  });
}

Handler FusedHandler(Alu alu, std::uint32_t bytes, Operands operands, bool indexed, Condition condition) {
  const auto choose = [&]<Alu a, class Number, Condition c>() {
    return ForOperands(operands, indexed, []<Place to, Place from>() -> Handler {
      return WithOperand<Number, Chosen(to, from), Stop::Access::kRead, DoFused<a, Number, to, from, c>>;
    });
  };
  return ForValue<Condition, 16>(condition, [&]<Condition c>() {
    if (alu == Alu::kCmp) {
      return bytes == 1 ? choose.template operator()<Alu::kCmp, std::uint8_t, c>()
                        : choose.template operator()<Alu::kCmp, std::uint32_t, c>();
    }
    return bytes == 1 ? choose.template operator()<Alu::kTest, std::uint8_t, c>()
                      : choose.template operator()<Alu::kTest, std::uint32_t, c>();
  });
}

Handler UnaryHandler(Unary unary, std::uint32_t bytes, Where where) {
  constexpr Stop::Access kWrite = Stop::Access::kWrite;
  return ForSize(bytes, [&]<class Number>() {
    return ForValue<Unary, 4>(unary, [&]<Unary u>() -> Handler {
      return where == Where::kRegister ? WithOperand<Number, Place::kRm, kWrite, DoUnary<u, Number>>
                                       : WithOperand<Number, Place::kMemory, kWrite, DoUnary<u, Number>>;
    });
  });
}

Handler MoveHandler(std::uint32_t bytes, Operands operands, bool indexed) {
  return ForSize(bytes, [&]<class Number>() {
    return ForOperands(operands, indexed, []<Place to, Place from>() -> Handler {
      constexpr Stop::Access access = InMemory(to) ? Stop::Access::kWrite : Stop::Access::kRead;
      return WithOperand<Number, Chosen(to, from), access, DoMove<Number, to, from>>;
    });
  });
}

}  // namespace alloclab::i386
