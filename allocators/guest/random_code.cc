#include "allocators/guest/random_code.h"

#include <algorithm>

namespace alloclab::i386 {
namespace {

constexpr std::uint32_t kNoFlagsDefined = kArithmeticFlags;
constexpr unsigned kEcxField = 1, kEspField = 4, kEbpField = 5, kEsiField = 6, kEdiField = 7;

// The flags that a condition reads, by its code / 2.
constexpr std::uint32_t kReads[] = {
    kOverflow, kCarry, kZero, kCarry | kZero, kSign, kParity, kSign | kOverflow, kSign | kOverflow | kZero};

}  // namespace

std::uint32_t RandomCode::Word() {
  constexpr std::uint32_t kCorners[] = {0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
  switch (Below(4)) {
    case 0:
      return kCorners[Below(std::size(kCorners))];
    case 1:
      return Below(64);
    default:
      return static_cast<std::uint32_t>(engine_());
  }
}

void RandomCode::Start(const Registers& registers) {
  made_ = {};
  registers_ = &registers;
  addresses_ = false;
  size16_ = Chance(4);
}

void RandomCode::Emit(std::initializer_list<unsigned> bytes) {
  for (const unsigned byte : bytes) {
    made_.i386 += static_cast<char>(byte);
    made_.native += static_cast<char>(byte);
  }
}

void RandomCode::Displacement(std::string& code, std::uint32_t displacement, std::uint32_t bytes) {
  for (std::uint32_t i = 0; i < bytes; ++i) code += static_cast<char>(displacement >> (8 * i));
}

void RandomCode::Immediate(std::uint32_t number, std::uint32_t bytes) {
  Displacement(made_.i386, number, bytes);
  Displacement(made_.native, number, bytes);
}

void RandomCode::Operand(unsigned reg, bool memory) {
  if (memory) {
    MemoryOperand(reg);
  } else {
    Emit({0xC0 | reg << 3 | Below(8)});
  }
}

void RandomCode::MemoryOperand(unsigned reg) {
  addresses_ = true;
  const std::uint32_t target = kWindow + 64 + Below(kWindowBytes - 128);
  const unsigned base = Below(8), index = Below(8), scale = Below(4);
  const std::uint32_t near = target - (*registers_)[base];
  if (Chance(8)) {  // an absolute address, which 64-bit code has only in a sib
    made_.i386 += static_cast<char>(reg << 3 | 5);
    made_.native += static_cast<char>(reg << 3 | 4);
    made_.native += '\x25';
    Immediate(target, 4);
  } else if (base != kEspField && near + 128 < 256) {
    Emit({0x40 | reg << 3 | base});
    Immediate(near, 1);
  } else if (near == 0 && base != kEspField && base != kEbpField) {
    Emit({reg << 3 | base});
  } else if (base != kEspField && Chance(2)) {
    Emit({0x80 | reg << 3 | base});
    Immediate(near, 4);
  } else {
    const std::uint32_t offset = index == kEspField ? 0 : (*registers_)[index] << scale;
    const bool no_base = base == kEbpField && Chance(2);
    Emit({(no_base ? 0 : 0x80) | reg << 3 | 4, scale << 6 | index << 3 | base});
    Immediate((no_base ? target : near) - offset, 4);
  }
}

unsigned RandomCode::Condition(std::uint32_t undefined) {
  while (true) {
    const unsigned condition = Below(16);
    if ((kReads[condition / 2] & undefined) == 0) return condition;
    if ((undefined & kArithmeticFlags) == kArithmeticFlags) return 16;
  }
}

void RandomCode::Arithmetic(std::uint32_t undefined) {
  made_.defined = kArithmeticFlags;
  unsigned alu = Below(8);
  if ((alu == 2 || alu == 3) && (undefined & kCarry) != 0) alu = 0;
  const unsigned wide = Below(4) != 0 ? 1 : 0;
  const std::uint32_t bytes = wide == 0 ? 1 : size16_ ? 2 : 4;
  const bool is_test = Chance(8);
  if (alu == 1 || alu == 4 || alu == 6 || is_test) made_.undefined = kAdjust;
  switch (Below(4)) {
    case 0:
      if (is_test) {
        Emit({0x84 | wide});
      } else {
        Emit({alu << 3 | Below(2) << 1 | wide});
      }
      return Operand(Below(8), Chance(2));
    case 1:
      Emit({is_test ? 0xA8 | wide : alu << 3 | 4 | wide});
      return Immediate(Word(), bytes);
    case 2:
      Emit({is_test ? 0xF6 | wide : 0x80 | wide});
      Operand(is_test ? Below(2) : alu, Chance(2));
      return Immediate(Word(), bytes);
    default:
      if (is_test) made_.undefined = 0;
      if (alu == 1 || alu == 4 || alu == 6) made_.undefined = kAdjust;
      Emit({0x83});
      Operand(alu, Chance(2));
      return Immediate(Word(), 1);
  }
}

void RandomCode::Moves(std::uint32_t undefined) {
  const unsigned wide = Below(2);
  const std::uint32_t bytes = wide == 0 ? 1 : size16_ ? 2 : 4;
  switch (Below(9)) {
    case 0:
      Emit({0x88 | Below(2) << 1 | wide});
      return Operand(Below(8), Chance(2));
    case 1:
      Emit({0xC6 | wide});
      Operand(0, Chance(2));
      return Immediate(Word(), bytes);
    case 2:
      Emit({0xB0 | wide << 3 | Below(8)});
      return Immediate(Word(), bytes);
    case 3:
      addresses_ = true;
      Emit({0xA0 | Below(4)});
      return Immediate(kWindow + Below(kWindowBytes - 4), 4);
    case 4:
      Emit({0x0F, 0xB6 | Below(2) << 3 | wide});
      return Operand(Below(8), Chance(2));
    case 5:
      Emit({0x8D});
      return MemoryOperand(Below(8));
    case 6: {
      const unsigned condition = Condition(undefined);
      if (condition == 16) return Emit({0x90});
      const bool set = Chance(2);
      Emit({0x0F, (set ? 0x90 : 0x40) | condition});
      return Operand(set ? 0 : Below(8), Chance(2));
    }
    case 7:
      return Emit({0x98 | Below(2)});
    default:
      if (size16_) return Emit({0x98});
      return Emit({0x0F, 0xC8 | Below(8)});
  }
}

void RandomCode::Unary() {
  const unsigned wide = Below(2);
  made_.defined = kArithmeticFlags & ~kCarry;
  if (const unsigned reg = Below(8); Chance(3)) {  // the short forms of inc and dec, which are prefixes in 64-bit code
    const unsigned dec = Below(2);
    made_.i386 += static_cast<char>(0x40 | dec << 3 | reg);
    made_.native += '\xFF';
    made_.native += static_cast<char>(0xC0 | dec << 3 | reg);
  } else if (Chance(2)) {
    Emit({0xFE | wide});
    Operand(Below(2), Chance(2));
  } else {
    const bool neg = Chance(2);
    made_.defined = neg ? kArithmeticFlags : 0;
    Emit({0xF6 | wide});
    Operand(neg ? 3 : 2, Chance(2));
  }
}

void RandomCode::Multiplication(Registers& registers, bool fresh) {
  const unsigned wide = Below(4) != 0 ? 1 : 0;
  made_.defined = kCarry | kOverflow;
  made_.undefined = kSign | kZero | kAdjust | kParity;
  switch (Below(3)) {
    case 0: {
      const unsigned which = 4 + Below(4);
      if (which >= 6) {
        made_.undefined = kNoFlagsDefined;
        if (fresh && !Chance(4)) registers[2] = Chance(2) ? Below(64) : 0 - Below(3);  // a quotient that fits more often
      }
      Emit({0xF6 | wide});
      return Operand(which, Chance(2));
    }
    case 1:
      Emit({0x0F, 0xAF});
      return Operand(Below(8), Chance(2));
    default: {
      const bool byte = Chance(2);
      Emit({byte ? 0x6Bu : 0x69u});
      Operand(Below(8), Chance(2));
      return Immediate(Word(), byte ? 1 : size16_ ? 2 : 4);
    }
  }
}

void RandomCode::Shifts(std::uint32_t undefined) {
  const unsigned wide = Below(4) != 0 ? 1 : 0;
  unsigned which = Below(8);
  if ((which == 2 || which == 3) && (undefined & kCarry) != 0) which += 2;
  // Rotations leave AF alone; a shift by more than one leaves OF open, one of bytes by more than their bits the carry.
  made_.undefined = which < 4 ? kOverflow : kOverflow | kAdjust;
  if (which >= 4 && (wide == 0 || size16_)) made_.undefined |= kCarry;
  switch (Below(4)) {
    case 0:
      made_.defined = which < 4 ? kCarry | kOverflow : kArithmeticFlags;
      made_.undefined = which < 4 ? 0 : kAdjust;
      Emit({0xD0 | wide});
      return Operand(which, Chance(2));
    case 1:
      Emit({0xD2 | wide});
      return Operand(which, Chance(2));
    case 2:
      Emit({0xC0 | wide});
      Operand(which, Chance(2));
      return Immediate(Word(), 1);
    default:
      made_.undefined = kOverflow | kAdjust;
      const bool by_cl = !size16_ && Chance(2);  // of 16 bits by more than 16: undefined
      Emit({0x0F, (Chance(2) ? 0xA4u : 0xACu) | (by_cl ? 1 : 0)});
      Operand(Below(8), Chance(2));
      if (!by_cl) Immediate(size16_ ? Below(17) : Word(), 1);
      return;
  }
}

void RandomCode::Bits(Registers& registers, bool fresh) {
  made_.defined = kCarry;
  made_.undefined = kOverflow | kSign | kAdjust | kParity;
  switch (Below(3)) {
    case 0: {
      const bool memory = fresh && Chance(2);
      const unsigned reg = Below(8), which = Below(4);
      if (memory) registers[reg] = Below(256) - 128;  // bits from there on
      Emit({0x0F, 0xA3 | which << 3});
      return Operand(reg, memory);
    }
    case 1:
      Emit({0x0F, 0xBA});
      Operand(4 + Below(4), Chance(2));
      return Immediate(Word(), 1);
    default:
      made_.defined = kZero;
      made_.undefined = kNoFlagsDefined & ~kZero;
      Emit({0x0F, 0xBC | Below(2)});
      return Operand(Below(8), Chance(2));
  }
}

void RandomCode::Exchanges() {
  const unsigned wide = Below(2);
  switch (Below(5)) {
    case 0:
      Emit({0x86 | wide});
      return Operand(Below(8), Chance(2));
    case 1:
      return Emit({0x90 | Below(8)});
    case 2:
    case 3:
      made_.defined = kArithmeticFlags;
      Emit({0x0F, (Chance(2) ? 0xC0 : 0xB0) | wide});
      return Operand(Below(8), Chance(2));
    default:
      made_.defined = kZero;
      size16_ = false;
      Emit({0x0F, 0xC7});
      return MemoryOperand(1);
  }
}

void RandomCode::FlagOps(std::uint32_t undefined) {
  constexpr unsigned kOps[] = {0xF8, 0xF9, 0xFC, 0xFD, 0x9E, 0xF5, 0x9F};
  unsigned which = Below(7);
  if (which == 5 && (undefined & kCarry) != 0) which = 0;
  if (which == 6 && undefined != 0) which = 1;
  size16_ = false;
  if (which < 2) made_.defined = kCarry;
  if (which == 4) made_.defined = kArithmeticFlags & ~kOverflow;
  Emit({kOps[which]});
}

void RandomCode::Strings(Registers& registers, bool fresh) {
  if (!fresh) return Emit({0x90});
  constexpr unsigned kOps[] = {0xA4, 0xA6, 0xAA, 0xAC, 0xAE};
  addresses_ = true;
  registers[kEsiField] = kWindow + 192 + Below(128);
  registers[kEdiField] = kWindow + 192 + Below(128);
  registers[kEcxField] = Below(40);
  const unsigned op = kOps[Below(5)];
  const std::uint32_t repeat = Below(3);
  if (repeat != 0) Emit({repeat == 1 ? 0xF3u : 0xF2u});
  Emit({op | Below(2)});
}

void RandomCode::Stack(Registers& registers, bool fresh, std::uint32_t undefined) {
  if (!fresh) return Emit({0x90});
  registers[kEspField] = kWindow + 128 + Below(256);
  size16_ = true;
  switch (Below(undefined == 0 ? 6 : 5)) {
    case 0:
      return Emit({0x50 | Below(8)});
    case 1:
      return Emit({0x58 | Below(8)});
    case 2:
      Emit({0xFF});
      return MemoryOperand(6);
    case 3:
      Emit({0x68});
      return Immediate(Word(), 2);
    case 4:
      Emit({0x6A});
      return Immediate(Word(), 1);
    default:
      return Emit({0x9C});
  }
}

void RandomCode::Skip(std::uint32_t undefined) {
  size16_ = false;
  made_.is_skip = true;
  const unsigned condition = Condition(undefined);
  if (condition == 16 || Chance(8)) {
    addresses_ = true;
    Emit({(undefined & kZero) != 0 ? 0xE2 | Below(2) : 0xE0 | Below(4)});
  } else {
    Emit({0x70 | condition});
  }
}

RandomInstruction RandomCode::Next(Registers& registers, bool fresh, std::uint32_t undefined) {
  Start(registers);
  switch (Below(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
      Arithmetic(undefined);
      break;
    case 4:
    case 5:
    case 6:
      Moves(undefined);
      break;
    case 7:
    case 8:
      Unary();
      break;
    case 9:
      Multiplication(registers, fresh);
      break;
    case 10:
    case 11:
      Shifts(undefined);
      break;
    case 12:
      Bits(registers, fresh);
      break;
    case 13:
      Exchanges();
      break;
    case 14:
      FlagOps(undefined);
      break;
    case 15:
      Strings(registers, fresh);
      break;
    case 16:
      Stack(registers, fresh, undefined);
      break;
    default:
      Skip(undefined);
  }
  if (size16_) made_.i386.insert(0, 1, '\x66');
  if (addresses_) made_.native.insert(0, 1, '\x67');
  if (size16_) made_.native.insert(0, 1, '\x66');
  return made_;
}

}  // namespace alloclab::i386
