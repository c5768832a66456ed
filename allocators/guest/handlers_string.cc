// String instructions, once and repeated. Each element of a repeated one is a step of the budget; when that ends in the middle,
// the instruction is not counted yet and goes on later, as after an interrupt.
#include <algorithm>

#include "allocators/guest/handlers.h"
#include "allocators/guest/operands.h"

namespace alloclab::i386 {
namespace {

constexpr bool Loads(String string) { return string != String::kStos; }
constexpr bool LoadsTwo(String string) { return string == String::kCmps; }
constexpr bool Stores(String string) { return string == String::kMovs || string == String::kStos; }
constexpr bool UsesEsi(String string) { return string == String::kMovs || string == String::kCmps || string == String::kLods; }
constexpr bool UsesEdi(String string) { return string != String::kLods; }

template <String string, class Number>
void Move(Core& core, std::uint32_t elements) {
  const std::uint32_t bytes = elements * static_cast<std::uint32_t>(sizeof(Number));
  const std::uint32_t change = core.backwards ? -bytes : bytes;
  if constexpr (UsesEsi(string)) core.registers[kEsi] += change;
  if constexpr (UsesEdi(string)) core.registers[kEdi] += change;
}

template <String string, class Number>
void DoOne(Core& core, const Op* op) {
  const std::uint32_t from = core.registers[kEsi], to = core.registers[kEdi];
  if constexpr (string == String::kMovs) {
    core.Store(op, to, core.Load<Number>(op, from));
  } else if constexpr (string == String::kCmps) {
    const auto left = core.Load<Number>(op, from);
    Compute<Alu::kCmp>(core.flags, left, core.Load<Number>(op, to));
  } else if constexpr (string == String::kStos) {
    core.Store(op, to, core.Get<Number>(kEax));
  } else if constexpr (string == String::kLods) {
    core.Set(kEax, core.Load<Number>(op, from));
  } else {
    Compute<Alu::kCmp>(core.flags, core.Get<Number>(kEax), core.Load<Number>(op, to));
  }
  Move<string, Number>(core, 1);
}

// As many elements as lie in one page each and are asked for, if those pages are at hand; how many were done.
template <String string, class Number>
std::uint32_t DoMany(Core& core, std::uint64_t limit) {
  constexpr auto kBytes = static_cast<std::uint32_t>(sizeof(Number));
  if (core.backwards) return 0;
  const std::uint32_t from = core.registers[kEsi], to = core.registers[kEdi];
  std::byte* target = core.Place<std::uint8_t, Stop::Access::kWrite>(to);
  const std::byte* source = string == String::kMovs ? core.Place<std::uint8_t, Stop::Access::kRead>(from) : target;
  if (target == nullptr || source == nullptr) return 0;
  std::uint64_t elements = std::min<std::uint64_t>(limit, (kPageBytes - to % kPageBytes) / kBytes);
  if (string == String::kMovs) elements = std::min<std::uint64_t>(elements, (kPageBytes - from % kPageBytes) / kBytes);
  for (std::uint64_t i = 0; i < elements; ++i) {  // one by one: the later may read what the earlier have written
    Number number = core.Get<Number>(kEax);
    if (string == String::kMovs) std::memcpy(&number, source + i * kBytes, kBytes);
    std::memcpy(target + i * kBytes, &number, kBytes);
  }
  Move<string, Number>(core, static_cast<std::uint32_t>(elements));
  return static_cast<std::uint32_t>(elements);
}

// A block of its own, with nothing in front of it that is not counted yet.
template <String string, class Number, Repeat repeat>
const Op* DoRepeated(Core& core, const Op* op) {
  std::uint32_t& count = core.registers[kEcx];
  while (count != 0) {
    std::uint32_t done = 0;
    if constexpr (Stores(string)) {
      if (count > 1) done = DoMany<string, Number>(core, std::min<std::uint64_t>(count, core.steps_left));
    }
    if (done == 0) {
      DoOne<string, Number>(core, op);
      done = 1;
    }
    count -= done;
    // All but the last one, which counts as the instruction if it ends here.
    core.steps_left -= done - 1;
    core.repeated += done - 1;
    if constexpr (Loads(string)) core.loads += LoadsTwo(string) ? 2 * done : done;
    if constexpr (Stores(string)) core.stores += done;
    if (count == 0) break;
    if constexpr (string == String::kCmps || string == String::kScas) {
      if ((core.flags.zero == 0) != (repeat == Repeat::kRep)) break;
    }
    --core.steps_left;
    ++core.repeated;
    // Also fetched again after it wrote over code or tables, perhaps its own: budgets must not change what happens.
    if (core.steps_left == 0 || core.forgotten) return core.LeaveFor(op->eip);
  }
  return op + 1;
}

template <String string, class Number>
const Op* DoOnce(Core& core, const Op* op) {
  DoOne<string, Number>(core, op);
  return op + 1;
}

}  // namespace

Handler StringHandler(String string, std::uint32_t bytes, Repeat repeat) {
  return ForSize(bytes, [&]<class Number>() {
    return ForValue<String, 5>(string, [&]<String s>() -> Handler {
      switch (repeat) {
        case Repeat::kRep:
          return DoRepeated<s, Number, Repeat::kRep>;
        case Repeat::kRepne:
          return DoRepeated<s, Number, Repeat::kRepne>;
        case Repeat::kOnce:
          break;
      }
      return DoOnce<s, Number>;
    });
  });
}

}  // namespace alloclab::i386
