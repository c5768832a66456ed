// The opcodes that are no arithmetic on two operands.
#include "allocators/guest/decoder.h"

namespace alloclab::i386 {

Decoder::Result Decoder::Simple(std::uint8_t opcode) {
  op_.rm = opcode & 7;
  const std::uint32_t bytes = word_bytes();
  if (opcode < 0x50) return Done(UnaryHandler(opcode < 0x48 ? Unary::kInc : Unary::kDec, bytes, where_));
  if (opcode < 0x60 && bytes == kWordBytes && op_.rm != kEsp) stack_ = opcode < 0x58 ? Stack::kPush : Stack::kPop;
  if (opcode < 0x58) {
    op_.stores = 1;
    return Done(PushHandler(bytes, where_));
  }
  if (opcode < 0x60) {
    op_.loads = 1;
    return Done(PopHandler(bytes, where_));
  }
  if (opcode > 0x90 && opcode < 0x98) {
    op_.reg = kEax;
    return Done(ExchangeHandler(bytes, where_));
  }
  switch (opcode) {
    case 0x60:
      op_.stores = 8;
      return Done(PushAllHandler(bytes));
    case 0x61:
      op_.loads = 7;  // the word for esp is passed over
      return Done(PopAllHandler(bytes));
    case 0x68:
    case 0x6A:
      op_.stores = 1;
      op_.immediate = opcode == 0x68 ? Number(bytes) : SignedByte();
      return Done(PushImmediateHandler(bytes));
    case 0x69:
    case 0x6B:
      ModRm();
      Loads();
      op_.immediate = opcode == 0x69 ? Number(bytes) : SignedByte();
      return Done(ImulHandler(bytes, where_, true));
    case 0x6C:  // in and out
    case 0x6D:
    case 0x6E:
    case 0x6F:
      return Result::kPrivileged;
    case 0x90:
      return Done(FlagOpHandler(FlagOp::kNop));
    case 0x98:
    case 0x99:
      return Done(ConvertHandler(opcode == 0x99, bytes));
    case 0x9C:
      op_.stores = 1;
      return Done(PushFlagsHandler(bytes));
    case 0x9D:
      op_.loads = 1;
      return Done(PopFlagsHandler(bytes));
    case 0x9E:
      return Done(FlagOpHandler(FlagOp::kSahf));
    case 0x9F:
      return Done(FlagOpHandler(FlagOp::kLahf));
    default:
      return Result::kInvalid;
  }
}

Decoder::Result Decoder::Strings(std::uint8_t opcode) {
  const std::uint32_t bytes = BytesOf(opcode);
  if (opcode < 0xA4) {
    Absolute();
    const bool stores = opcode >= 0xA2;
    stores ? Stores() : Loads();
    return Done(MoveHandler(bytes, stores ? Operands::kMemoryRegister : Operands::kRegisterMemory, false));
  }
  if (opcode == 0xA8 || opcode == 0xA9) {
    op_.reg = kEax;
    op_.immediate = Number(bytes);
    return AluOp(Alu::kTest, bytes, Operands::kRegisterImmediate);
  }
  const String string = opcode < 0xA6   ? String::kMovs
                        : opcode < 0xAA ? String::kCmps
                        : opcode < 0xAC ? String::kStos
                        : opcode < 0xAE ? String::kLods
                                        : String::kScas;
  uses_memory_ = string == String::kMovs || string == String::kCmps || string == String::kLods;  // the others always use es
  const Handler handler = StringHandler(string, bytes, repeat_);
  if (repeat_ != Repeat::kOnce) {
    op_.handler = handler;
    return Result::kAlone;
  }
  op_.loads = string == String::kCmps ? 2 : string == String::kStos ? 0 : 1;
  op_.stores = string == String::kMovs || string == String::kStos ? 1 : 0;
  return Done(handler);
}

Decoder::Result Decoder::ShiftGroup(std::uint8_t opcode, bool by_cl, bool by_immediate) {
  ModRm();
  const auto shift = static_cast<Shift>(op_.reg);
  op_.immediate = by_immediate ? Byte() : 1;
  Modifies();
  may_lock_ = false;
  return Done(ShiftHandler(shift, BytesOf(opcode), where_, by_cl));
}

Decoder::Result Decoder::Rest(std::uint8_t opcode) {
  switch (opcode) {
    case 0xC0:
    case 0xC1:
      return ShiftGroup(opcode, false, true);
    case 0xD0:
    case 0xD1:
    case 0xD2:
    case 0xD3:
      return ShiftGroup(opcode, opcode >= 0xD2, false);
    case 0xC2:
    case 0xC3:
      op_.loads = 1;
      op_.immediate = opcode == 0xC2 ? Number(2) : 0;
      stack_ = Stack::kReturn;
      return Ends(ReturnHandler());
    case 0xC6:
    case 0xC7: {
      ModRm();
      if (op_.reg != 0) return Result::kInvalid;
      op_.reg = op_.rm;
      const std::uint32_t bytes = BytesOf(opcode);
      op_.immediate = Number(bytes);
      Stores();
      return Done(MoveHandler(bytes, in_memory() ? Operands::kMemoryImmediate : Operands::kRegisterImmediate,
                              where_ == Where::kMemory));
    }
    case 0xC8:
      op_.immediate = Number(2);
      op_.reg = Byte() % 32;
      op_.stores = static_cast<std::uint16_t>(1 + op_.reg);
      op_.loads = static_cast<std::uint16_t>(op_.reg > 0 ? op_.reg - 1 : 0);
      return size16_ ? Result::kInvalid : Done(EnterHandler());
    case 0xC9:
      op_.loads = 1;
      return size16_ ? Result::kInvalid : Done(LeaveHandler());
    case 0xCC:
    case 0xCD:
      op_.immediate = opcode == 0xCC ? 3 : Byte();
      size16_ = false;
      return Ends(InterruptHandler());
    case 0xD7:
      op_.loads = 1;
      uses_memory_ = true;
      return Done(XlatHandler());
    case 0xE0:
    case 0xE1:
    case 0xE2:
    case 0xE3:
      return Jump(1, LoopHandler(static_cast<Loop>(opcode & 3)));
    case 0xE8:
      op_.stores = 1;
      return Jump(4, CallHandler());
    case 0xE9:
      return Jump(4, JumpHandler());
    case 0xEB:
      return Jump(1, JumpHandler());
    case 0xE4:  // in and out
    case 0xE5:
    case 0xE6:
    case 0xE7:
    case 0xEC:
    case 0xED:
    case 0xEE:
    case 0xEF:
    case 0xF4:  // hlt, cli, sti
    case 0xFA:
    case 0xFB:
      return Result::kPrivileged;
    case 0xF5:
      return Done(FlagOpHandler(FlagOp::kCmc));
    case 0xF6:
    case 0xF7:
      return Group3(opcode);
    case 0xF8:
      return Done(FlagOpHandler(FlagOp::kClc));
    case 0xF9:
      return Done(FlagOpHandler(FlagOp::kStc));
    case 0xFC:
      return Done(FlagOpHandler(FlagOp::kCld));
    case 0xFD:
      return Done(FlagOpHandler(FlagOp::kStd));
    case 0xFE:
    case 0xFF:
      return Group45(opcode);
    default:
      return Result::kInvalid;
  }
}

Decoder::Result Decoder::Group3(std::uint8_t opcode) {
  ModRm();
  const std::uint32_t bytes = BytesOf(opcode);
  switch (op_.reg) {
    case 0:
    case 1:  // an alias that processors have and manuals did not name for long
      op_.immediate = Number(bytes);
      op_.reg = op_.rm;
      return AluOp(Alu::kTest, bytes, in_memory() ? Operands::kMemoryImmediate : Operands::kRegisterImmediate);
    case 2:
    case 3:
      Modifies();
      return Done(UnaryHandler(op_.reg == 2 ? Unary::kNot : Unary::kNeg, bytes, where_));
    default:
      Loads();
      return Done(MultiplyHandler(static_cast<Multiply>(op_.reg - 4), bytes, where_));
  }
}

Decoder::Result Decoder::Group45(std::uint8_t opcode) {
  ModRm();
  switch (op_.reg) {
    case 0:
    case 1:
      Modifies();
      return Done(UnaryHandler(op_.reg == 0 ? Unary::kInc : Unary::kDec, BytesOf(opcode), where_));
    case 2:
    case 4:
      Loads();
      op_.stores = op_.reg == 2 ? 1 : 0;
      return opcode == 0xFE ? Result::kInvalid : Ends(op_.reg == 2 ? CallIndirectHandler(where_) : JumpIndirectHandler(where_));
    case 6:
      Loads();
      op_.stores = 1;
      return opcode == 0xFE ? Result::kInvalid : Done(PushHandler(word_bytes(), where_));
    default:
      return Result::kInvalid;
  }
}

Decoder::Result Decoder::TwoBytes(std::uint8_t opcode) {
  switch (opcode >> 4) {
    case 0x4:
      ModRm();
      Loads();
      return Done(ConditionalMoveHandler(static_cast<Condition>(opcode & 15), word_bytes(), where_));
    case 0x8:
      return JumpIf(opcode, 4);
    case 0x9:
      ModRm();
      Stores();
      return Done(SetOnConditionHandler(static_cast<Condition>(opcode & 15), where_));
    case 0xA:
    case 0xB:
      return TwoByteBits(opcode);
    case 0xC:
      if (opcode >= 0xC8) {
        op_.rm = opcode & 7;
        return size16_ ? Result::kInvalid : Done(BswapHandler());
      }
      ModRm();
      Modifies();
      if (opcode <= 0xC1) return Done(ExchangeAddHandler(BytesOf(opcode), where_));
      if (opcode != 0xC7 || op_.reg != 1 || !in_memory()) return Result::kInvalid;
      op_.loads = op_.stores = 2;
      return Done(CompareExchange8Handler());
    default:
      return TwoByteSystem(opcode);
  }
}

Decoder::Result Decoder::TwoByteBits(std::uint8_t opcode) {
  const std::uint32_t bytes = word_bytes();
  switch (opcode) {
    case 0xA0:  // segment registers, cpuid, load segment, popcnt, ud1
    case 0xA1:
    case 0xA2:
    case 0xA6:
    case 0xA7:
    case 0xA8:
    case 0xA9:
    case 0xAA:
    case 0xAE:
    case 0xB2:
    case 0xB4:
    case 0xB5:
    case 0xB8:
    case 0xB9:
      return Result::kInvalid;
    default:
      break;
  }
  ModRm();
  switch (opcode) {
    case 0xA3:
    case 0xAB:
    case 0xB3:
    case 0xBB:
      opcode == 0xA3 ? Loads() : Modifies();
      return Done(BitTestHandler(static_cast<BitTest>(opcode >> 3 & 3), bytes, where_, false));
    case 0xBA: {
      if (op_.reg < 4) return Result::kInvalid;
      op_.reg == 4 ? Loads() : Modifies();
      op_.immediate = Byte();
      return Done(BitTestHandler(static_cast<BitTest>(op_.reg & 3), bytes, where_, true));
    }
    case 0xA4:
    case 0xA5:
    case 0xAC:
    case 0xAD:
      Modifies();
      may_lock_ = false;
      if ((opcode & 1) == 0) op_.immediate = Byte();
      return Done(DoubleShiftHandler(opcode < 0xA8, bytes, where_, (opcode & 1) != 0));
    case 0xAF:
      Loads();
      return Done(ImulHandler(bytes, where_, false));
    case 0xB0:
    case 0xB1:
      Modifies();
      return Done(CompareExchangeHandler(BytesOf(opcode), where_));
    case 0xB6:
    case 0xB7:
    case 0xBE:
    case 0xBF:
      Loads();
      return Done(ExtendHandler(opcode >= 0xBE, (opcode & 1) != 0 ? 2 : 1, bytes, where_));
    default:  // BC, BD
      Loads();
      return Done(BitScanHandler(opcode == 0xBD, bytes, where_));
  }
}

Decoder::Result Decoder::TwoByteSystem(std::uint8_t opcode) {
  if (opcode >= 0x18 && opcode <= 0x1F) {  // hints, among them long nops and endbr32, touch nothing
    ModRm();
    uses_memory_ = false;
    return Done(FlagOpHandler(FlagOp::kNop));
  }
  switch (opcode) {
    case 0x00:  // descriptor tables, task switch, caches, control and debug registers, model-specific registers
    case 0x01:
    case 0x06:
    case 0x08:
    case 0x09:
    case 0x20:
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x30:
    case 0x32:
      return Result::kPrivileged;
    default:
      return Result::kInvalid;
  }
}

}  // namespace alloclab::i386
