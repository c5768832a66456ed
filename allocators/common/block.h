// Blocks as an allocator shows them, for the heap map, walks and checks: pieces of its memory, in its own order.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_BLOCK_H_
#define ALLOCLAB_ALLOCATORS_COMMON_BLOCK_H_

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "allocators/common/declaration.h"

namespace alloclab {

enum class BlockKind : std::uint8_t { kLive, kFree, kMetadata };

// Of a heap the addresses are virtual, of a page allocator physical.
struct Block {
  std::uint32_t address = 0;  // of its first byte, metadata included
  std::uint64_t bytes = 0;    // metadata included
  BlockKind kind = BlockKind::kFree;
  std::uint32_t payload = 0;                            // of a live block: the address that the program has; otherwise 0
  std::array<std::uint32_t, kBlockFieldsMax> fields{};  // as Declaration::block_fields names them

  friend bool operator==(const Block&, const Block&) = default;
};

// Where a walk goes on. A default one begins.
struct BlockCursor {
  // The first block wanted, or, in address order, the one that reaches or follows this address.
  std::uint32_t address = 0;
  // A walk stopped in front of the block at `address`, and the allocator was not used since: so it starts there, whatever the
  // order of the walk is.
  bool exact = false;
};

// Where the chain of blocks is broken: what lies behind cannot be shown.
struct BrokenWalk {
  std::uint32_t address = 0;
  std::string what;  // one sentence with the values
  friend bool operator==(const BrokenWalk&, const BrokenWalk&) = default;
};

using BlockVisitor = std::function<bool(const Block&)>;  // false: enough

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_BLOCK_H_
