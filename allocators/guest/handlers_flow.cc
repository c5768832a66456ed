// Jumps, calls, interrupts: what ends a block.
#include "allocators/guest/handlers.h"
#include "allocators/guest/operands.h"

namespace alloclab::i386 {
namespace {

const Op* Call(Core& core, const Op* op) {
  const std::uint32_t top = core.registers[kEsp] - kWordBytes;
  core.Store(top, op->next_eip());
  core.registers[kEsp] = top;
  return core.Follow(1, op->immediate);
}

template <Place place>
const Op* CallIndirect(Core& core, const Op* op) {
  const auto target = Get<place, std::uint32_t>(core, op);
  const std::uint32_t top = core.registers[kEsp] - kWordBytes;
  core.Store(top, op->next_eip());
  core.registers[kEsp] = top;
  return core.FollowTo(target);
}

const Op* Return(Core& core, const Op* op) {
  const auto target = core.Load<std::uint32_t>(core.registers[kEsp]);
  core.registers[kEsp] += kWordBytes + op->immediate;
  return core.FollowTo(target);
}

const Op* Interrupt(Core& core, const Op* op) {
  const bool breakpoint = op->immediate == 3;
  core.interrupted = Stop{.kind = breakpoint ? Stop::Kind::kBreakpoint : Stop::Kind::kInterrupt,
                          .vector = static_cast<std::uint8_t>(breakpoint ? 0 : op->immediate),
                          .eip = op->next_eip()};
  return core.LeaveFor(op->next_eip());
}

template <Loop loop>
const Op* DoLoop(Core& core, const Op* op) {
  if constexpr (loop != Loop::kJecxz) --core.registers[kEcx];
  bool taken = core.registers[kEcx] != 0;
  if constexpr (loop == Loop::kJecxz) taken = !taken;
  if constexpr (loop == Loop::kLoope) taken = taken && core.flags.zero == 0;
  if constexpr (loop == Loop::kLoopne) taken = taken && core.flags.zero != 0;
  return taken ? core.Follow(1, op->immediate) : core.Follow(0, op->next_eip());
}

}  // namespace

Handler JumpHandler() {
  return [](Core& core, const Op* op) { return core.Follow(1, op->immediate); };
}

Handler JumpIfHandler(Condition condition) {
  return ForValue<Condition, 16>(condition, []<Condition c>() -> Handler {
    return [](Core& core, const Op* op) {
      return core.flags.Is<c>() ? core.Follow(1, op->immediate) : core.Follow(0, op->next_eip());
    };
  });
}

Handler LoopHandler(Loop loop) {
  return ForValue<Loop, 4>(loop, []<Loop l>() -> Handler { return DoLoop<l>; });
}

Handler CallHandler() { return Call; }

Handler JumpIndirectHandler(Where where) {
  if (where == Where::kRegister) return [](Core& core, const Op* op) { return core.FollowTo(core.registers[op->rm]); };
  return [](Core& core, const Op* op) { return core.FollowTo(Get<Place::kMemory, std::uint32_t>(core, op)); };
}

Handler CallIndirectHandler(Where where) {
  return where == Where::kRegister ? CallIndirect<Place::kRm> : CallIndirect<Place::kMemory>;
}

Handler ReturnHandler() { return Return; }
Handler InterruptHandler() { return Interrupt; }

Handler GoOnHandler() {
  return [](Core& core, const Op* op) { return core.Follow(0, op->eip); };
}

Handler LeaveBlockHandler() {
  return [](Core& core, const Op* op) {
    core.Uncount(op);
    return core.LeaveFor(op->eip);
  };
}

}  // namespace alloclab::i386
