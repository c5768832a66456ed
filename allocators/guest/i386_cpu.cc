#include "allocators/guest/i386_cpu.h"

#include <algorithm>

namespace alloclab {

std::string_view StopName(Stop::Kind kind) {
  switch (kind) {
    case Stop::Kind::kBudget:
      return "budget";
    case Stop::Kind::kReturned:
      return "returned";
    case Stop::Kind::kPageFault:
      return "page fault";
    case Stop::Kind::kDivideError:
      return "divide error";
    case Stop::Kind::kBreakpoint:
      return "breakpoint";
    case Stop::Kind::kInvalidOpcode:
      return "invalid opcode";
    case Stop::Kind::kPrivileged:
      return "privileged instruction";
    case Stop::Kind::kInterrupt:
      break;
  }
  return "interrupt";
}

I386Cpu::I386Cpu(AddressSpace& space) : core_(std::make_unique<i386::Core>(space)) {}

void I386Cpu::ResetCounts() { instructions_ = core_->loads = core_->stores = 0; }

inline void I386Cpu::RunBlocks() {
  i386::Core& core = *core_;
  const i386::Op* const halt = &core.halt;
  try {
    while (true) {
      if (core.interrupted) {
        stop_ = *core.interrupted;
        core.interrupted.reset();
        return;
      }
      if (core.eip == kReturnAddress || core.steps_left == 0) {
        const bool returned = core.eip == kReturnAddress;
        stop_ = {.kind = returned ? Stop::Kind::kReturned : Stop::Kind::kBudget, .eip = core.eip};
        return;
      }
      const i386::Op** const link = core.link;
      core.link = nullptr;
      core.at = nullptr;
      const i386::Op* op = core.code.FindNewest(core.eip);
      if (op == nullptr) op = core.Find(core.eip);
      if (link != nullptr && !core.forgotten) *link = op;
      core.forgotten = false;
      if (op->block_instructions > core.steps_left) op = core.FindSingle(core.eip);
      do {  // each time a block; the halt goes to itself
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) op = op->handler(core, op);
      } while (op != halt);
    }
  } catch (const Stop& stop) {
    if (core.at != nullptr) {
      core.Count(core.at);
      core.eip = core.at->eip;
      core.at = nullptr;
    }
    stop_ = stop;
    stop_.eip = core.eip;
  }
}

const Stop& I386Cpu::Run(std::uint64_t steps) {
  core_->steps_left = steps;
  core_->repeated = 0;
  core_->at = nullptr;
  RunBlocks();
  instructions_ += steps - core_->steps_left - core_->repeated;
  return stop_;
}

bool I386Cpu::Push(std::span<const std::uint32_t> words) {
  std::uint32_t& top = core_->registers[kEsp];
  for (std::size_t i = words.size(); i-- != 0;) {
    if (!core_->space.StoreU32(VirtAddr(top - kWordBytes), words[i])) return false;
    top -= kWordBytes;
  }
  return true;
}

I386Cpu::State I386Cpu::Save() const {
  State state;
  std::copy_n(core_->registers.begin(), state.registers.size(), state.registers.begin());
  state.eip = core_->eip;
  state.eflags = core_->Eflags();
  state.counts = counts();
  return state;
}

void I386Cpu::Restore(const State& state) {
  std::copy(state.registers.begin(), state.registers.end(), core_->registers.begin());
  core_->eip = state.eip;
  core_->SetEflags(state.eflags);
  instructions_ = state.counts.instructions;
  core_->loads = state.counts.loads;
  core_->stores = state.counts.stores;
  core_->link = nullptr;
}

std::uint64_t I386Cpu::host_bytes() const { return sizeof(*this) + sizeof(*core_) + core_->code.host_bytes(); }

}  // namespace alloclab
