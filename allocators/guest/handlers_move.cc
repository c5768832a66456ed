// Moves, conversions, exchanges, and the stack.
#include <algorithm>

#include "allocators/guest/handlers.h"
#include "allocators/guest/operands.h"

namespace alloclab::i386 {
namespace {

// Moves that a condition, or the widths, choose: from register or memory.
template <class Choose>
Handler ForWhere(Where where, Choose choose) {
  switch (where) {
    case Where::kRegister:
      return choose.template operator()<Place::kRm>();
    case Where::kBased:
      return choose.template operator()<Place::kBased>();
    case Where::kMemory:
      break;
  }
  return choose.template operator()<Place::kMemory>();
}

template <class Number, Place place>
struct DoPush {
  [[gnu::always_inline]] static const Op* Do(Core& core, const Op* op, auto top) {
    top.Set(Get<place, Number>(core, op));
    core.registers[kEsp] -= static_cast<std::uint32_t>(sizeof(Number));
    return Next(core, op + 1);
  }
};
template <class Number>
struct DoPop {  // into a register
  [[gnu::always_inline]] static const Op* Do(Core& core, const Op* op, auto top) {
    const Number number = top.Get();
    core.registers[kEsp] += static_cast<std::uint32_t>(sizeof(Number));
    Set<Place::kRm, Number>(core, op, number);
    return Next(core, op + 1);
  }
};

template <class Number>
void Push(Core& core, const Op* op, Number number) {
  const std::uint32_t top = core.registers[kEsp] - static_cast<std::uint32_t>(sizeof(Number));
  core.Store(op, top, number);
  core.registers[kEsp] = top;
}

template <class From, class To, bool sign>
struct DoExtend {
  [[gnu::always_inline]] static const Op* Do(Core& core, const Op* op, auto operand) {
    const From number = operand.Get();
    core.Set<To>(op->reg, sign ? static_cast<To>(static_cast<std::make_signed_t<From>>(number)) : static_cast<To>(number));
    return Next(core, op + 1);
  }
};

template <class Number, Condition condition>
struct DoConditionalMove {
  [[gnu::always_inline]] static const Op* Do(Core& core, const Op* op, auto operand) {
    const Number number = operand.Get();  // memory is read whatever the flags are
    if (core.flags.Is<condition>()) core.Set<Number>(op->reg, number);
    return Next(core, op + 1);
  }
};

template <class Number, Place place>
const Op* DoExchange(Core& core, const Op* op) {
  Number other = core.Get<Number>(op->reg);
  Change<place, Number>(core, op, [&](Number number) { return std::exchange(other, number); });
  core.Set<Number>(op->reg, other);
  return op + 1;
}

template <class Number>
const Op* DoPopAll(Core& core, const Op* op) {
  std::array<Number, 8> numbers;
  const std::uint32_t top = core.registers[kEsp];
  for (std::uint32_t i = 0; i < 8; ++i) {
    if (i != kEdi - kEsp) numbers[7 - i] = core.Load<Number>(op, top + i * static_cast<std::uint32_t>(sizeof(Number)));
  }
  for (std::uint8_t reg = 0; reg < 8; ++reg) {
    if (reg != kEsp) core.Set<Number>(reg, numbers[reg]);
  }
  core.registers[kEsp] = top + 8 * static_cast<std::uint32_t>(sizeof(Number));
  return op + 1;
}

template <class Number>
const Op* DoPushAll(Core& core, const Op* op) {
  const std::uint32_t top = core.registers[kEsp];
  for (std::uint8_t reg = 0; reg < 8; ++reg) {
    core.Store(op, top - (reg + 1u) * static_cast<std::uint32_t>(sizeof(Number)), core.Get<Number>(reg));
  }
  core.registers[kEsp] = top - 8 * static_cast<std::uint32_t>(sizeof(Number));
  return op + 1;
}

const Op* DoEnter(Core& core, const Op* op) {
  std::uint32_t top = core.registers[kEsp] - kWordBytes, frame = core.registers[kEbp];
  core.Store(op, top, frame);
  const std::uint32_t new_frame = top;
  for (std::uint32_t level = 1; level < op->reg; ++level) {
    frame -= kWordBytes;
    core.Store(op, top -= kWordBytes, core.Load<std::uint32_t>(op, frame));
  }
  if (op->reg > 0) core.Store(op, top -= kWordBytes, new_frame);
  core.registers[kEbp] = new_frame;
  core.registers[kEsp] = top - op->immediate;
  return op + 1;
}

const Op* DoLeave(Core& core, const Op* op) {
  const std::uint32_t frame = core.registers[kEbp];
  core.registers[kEbp] = core.Load<std::uint32_t>(op, frame);
  core.registers[kEsp] = frame + kWordBytes;
  return Next(core, op + 1);
}

const Op* DoXlat(Core& core, const Op* op) {
  core.Set<std::uint8_t>(kEax, core.Load<std::uint8_t>(op, core.registers[kEbx] + core.Get<std::uint8_t>(kEax)));
  return op + 1;
}

const Op* DoBswap(Core& core, const Op* op) {
  const std::uint32_t word = core.registers[op->rm];
  core.registers[op->rm] = word << 24 | (word & 0xFF00) << 8 | (word >> 8 & 0xFF00) | word >> 24;
  return op + 1;
}

template <FlagOp what>
const Op* DoFlagOp(Core& core, const Op* op) {
  switch (what) {
    case FlagOp::kClc:
      core.flags.SetCarry(false);
      break;
    case FlagOp::kStc:
      core.flags.SetCarry(true);
      break;
    case FlagOp::kCmc:
      core.flags.SetCarry(!core.flags.Carry());
      break;
    case FlagOp::kCld:
      core.backwards = false;
      break;
    case FlagOp::kStd:
      core.backwards = true;
      break;
    case FlagOp::kLahf:
      core.Set<std::uint8_t>(kEsp, static_cast<std::uint8_t>(core.flags.Bits() | 2));  // 4 is ah
      break;
    case FlagOp::kSahf:
      core.flags.SetBits(core.Get<std::uint8_t>(kEsp) | (core.flags.Overflow() ? kOverflow : 0));
      break;
    case FlagOp::kNop:
      break;
  }
  return Next(core, op + 1);
}

}  // namespace

Handler ExtendHandler(bool sign, std::uint32_t from_bytes, std::uint32_t to_bytes, Where where) {
  const auto choose = [where]<class From, class To, bool s>() {
    return ForWhere(
        where, []<Place place>() -> Handler { return WithOperand<From, place, Stop::Access::kRead, DoExtend<From, To, s>>; });
  };
  using U8 = std::uint8_t;
  using U16 = std::uint16_t;
  using U32 = std::uint32_t;
  if (to_bytes == 2) {
    if (from_bytes == 2) return choose.operator()<U16, U16, false>();
    return sign ? choose.operator()<U8, U16, true>() : choose.operator()<U8, U16, false>();
  }
  if (from_bytes == 1) return sign ? choose.operator()<U8, U32, true>() : choose.operator()<U8, U32, false>();
  return sign ? choose.operator()<U16, U32, true>() : choose.operator()<U16, U32, false>();
}

Handler LeaHandler(std::uint32_t bytes, bool indexed) {
  if (bytes == 2) {
    return [](Core& core, const Op* op) {
      core.Set(op->reg, static_cast<std::uint16_t>(AddressOf(core, op)));
      return op + 1;
    };
  }
  if (indexed) {
    return [](Core& core, const Op* op) {
      core.registers[op->reg] = AddressOf(core, op);
      return Next(core, op + 1);
    };
  }
  return [](Core& core, const Op* op) {
    core.registers[op->reg] = Address<Place::kBased>(core, op);
    return Next(core, op + 1);
  };
}

Handler ExchangeHandler(std::uint32_t bytes, Where where) {
  return ForSize(bytes, [&]<class Number>() {
    return ForWhere(where, []<Place place>() -> Handler { return DoExchange<Number, place>; });
  });
}

Handler ConditionalMoveHandler(Condition condition, std::uint32_t bytes, Where where) {
  return ForSize(bytes, [&]<class Number>() {
    return ForValue<Condition, 16>(condition, [&]<Condition c>() {
      return ForWhere(where, []<Place place>() -> Handler {
        return WithOperand<Number, place, Stop::Access::kRead, DoConditionalMove<Number, c>>;
      });
    });
  });
}

Handler SetOnConditionHandler(Condition condition, Where where) {
  return ForValue<Condition, 16>(condition, [&]<Condition c>() {
    return ForWhere(where, []<Place place>() -> Handler {
      return [](Core& core, const Op* op) {
        Set<place, std::uint8_t>(core, op, core.flags.Is<c>() ? 1 : 0);
        return Next(core, op + 1);
      };
    });
  });
}

Handler ConvertHandler(bool to_edx, std::uint32_t bytes) {
  if (to_edx) {
    return ForSize(bytes, []<class Number>() -> Handler {
      return [](Core& core, const Op* op) {
        const bool negative = static_cast<std::make_signed_t<Number>>(core.Get<Number>(kEax)) < 0;
        core.Set<Number>(kEdx, static_cast<Number>(negative ? -1 : 0));
        return op + 1;
      };
    });
  }
  if (bytes == 2) {
    return [](Core& core, const Op* op) {
      core.Set(kEax, static_cast<std::uint16_t>(static_cast<std::int8_t>(core.registers[kEax])));
      return op + 1;
    };
  }
  return [](Core& core, const Op* op) {
    core.registers[kEax] = static_cast<std::uint32_t>(static_cast<std::int16_t>(core.registers[kEax]));
    return op + 1;
  };
}

Handler XlatHandler() { return DoXlat; }
Handler BswapHandler() { return DoBswap; }

Handler PushHandler(std::uint32_t bytes, Where where) {
  return ForSize(bytes, [&]<class Number>() -> Handler {
    if (where == Where::kRegister) {
      return WithMemory<Number, Stop::Access::kWrite, BelowStack<Number>, DoPush<Number, Place::kRm>>;
    }
    return [](Core& core, const Op* op) {
      Push(core, op, Get<Place::kMemory, Number>(core, op));
      return Next(core, op + 1);
    };
  });
}

Handler PushImmediateHandler(std::uint32_t bytes) {
  return ForSize(bytes, []<class Number>() -> Handler {
    return WithMemory<Number, Stop::Access::kWrite, BelowStack<Number>, DoPush<Number, Place::kImmediate>>;
  });
}

Handler PopHandler(std::uint32_t bytes, Where where) {
  return ForSize(bytes, [&]<class Number>() -> Handler {
    if (where == Where::kRegister) return WithMemory<Number, Stop::Access::kRead, AtStack, DoPop<Number>>;
    return [](Core& core, const Op* op) {
      const std::uint32_t top = core.registers[kEsp];
      const auto number = core.Load<Number>(op, top);
      core.registers[kEsp] = top + static_cast<std::uint32_t>(sizeof(Number));  // the address is made with the new one
      try {
        Set<Place::kMemory, Number>(core, op, number);
      } catch (const Stop&) {
        core.registers[kEsp] = top;
        throw;
      }
      return op + 1;
    };
  });
}

Handler PushAllHandler(std::uint32_t bytes) {
  return ForSize(bytes, []<class Number>() -> Handler { return DoPushAll<Number>; });
}
Handler PopAllHandler(std::uint32_t bytes) {
  return ForSize(bytes, []<class Number>() -> Handler { return DoPopAll<Number>; });
}

Handler PushFlagsHandler(std::uint32_t bytes) {
  return ForSize(bytes, []<class Number>() -> Handler {
    return [](Core& core, const Op* op) {
      Push(core, op, static_cast<Number>(core.Eflags()));
      return op + 1;
    };
  });
}

Handler PopFlagsHandler(std::uint32_t bytes) {
  return ForSize(bytes, []<class Number>() -> Handler {
    return [](Core& core, const Op* op) {
      core.SetEflags(core.Load<Number>(op, core.registers[kEsp]));
      core.registers[kEsp] += static_cast<std::uint32_t>(sizeof(Number));
      return op + 1;
    };
  });
}

Handler EnterHandler() { return DoEnter; }
Handler LeaveHandler() { return DoLeave; }

Handler FlagOpHandler(FlagOp what) {
  return ForValue<FlagOp, 8>(what, []<FlagOp w>() -> Handler { return DoFlagOp<w>; });
}

}  // namespace alloclab::i386
