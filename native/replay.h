// The replay loop: operations of a workload through the malloc that the process has.
#ifndef ALLOCLAB_NATIVE_REPLAY_H_
#define ALLOCLAB_NATIVE_REPLAY_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "allocators/workload/operation.h"
#include "native/format.h"

namespace alloclab::native {

// The touching that a program would do: one byte of every page, and the last one.
inline void Touch(void* block, std::size_t bytes) {
  constexpr std::size_t kPageBytes = 4096;
  auto* const at = static_cast<volatile char*>(block);
  for (std::size_t i = 0; i < bytes; i += kPageBytes) at[i] = 1;
  if (bytes > 0) at[bytes - 1] = 1;
}

// Applies one operation. Returns 1 if memory was asked for and there was none. A slot holds a block or null, whatever the
// operations are: freed twice, it is null the second time.
inline std::uint64_t Apply(const Operation& op, void** slots) {
  void* block = nullptr;
  std::size_t bytes = op.size;
  switch (op.kind) {
    case OpKind::kMalloc:
      slots[op.block] = block = std::malloc(bytes);
      break;
    case OpKind::kCalloc:
      bytes *= op.extra;
      slots[op.block] = block = std::calloc(op.extra, op.size);
      break;
    case OpKind::kRealloc:
      block = std::realloc(slots[op.extra], bytes);
      if (block == nullptr) return 1;  // the old block is as it was; the size is never 0
      slots[op.extra] = nullptr;
      slots[op.block] = block;
      break;
    case OpKind::kFree:
      std::free(slots[op.block]);
      slots[op.block] = nullptr;
      return 0;
    default:
      return 0;
  }
  if (block == nullptr) return bytes > 0 ? 1 : 0;
  Touch(block, bytes);
  return 0;
}

// Returns how many operations found no memory.
inline std::uint64_t Replay(std::span<const Operation> operations, void** slots) {
  std::uint64_t refused = 0;
  for (const Operation& op : operations) refused += Apply(op, slots);
  return refused;
}

}  // namespace alloclab::native

#endif  // ALLOCLAB_NATIVE_REPLAY_H_
