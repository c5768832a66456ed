// From the bytes of i386 instructions to ops: the integer instructions of the i386 to the Pentium Pro as compilers emit them,
// in 32-bit flat segments.
//
// An invalid opcode, though a real processor has it: addresses of 16 bits (prefix 67), decimal arithmetic (aaa, daa ...),
// bound, into, arpl, whatever names a segment register or goes to another segment, jumps and returns with an operand of 16
// bits, enter and leave with one, x87, MMX, SSE, cpuid, rdtsc, popcnt. `rep bsf` is bsf, as it was before there was tzcnt.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_DECODER_H_
#define ALLOCLAB_ALLOCATORS_GUEST_DECODER_H_

#include <cstdint>
#include <optional>

#include "allocators/guest/core.h"
#include "allocators/guest/handlers.h"

namespace alloclab::i386 {

// Makes the ops of the block at an address: up to `limit` instructions and the op that ends it; how many ops those are. Throws
// Stop where the first of them cannot be fetched or is none; those behind it are looked at only within its page.
std::uint32_t DecodeBlock(Core& core, std::uint32_t eip, std::uint32_t limit, Op* ops);

// One instruction.
class Decoder {
 public:
  enum class Result : std::uint8_t {
    kOk,
    kEndsBlock,
    kConditionalJump,  // does not
    kAlone,            // is a block of its own: it is done in parts, each of them counted
    kInvalid,
    kPrivileged,
    kCrosses,  // it goes on in the next page, which it may not
  };

  Decoder(Core& core, std::uint32_t eip, bool may_cross, Op& op) : core_(core), eip_(eip), may_cross_(may_cross), op_(op) {}
  Result Decode();

  // Of a cmp or test of words or bytes, what FusedHandler needs; of a conditional jump, its condition.
  struct Comparison {
    Alu alu;
    std::uint32_t bytes;
    Operands operands;
    bool indexed;
  };
  const std::optional<Comparison>& comparison() const { return comparison_; }
  Condition condition() const { return condition_; }
  // What may be done at once with what is behind it: a push or a pop of a word in a register, not esp; mov ebp, esp; ret.
  enum class Stack : std::uint8_t { kNone, kPush, kPop, kFrame, kReturn };
  Stack stack() const { return stack_; }

 private:
  static constexpr std::uint32_t kLengthMax = 15;

  std::uint8_t Byte();
  std::uint32_t Number(std::uint32_t bytes);
  std::uint32_t SignedByte() { return static_cast<std::uint32_t>(static_cast<std::int8_t>(Byte())); }
  std::uint8_t Prefixes();
  void ModRm();
  void Sib(unsigned mod);
  void Absolute();

  std::uint32_t word_bytes() const { return size16_ ? 2 : 4; }
  std::uint32_t BytesOf(std::uint8_t opcode) const { return (opcode & 1) != 0 ? word_bytes() : 1; }
  bool in_memory() const { return where_ != Where::kRegister; }

  // What an instruction does to its register or memory operand, if that is in memory.
  void Loads() { op_.loads = in_memory() ? 1 : 0; }
  void Stores() { op_.stores = in_memory() ? 1 : 0; }
  void Modifies() {
    Loads();
    Stores();
    may_lock_ = in_memory();
  }
  Result Done(Handler handler) {
    op_.handler = handler;
    return Result::kOk;
  }
  Result Ends(Handler handler) {
    op_.handler = handler;
    return size16_ ? Result::kInvalid : Result::kEndsBlock;
  }

  Result OneByte(std::uint8_t opcode);
  Result Arithmetic(std::uint8_t opcode);  // 00 to 3F
  Result Simple(std::uint8_t opcode);      // 40 to 6F, 90 to 9F
  Result Immediates(std::uint8_t opcode);  // 80 to 83, C0, C1, C6, C7
  Result Moves(std::uint8_t opcode);       // 84 to 8F
  Result Strings(std::uint8_t opcode);     // A0 to AF
  Result Rest(std::uint8_t opcode);        // C2 to FF
  Result Group3(std::uint8_t opcode);      // F6, F7
  Result Group45(std::uint8_t opcode);     // FE, FF
  Result ShiftGroup(std::uint8_t opcode, bool by_cl, bool by_immediate);
  Result TwoBytes(std::uint8_t opcode);
  Result TwoByteBits(std::uint8_t opcode);
  Result TwoByteSystem(std::uint8_t opcode);
  Result Jump(std::uint32_t displacement_bytes, Handler handler);
  Result JumpIf(std::uint8_t opcode, std::uint32_t displacement_bytes);
  Result AluOp(Alu alu, std::uint32_t bytes, Operands operands);

  Core& core_;
  const std::uint32_t eip_;
  const bool may_cross_;
  Op& op_;
  std::uint32_t length_ = 0;
  bool crosses_ = false, too_long_ = false;

  bool size16_ = false, lock_ = false, may_lock_ = false;
  bool odd_segment_ = false, uses_memory_ = false;  // fs or gs; an operand that a segment is for
  Repeat repeat_ = Repeat::kOnce;
  Where where_ = Where::kRegister;
  std::optional<Comparison> comparison_;
  Condition condition_ = Condition::kO;
  Stack stack_ = Stack::kNone;
};

}  // namespace alloclab::i386

#endif  // ALLOCLAB_ALLOCATORS_GUEST_DECODER_H_
