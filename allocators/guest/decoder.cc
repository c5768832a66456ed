#include "allocators/guest/decoder.h"

#include <array>
#include <utility>

namespace alloclab::i386 {

namespace {

std::uint32_t PageNumber(std::uint32_t address) { return address >> kPageShift; }

using Stacks = std::array<Decoder::Stack, CodeCache::kBlockOps>;

// Instructions of the stack that follow each other are done at once, from each of them on.
void MakeRuns(Op* ops, std::uint32_t op_count, const Stacks& stack) {
  using Stack = Decoder::Stack;
  const auto at = [&](std::uint32_t n) { return n < op_count ? stack[n] : Stack::kNone; };
  std::array<std::uint32_t, CodeCache::kBlockOps + 2> run{};  // of the same kind, from there on
  for (std::uint32_t n = op_count; n-- != 0;) {
    run[n] = at(n) == at(n + 1) && run[n + 1] < kRunMax ? run[n + 1] + 1 : 1;
    if (at(n) == Stack::kPush && ops[n].rm == kEbp && at(n + 1) == Stack::kFrame) {
      ops[n].handler = FrameHandler(at(n + 2) == Stack::kPush ? run[n + 2] : 0);
    } else if (at(n) == Stack::kPush && run[n] > 1) {
      ops[n].handler = PushesHandler(run[n]);
    } else if (at(n) == Stack::kPop && at(n + run[n]) == Stack::kReturn) {
      ops[n].handler = PopsAndReturnHandler(run[n]);
    } else if (at(n) == Stack::kPop && run[n] > 1) {
      ops[n].handler = PopsHandler(run[n]);
    }
  }
}

}  // namespace

std::uint32_t DecodeBlock(Core& core, std::uint32_t eip, std::uint32_t limit, Op* ops) {
  std::optional<Decoder::Comparison> comparison;
  Stacks stack;
  const std::uint32_t page = PageNumber(eip);
  Op counted;  // what the ops so far count
  std::uint32_t n = 0;
  for (bool ended = false; n < limit && !ended && PageNumber(eip) == page;) {
    Op& op = ops[n];
    op = Op{};
    Decoder decoder(core, eip, /*may_cross=*/n == 0, op);
    const Decoder::Result result = decoder.Decode();
    const bool fails = result == Decoder::Result::kInvalid || result == Decoder::Result::kPrivileged;
    if (n == 0 && fails) {
      throw Stop{.kind = result == Decoder::Result::kInvalid ? Stop::Kind::kInvalidOpcode : Stop::Kind::kPrivileged};
    }
    if (fails || result == Decoder::Result::kCrosses || (result == Decoder::Result::kAlone && n != 0)) break;
    ended = result == Decoder::Result::kEndsBlock || result == Decoder::Result::kAlone;
    eip = op.next_eip();
    if (result == Decoder::Result::kConditionalJump && comparison) {
      ops[n - 1].handler =
          FusedHandler(comparison->alu, comparison->bytes, comparison->operands, comparison->indexed, decoder.condition());
    }
    comparison = decoder.comparison();
    stack[n] = decoder.stack();
    op.loads = std::exchange(counted.loads, static_cast<std::uint16_t>(counted.loads + op.loads));
    op.stores = std::exchange(counted.stores, static_cast<std::uint16_t>(counted.stores + op.stores));
    op.instructions = static_cast<std::uint8_t>(n++);
  }
  MakeRuns(ops, n, stack);
  Op& last = ops[n];
  last = Op{};
  last.handler = GoOnHandler();
  last.eip = eip;
  last.loads = counted.loads;
  last.stores = counted.stores;
  last.instructions = ops->block_instructions = static_cast<std::uint8_t>(n);
  return n + 1;
}

std::uint8_t Decoder::Byte() {
  const std::uint32_t address = eip_ + length_;
  if (length_ == kLengthMax || crosses_) {
    too_long_ = too_long_ || length_ == kLengthMax;
    return 0;
  }
  if (!may_cross_ && address >> kPageShift != eip_ >> kPageShift) {
    crosses_ = true;
    return 0;
  }
  ++length_;
  return static_cast<std::uint8_t>(core_.LoadSlowly(nullptr, address, 1, Stop::Access::kFetch));
}

std::uint32_t Decoder::Number(std::uint32_t bytes) {
  std::uint32_t number = 0;
  for (std::uint32_t i = 0; i < bytes; ++i) number |= std::uint32_t{Byte()} << (8 * i);
  return number;
}

std::uint8_t Decoder::Prefixes() {
  while (true) {
    const std::uint8_t byte = Byte();
    switch (byte) {
      case 0x26:  // es, cs, ss, ds: all flat
      case 0x2E:
      case 0x36:
      case 0x3E:
        odd_segment_ = false;
        break;
      case 0x64:
      case 0x65:
        odd_segment_ = true;
        break;
      case 0x66:
        size16_ = true;
        break;
      case 0xF0:
        lock_ = true;
        break;
      case 0xF2:
        repeat_ = Repeat::kRepne;
        break;
      case 0xF3:
        repeat_ = Repeat::kRep;
        break;
      default:
        return byte;
    }
    if (crosses_ || too_long_) return 0;
  }
}

Decoder::Result Decoder::Decode() {
  const std::uint8_t opcode = Prefixes();
  op_.eip = eip_;
  const Result result = opcode == 0x0F ? TwoBytes(Byte()) : OneByte(opcode);
  op_.length = static_cast<std::uint8_t>(length_);
  if (crosses_) return Result::kCrosses;
  if (too_long_) return Result::kPrivileged;
  if (result == Result::kInvalid || result == Result::kPrivileged) return result;
  if (lock_ && !may_lock_) return Result::kInvalid;
  if (odd_segment_ && uses_memory_) return Result::kPrivileged;
  return result;
}

void Decoder::ModRm() {
  const std::uint8_t byte = Byte();
  const unsigned mod = byte >> 6;
  op_.reg = byte >> 3 & 7;
  op_.rm = byte & 7;
  if (mod == 3) return;
  uses_memory_ = true;
  where_ = Where::kBased;
  if (op_.rm == 4) {
    Sib(mod);
  } else if (mod == 0 && op_.rm == 5) {
    op_.displacement = Number(4);
  } else {
    op_.base = op_.rm;
  }
  if (mod == 1) op_.displacement = SignedByte();
  if (mod == 2) op_.displacement = Number(4);
}

void Decoder::Sib(unsigned mod) {
  const std::uint8_t byte = Byte();
  const std::uint8_t index = byte >> 3 & 7, base = byte & 7;
  if (index != 4) {
    op_.index = index;
    op_.scale = byte >> 6;
    where_ = Where::kMemory;
  }
  if (base == 5 && mod == 0) {
    op_.displacement = Number(4);
  } else {
    op_.base = base;
  }
}

// The address is in the instruction; the register is eax.
void Decoder::Absolute() {
  uses_memory_ = true;
  where_ = Where::kBased;
  op_.reg = kEax;
  op_.displacement = Number(4);
}

Decoder::Result Decoder::OneByte(std::uint8_t opcode) {
  switch (opcode >> 4) {
    case 0x0:
    case 0x1:
    case 0x2:
    case 0x3:
      return Arithmetic(opcode);
    case 0x4:
    case 0x5:
    case 0x6:
    case 0x9:
      return Simple(opcode);
    case 0x7:
      return JumpIf(opcode, 1);
    case 0x8:
      return opcode < 0x84 ? Immediates(opcode) : Moves(opcode);
    case 0xA:
      return Strings(opcode);
    case 0xB: {
      op_.reg = opcode & 7;
      const std::uint32_t bytes = opcode < 0xB8 ? 1 : word_bytes();
      op_.immediate = Number(bytes);
      return Done(MoveHandler(bytes, Operands::kRegisterImmediate, false));
    }
    default:
      return Rest(opcode);
  }
}

// With the destination in Op::reg if both are registers.
Decoder::Result Decoder::AluOp(Alu alu, std::uint32_t bytes, Operands operands) {
  if (alu == Alu::kCmp || alu == Alu::kTest) {
    Loads();
    if (bytes != 2) comparison_ = {alu, bytes, operands, where_ == Where::kMemory};
  } else if (operands == Operands::kMemoryRegister || operands == Operands::kMemoryImmediate) {
    Modifies();
  } else {
    Loads();
  }
  return Done(AluHandler(alu, bytes, operands, where_ == Where::kMemory));
}

Decoder::Result Decoder::Arithmetic(std::uint8_t opcode) {
  const auto alu = static_cast<Alu>(opcode >> 3 & 7);
  const std::uint32_t bytes = BytesOf(opcode);
  switch (opcode & 7) {
    case 0:
    case 1:
      ModRm();
      if (in_memory()) return AluOp(alu, bytes, Operands::kMemoryRegister);
      std::swap(op_.reg, op_.rm);
      return AluOp(alu, bytes, Operands::kRegisters);
    case 2:
    case 3:
      ModRm();
      return AluOp(alu, bytes, in_memory() ? Operands::kRegisterMemory : Operands::kRegisters);
    case 4:
    case 5:
      op_.reg = kEax;
      op_.immediate = Number(bytes);
      return AluOp(alu, bytes, Operands::kRegisterImmediate);
    default:
      return Result::kInvalid;  // segment registers, decimal arithmetic
  }
}

Decoder::Result Decoder::Immediates(std::uint8_t opcode) {
  ModRm();
  const auto alu = static_cast<Alu>(op_.reg);
  const std::uint32_t bytes = BytesOf(opcode);
  op_.immediate = opcode == 0x81 ? Number(bytes) : SignedByte();
  op_.reg = op_.rm;
  return AluOp(alu, bytes, in_memory() ? Operands::kMemoryImmediate : Operands::kRegisterImmediate);
}

Decoder::Result Decoder::Moves(std::uint8_t opcode) {
  const std::uint32_t bytes = BytesOf(opcode);
  if (opcode == 0x8C || opcode == 0x8E) return Result::kInvalid;  // segment registers
  ModRm();
  switch (opcode) {
    case 0x84:
    case 0x85:
      if (in_memory()) return AluOp(Alu::kTest, bytes, Operands::kMemoryRegister);
      return AluOp(Alu::kTest, bytes, Operands::kRegisters);
    case 0x86:
    case 0x87:
      Modifies();
      return Done(ExchangeHandler(bytes, where_));
    case 0x88:
    case 0x89:
      Stores();
      if (in_memory()) return Done(MoveHandler(bytes, Operands::kMemoryRegister, where_ == Where::kMemory));
      std::swap(op_.reg, op_.rm);
      if (bytes == kWordBytes && op_.reg == kEbp && op_.rm == kEsp) stack_ = Stack::kFrame;
      return Done(MoveHandler(bytes, Operands::kRegisters, false));
    case 0x8A:
    case 0x8B:
      Loads();
      return Done(MoveHandler(bytes, in_memory() ? Operands::kRegisterMemory : Operands::kRegisters, where_ == Where::kMemory));
    case 0x8D:
      uses_memory_ = false;
      return in_memory() ? Done(LeaHandler(word_bytes(), where_ == Where::kMemory)) : Result::kInvalid;
    default:  // 8F
      if (op_.reg != 0) return Result::kInvalid;
      op_.loads = 1;
      Stores();
      return Done(PopHandler(word_bytes(), where_));
  }
}

Decoder::Result Decoder::JumpIf(std::uint8_t opcode, std::uint32_t displacement_bytes) {
  condition_ = static_cast<Condition>(opcode & 15);
  const Result result = Jump(displacement_bytes, JumpIfHandler(condition_));
  return result == Result::kEndsBlock ? Result::kConditionalJump : result;
}

Decoder::Result Decoder::Jump(std::uint32_t displacement_bytes, Handler handler) {
  const std::uint32_t displacement = displacement_bytes == 1 ? SignedByte() : Number(4);
  op_.immediate = eip_ + length_ + displacement;
  return Ends(handler);
}

}  // namespace alloclab::i386
