// Which heap blocks live and what was asked for each, exact whatever mix of handles and bare addresses frees them.
//
// The usual case costs nothing beside the handle's own table entry: a block is freed through the handle it was allocated into.
// Blocks that no handle names any more (allocated by address, or their handle was overwritten) are in a map; a free through
// another name than the block's own looks there, and then in an index of all handles that is built at the first such free.
//
// Invariant: every live block has one record: a handle that says so, or an entry of the map.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_LIVE_BLOCKS_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_LIVE_BLOCKS_H_

#include <cstdint>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "allocators/workload/handle_table.h"

namespace alloclab {

class LiveBlocks {
 public:
  void Reserve(std::uint32_t handle) { handles_.Reserve(handle); }

  // What the handle points to, alive or dangling.
  std::uint32_t AddressOf(std::uint32_t handle) { return handles_[handle].address; }

  [[gnu::always_inline]] void Prefetch(std::uint32_t handle) { __builtin_prefetch(&handles_[handle], 1); }

  // The handle now names this block: null, or a live one.
  void Assign(std::uint32_t handle, std::uint32_t address, std::optional<std::uint32_t> live_bytes) {
    NamedBlock& block = handles_[handle];
    if (block.bytes != kNotLive) Abandon(block);
    block = {address, live_bytes ? *live_bytes + 1 : kNotLive};
    if (indexed_ && live_bytes) handle_at_[address] = handle;
  }
  // A live block that no handle names.
  void AddUnnamed(std::uint32_t address, std::uint32_t bytes) { unnamed_[address] = bytes; }

  // The block that the handle points to was freed, the handle dangles now. Returns the bytes that were asked for; nothing if no
  // live block is on record there, which only an unguarded heap makes possible.
  std::optional<std::uint32_t> Release(std::uint32_t handle) {
    NamedBlock& block = handles_[handle];
    if (block.bytes == kNotLive) return ReleaseAt(block.address);
    const std::uint32_t bytes = block.bytes - 1;
    block.bytes = kNotLive;
    if (indexed_) handle_at_.erase(block.address);
    return bytes;
  }
  // The same for a block named by its address.
  std::optional<std::uint32_t> ReleaseAt(std::uint32_t address);

  // As AddressOf, of any handle.
  std::uint32_t PeekAddress(std::uint32_t handle) const { return handles_.Peek(handle).address; }
  // Of its live block; 0: it has none.
  std::uint32_t PeekLive(std::uint32_t handle) const {
    const NamedBlock block = handles_.Peek(handle);
    return block.bytes != kNotLive ? block.address : 0;
  }
  // The handle whose live block is there, if any has one. Looks at all of them.
  std::optional<std::uint32_t> HandleAt(std::uint32_t address) const;

  struct Image {
    HandleTable::Image handles;
    absl::flat_hash_map<std::uint32_t, std::uint32_t> unnamed;
  };
  Image Save() { return {handles_.Save(), unnamed_}; }
  void Restore(const Image& image);

  std::uint64_t host_bytes() const;
  // What one operation may add to that, beside handles: a map doubles, or the index is built.
  std::uint64_t GrowthBytes() const;

 private:
  // In the table a live block has one byte more than was asked for: some heaps give blocks of none.
  static constexpr std::uint32_t kNotLive = 0;

  std::uint64_t MapBytes() const;
  void Abandon(const NamedBlock& block);
  void BuildIndex();

  HandleTable handles_;
  absl::flat_hash_map<std::uint32_t, std::uint32_t> unnamed_;    // address -> bytes
  absl::flat_hash_map<std::uint32_t, std::uint32_t> handle_at_;  // address -> handle with a live block; kept once indexed_
  bool indexed_ = false;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_LIVE_BLOCKS_H_
