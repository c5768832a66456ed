// Multiplication and division, single bits, and the i486's exchanges.
#include <limits>

#include "allocators/guest/handlers.h"
#include "allocators/guest/operands.h"

namespace alloclab::i386 {
namespace {

template <class Number>
struct Twice;
template <>
struct Twice<std::uint8_t> {
  using Type = std::uint16_t;
};
template <>
struct Twice<std::uint16_t> {
  using Type = std::uint32_t;
};
template <>
struct Twice<std::uint32_t> {
  using Type = std::uint64_t;
};
template <class Number>
using Wide = typename Twice<Number>::Type;

template <class Number>
constexpr unsigned kBits = std::numeric_limits<Number>::digits;

// edx:eax, dx:ax, or ax.
template <class Number>
Wide<Number> GetPair(const Core& core) {
  if constexpr (sizeof(Number) == 1) {
    return core.Get<std::uint16_t>(kEax);
  } else {
    return static_cast<Wide<Number>>(Wide<Number>{core.Get<Number>(kEdx)} << kBits<Number> | core.Get<Number>(kEax));
  }
}
template <class Number>
void SetPair(Core& core, Number low, Number high) {
  if constexpr (sizeof(Number) == 1) {
    core.Set<std::uint16_t>(kEax, static_cast<std::uint16_t>(high << 8 | low));
  } else {
    core.Set<Number>(kEax, low);
    core.Set<Number>(kEdx, high);
  }
}

template <class Number>
void SetProduct(Core& core, Wide<Number> product, bool too_wide) {
  const auto low = static_cast<Number>(product);
  SetPair<Number>(core, low, static_cast<Number>(product >> kBits<Number>));
  core.flags.SetResult(low);  // the manual leaves all but CF and OF undefined
  core.flags.SetCarryAndOverflow(too_wide, too_wide);
}

// Of numbers of the same size, as a signed number of twice the size.
template <class Number>
Wide<Number> SignedProduct(Number a, Number b) {
  const std::int64_t product =
      std::int64_t{static_cast<std::make_signed_t<Number>>(a)} * static_cast<std::make_signed_t<Number>>(b);
  return static_cast<Wide<Number>>(product);
}
template <class Number>
bool IsTooWide(Wide<Number> product) {
  return static_cast<std::make_signed_t<Wide<Number>>>(product) !=
         static_cast<std::make_signed_t<Number>>(static_cast<Number>(product));
}

[[noreturn]] void ThrowDivideError(Core& core, const Op* op) {
  core.at = op;
  throw Stop{.kind = Stop::Kind::kDivideError};
}

template <class Number>
void Divide(Core& core, const Op* op, Number divisor) {
  if (divisor == 0) ThrowDivideError(core, op);
  const Wide<Number> dividend = GetPair<Number>(core);
  const std::uint64_t quotient = std::uint64_t{dividend} / divisor;
  if (quotient > std::numeric_limits<Number>::max()) ThrowDivideError(core, op);
  SetPair<Number>(core, static_cast<Number>(quotient), static_cast<Number>(dividend % divisor));
}

template <class Number>
void DivideSigned(Core& core, const Op* op, Number divisor_bits) {
  using Signed = std::make_signed_t<Number>;
  const std::int64_t divisor = static_cast<Signed>(divisor_bits);
  const std::int64_t dividend = static_cast<std::make_signed_t<Wide<Number>>>(GetPair<Number>(core));
  // The host's own division would fault at the second.
  if (divisor == 0 || (divisor == -1 && dividend == std::numeric_limits<std::int64_t>::min())) ThrowDivideError(core, op);
  const std::int64_t quotient = dividend / divisor;
  if (quotient > std::numeric_limits<Signed>::max() || quotient < std::numeric_limits<Signed>::min())
    ThrowDivideError(core, op);
  SetPair<Number>(core, static_cast<Number>(quotient), static_cast<Number>(dividend % divisor));
}

template <Multiply multiply, class Number, Place place>
const Op* DoMultiply(Core& core, const Op* op) {
  const Number operand = Get<place, Number>(core, op);
  if constexpr (multiply == Multiply::kMul) {
    const auto product = static_cast<Wide<Number>>(Wide<Number>{core.Get<Number>(kEax)} * Wide<Number>{operand});
    SetProduct<Number>(core, product, product >> kBits<Number> != 0);
  } else if constexpr (multiply == Multiply::kImul) {
    const Wide<Number> product = SignedProduct<Number>(core.Get<Number>(kEax), operand);
    SetProduct<Number>(core, product, IsTooWide<Number>(product));
  } else if constexpr (multiply == Multiply::kDiv) {
    Divide(core, op, operand);
  } else {
    DivideSigned(core, op, operand);
  }
  return op + 1;
}

template <class Number, Place place, bool by_immediate>
const Op* DoImul(Core& core, const Op* op) {
  const Number factor = by_immediate ? static_cast<Number>(op->immediate) : core.Get<Number>(op->reg);
  const Wide<Number> product = SignedProduct<Number>(Get<place, Number>(core, op), factor);
  core.Set<Number>(op->reg, static_cast<Number>(product));
  core.flags.SetResult(static_cast<Number>(product));
  core.flags.SetCarryAndOverflow(IsTooWide<Number>(product), IsTooWide<Number>(product));
  return Next(core, op + 1);
}

template <BitTest test, class Number>
Number Test(Core& core, Number number, unsigned bit) {
  core.flags.SetCarry((number >> bit & 1) != 0);
  const auto mask = static_cast<Number>(Number{1} << bit);
  switch (test) {
    case BitTest::kBts:
      return static_cast<Number>(number | mask);
    case BitTest::kBtr:
      return static_cast<Number>(number & ~mask);
    case BitTest::kBtc:
      return static_cast<Number>(number ^ mask);
    case BitTest::kBt:
      break;
  }
  return number;
}

template <BitTest test, class Number, Place place, bool by_immediate>
const Op* DoBitTest(Core& core, const Op* op) {
  const Number offset = by_immediate ? static_cast<Number>(op->immediate) : core.Get<Number>(op->reg);
  const unsigned bit = offset % kBits<Number>;
  if constexpr (InMemory(place)) {
    std::uint32_t address = AddressOf(core, op);
    if (!by_immediate) {  // the register counts bits from the operand on, in both directions
      const auto bits = static_cast<std::make_signed_t<Number>>(offset - bit);
      address += static_cast<std::uint32_t>(bits / 8);
    }
    if constexpr (test == BitTest::kBt) {
      Test<test>(core, core.Load<Number>(op, address), bit);
    } else {
      core.Modify<Number>(op, address, [&](Number number) { return Test<test>(core, number, bit); });
    }
  } else {
    Change<place, Number>(core, op, [&](Number number) { return Test<test>(core, number, bit); });
  }
  return op + 1;
}

template <bool reverse, class Number, Place place>
const Op* DoBitScan(Core& core, const Op* op) {
  const Number number = Get<place, Number>(core, op);
  core.flags.zero = number;
  if (number != 0) {
    const int bit = reverse ? static_cast<int>(kBits<Number>) - 1 - std::countl_zero(number) : std::countr_zero(number);
    core.Set<Number>(op->reg, static_cast<Number>(bit));
  }
  return op + 1;
}

template <class Number, Place place>
const Op* DoExchangeAdd(Core& core, const Op* op) {
  const Number addend = core.Get<Number>(op->reg);
  Number before = 0;
  const auto add = [&](Number number) {
    before = number;
    return Compute<Alu::kAdd>(core.flags, number, addend);
  };
  if constexpr (InMemory(place)) {
    Change<place, Number>(core, op, add);
    core.Set<Number>(op->reg, before);
  } else {  // the sum wins if both are the same register
    const Number sum = add(core.Get<Number>(op->rm));
    core.Set<Number>(op->reg, before);
    core.Set<Number>(op->rm, sum);
  }
  return op + 1;
}

template <class Number, Place place>
const Op* DoCompareExchange(Core& core, const Op* op) {
  const Number expected = core.Get<Number>(kEax), wanted = core.Get<Number>(op->reg);
  Number found = 0;
  Change<place, Number>(core, op, [&](Number number) {
    found = number;
    Compute<Alu::kCmp>(core.flags, expected, number);
    return number == expected ? wanted : number;
  });
  if (found != expected) core.Set<Number>(kEax, found);
  return op + 1;
}

const Op* DoCompareExchange8(Core& core, const Op* op) {
  const std::uint32_t address = AddressOf(core, op);
  // Both words are known to be writable before either is changed.
  std::uint32_t low = 0, high = 0;
  core.Modify<std::uint32_t>(op, address, [&](std::uint32_t word) { return low = word; });
  core.Modify<std::uint32_t>(op, address + kWordBytes, [&](std::uint32_t word) { return high = word; });
  const bool equal = low == core.registers[kEax] && high == core.registers[kEdx];
  if (equal) {
    core.Store(op, address, core.registers[kEbx]);
    core.Store(op, address + kWordBytes, core.registers[kEcx]);
  } else {
    core.registers[kEax] = low;
    core.registers[kEdx] = high;
  }
  core.flags.zero = equal ? 0 : 1;
  return op + 1;
}

// choose.operator()<Number, place>().
template <class Choose>
Handler ForNumberAndPlace(std::uint32_t bytes, Where where, Choose choose) {
  return ForSize(bytes, [&]<class Number>() {
    return where == Where::kRegister ? choose.template operator()<Number, Place::kRm>()
                                     : choose.template operator()<Number, Place::kMemory>();
  });
}

}  // namespace

Handler MultiplyHandler(Multiply multiply, std::uint32_t bytes, Where where) {
  return ForNumberAndPlace(bytes, where, [&]<class Number, Place place>() {
    return ForValue<Multiply, 4>(multiply, []<Multiply m>() -> Handler { return DoMultiply<m, Number, place>; });
  });
}

Handler ImulHandler(std::uint32_t bytes, Where where, bool by_immediate) {
  return ForNumberAndPlace(bytes, where, [&]<class Number, Place place>() -> Handler {
    return by_immediate ? DoImul<Number, place, true> : DoImul<Number, place, false>;
  });
}

Handler BitTestHandler(BitTest test, std::uint32_t bytes, Where where, bool by_immediate) {
  return ForNumberAndPlace(bytes, where, [&]<class Number, Place place>() {
    return ForValue<BitTest, 4>(test, [&]<BitTest t>() -> Handler {
      return by_immediate ? DoBitTest<t, Number, place, true> : DoBitTest<t, Number, place, false>;
    });
  });
}

Handler BitScanHandler(bool reverse, std::uint32_t bytes, Where where) {
  return ForNumberAndPlace(bytes, where, [&]<class Number, Place place>() -> Handler {
    return reverse ? DoBitScan<true, Number, place> : DoBitScan<false, Number, place>;
  });
}

Handler ExchangeAddHandler(std::uint32_t bytes, Where where) {
  return ForNumberAndPlace(bytes, where, []<class Number, Place place>() -> Handler { return DoExchangeAdd<Number, place>; });
}

Handler CompareExchangeHandler(std::uint32_t bytes, Where where) {
  return ForNumberAndPlace(bytes, where,
                           []<class Number, Place place>() -> Handler { return DoCompareExchange<Number, place>; });
}

Handler CompareExchange8Handler() { return DoCompareExchange8; }

}  // namespace alloclab::i386
