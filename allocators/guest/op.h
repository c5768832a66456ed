// Decoded instructions: what the processor keeps instead of bytes.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_OP_H_
#define ALLOCLAB_ALLOCATORS_GUEST_OP_H_

#include <cstdint>

namespace alloclab::i386 {

struct Core;
struct Op;

// Does one op and says which one is next; it throws Stop, with nothing but kind, access, address and no_frame, before it has
// changed anything.
using Handler = const Op* (*)(Core&, const Op*);

inline constexpr std::uint8_t kNoRegister = 8;  // as base or index: it is always 0

struct Op {
  Handler handler = nullptr;
  std::uint32_t immediate = 0;  // or the target of a jump
  std::uint32_t displacement = 0;
  std::uint32_t eip = 0;
  std::uint8_t length = 0;             // bytes
  std::uint8_t instructions = 0;       // 1, 0 for what only ends a block, 2 for two that were fused
  std::uint8_t loads = 0, stores = 0;  // of memory, if it does not fault and is not repeated
  std::uint8_t reg = 0, rm = 0;        // registers: the destination and the source, unless one of them is in memory
  std::uint8_t base = kNoRegister, index = kNoRegister, scale = 0;  // address: base + (index << scale) + displacement

  std::uint32_t next_eip() const { return eip + length; }
};
static_assert(sizeof(Op) == 32);

// Ops that follow each other, all decoded from one page (a single op that lies in two is a block of its own). The last one goes
// elsewhere; none before it does.
struct Block {
  Op* ops = nullptr;
  Block* next[2] = {};     // where its last op goes: [0] on, [1] by a jump that is taken; null: not known yet
  Block* older = nullptr;  // of the same bucket
  std::uint32_t eip = 0;
  std::uint16_t op_count = 0;
  std::uint16_t instructions = 0, loads = 0, stores = 0;  // of its ops
};

}  // namespace alloclab::i386

#endif  // ALLOCLAB_ALLOCATORS_GUEST_OP_H_
