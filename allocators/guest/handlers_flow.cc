// Jumps, calls, interrupts: what ends a block.
#include "allocators/guest/handlers.h"
#include "allocators/guest/operands.h"

namespace alloclab::i386 {
namespace {

// With the return address as an operand to be written, or read.
struct Call {
  [[gnu::always_inline]] static const Op* Do(Core& core, const Op* op, auto top) {
    top.Set(op->next_eip());
    core.registers[kEsp] -= kWordBytes;
    return core.Jump(op);
  }
};
struct Return {
  [[gnu::always_inline]] static const Op* Do(Core& core, const Op* op, auto top) {
    const std::uint32_t target = top.Get();
    core.registers[kEsp] += kWordBytes + op->immediate;
    return core.JumpTo(op, target);
  }
};

template <Place place>
const Op* CallIndirect(Core& core, const Op* op) {
  const auto target = Get<place, std::uint32_t>(core, op);
  const std::uint32_t top = core.registers[kEsp] - kWordBytes;
  core.Store(op, top, op->next_eip());
  core.registers[kEsp] = top;
  return core.JumpTo(op, target);
}

const Op* Interrupt(Core& core, const Op* op) {
  const bool breakpoint = op->immediate == 3;
  core.interrupted = Stop{.kind = breakpoint ? Stop::Kind::kBreakpoint : Stop::Kind::kInterrupt,
                          .vector = static_cast<std::uint8_t>(breakpoint ? 0 : op->immediate),
                          .eip = op->next_eip()};
  core.Count(op + 1);
  return core.LeaveFor(op->next_eip());
}

template <Loop loop>
const Op* DoLoop(Core& core, const Op* op) {
  if constexpr (loop != Loop::kJecxz) --core.registers[kEcx];
  bool taken = core.registers[kEcx] != 0;
  if constexpr (loop == Loop::kJecxz) taken = !taken;
  if constexpr (loop == Loop::kLoope) taken = taken && core.flags.zero == 0;
  if constexpr (loop == Loop::kLoopne) taken = taken && core.flags.zero != 0;
  return taken ? core.Jump(op) : Next(core, op + 1);
}

}  // namespace

Handler JumpHandler() {
  return [](Core& core, const Op* op) { return core.Jump(op); };
}

Handler JumpIfHandler(Condition condition) {
  return ForValue<Condition, 16>(condition, []<Condition c>() -> Handler {
    return [](Core& core, const Op* op) { return core.flags.Is<c>() ? core.Jump(op) : Next(core, op + 1); };
  });
}

Handler LoopHandler(Loop loop) {
  return ForValue<Loop, 4>(loop, []<Loop l>() -> Handler { return DoLoop<l>; });
}

Handler CallHandler() { return WithMemory<std::uint32_t, Stop::Access::kWrite, BelowStack<std::uint32_t>, Call>; }

Handler JumpIndirectHandler(Where where) {
  if (where == Where::kRegister) return [](Core& core, const Op* op) { return core.JumpTo(op, core.registers[op->rm]); };
  return [](Core& core, const Op* op) { return core.JumpTo(op, Get<Place::kMemory, std::uint32_t>(core, op)); };
}

Handler CallIndirectHandler(Where where) {
  return where == Where::kRegister ? CallIndirect<Place::kRm> : CallIndirect<Place::kMemory>;
}

Handler ReturnHandler() { return WithMemory<std::uint32_t, Stop::Access::kRead, AtStack, Return>; }
Handler InterruptHandler() { return Interrupt; }

Handler GoOnHandler() {
  return [](Core& core, const Op* op) {
    core.Count(op);
    return core.Follow(op, op->eip);
  };
}

Handler LeaveBlockHandler() {
  return [](Core& core, const Op* op) {
    core.Count(op);
    return core.LeaveFor(op->eip);
  };
}

}  // namespace alloclab::i386
