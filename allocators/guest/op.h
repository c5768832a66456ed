// Decoded instructions: what the processor keeps instead of bytes; and how they are run.
//
// A block is a row of ops, decoded from instructions that follow each other in one page (one that lies in two is a block of its
// own), and an op behind them that goes on at the next address. Jumps may leave a block in its middle: on the way that is not
// taken the block goes on.
//
// Dispatch: an op's handler does what the instruction says and ends with Next(core, op + 1), a call in the last place, of which
// compilers make a jump: so ops follow each other without a loop around them. Where a block is left, the handler returns the
// first op of the next block instead, and a loop (I386Cpu::RunBlocks) calls that one's handler. So nothing depends on the jump:
// where a compiler calls, the host's stack is deeper by a frame per op, up to the end of the block. A handler that is seldom
// used returns op + 1, which comes to the same.
//
// Counts: an op knows what the ops in front of it in its block count together. That is added where a block is left: at a jump
// that is taken, at its end, at a fault (Core::Count). The budget is asked where a block begins: one that has more instructions
// than steps are left is not begun, its first instruction is done alone (Core::FindSingle).
#ifndef ALLOCLAB_ALLOCATORS_GUEST_OP_H_
#define ALLOCLAB_ALLOCATORS_GUEST_OP_H_

#include <cstdint>

namespace alloclab::i386 {

struct Core;
struct Op;

// Does one op, and perhaps those behind it, and says which one is next. It throws Stop, with nothing but kind, access, address
// and no_frame, before it has changed anything; Core::at is the op then.
using Handler = const Op* (*)(Core&, const Op*);

inline constexpr std::uint8_t kNoRegister = 8;  // as base or index: it is always 0

struct Op {
  mutable Handler handler = nullptr;  // another one where the block was written over
  mutable const Op* next = nullptr;   // where its jump goes, the first op of a block; null: not known yet
  std::uint32_t immediate = 0;        // or the target of a jump
  std::uint32_t displacement = 0;
  std::uint32_t eip = 0;
  std::uint16_t loads = 0, stores = 0;  // of the ops in front of it in its block, if they are not repeated
  std::uint8_t instructions = 0;        // likewise
  std::uint8_t block_instructions = 0;  // of the first op of a block: those of the whole block
  std::uint8_t length = 0;              // bytes
  std::uint8_t reg = 0, rm = 0;         // registers: the destination and the source, unless one of them is in memory
  std::uint8_t base = kNoRegister, index = kNoRegister, scale = 0;  // address: base + (index << scale) + displacement

  std::uint32_t next_eip() const { return eip + length; }
};
static_assert(sizeof(Op) == 40);

}  // namespace alloclab::i386

#endif  // ALLOCLAB_ALLOCATORS_GUEST_OP_H_
