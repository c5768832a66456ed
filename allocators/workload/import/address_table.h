// The live blocks of a log, by the addresses that it calls them by. An address is forgotten with its block, so that this stays
// as small as blocks ever lived together, however long the log.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_ADDRESS_TABLE_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_ADDRESS_TABLE_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "allocators/workload/handle_numbering.h"

namespace alloclab {

class AddressTable {
 public:
  struct Block {
    std::uint32_t handle = kNoBlock;
    std::uint32_t thread = 0;  // that allocated it
  };

  // Null: nothing lives there. Good until the table changes.
  const Block* Find(std::uint64_t address) const {
    const auto found = blocks_.find(address);
    return found != blocks_.end() ? &found->second : nullptr;
  }
  // REQUIRES: nothing lives there.
  void Put(std::uint64_t address, Block block) { blocks_.emplace(address, block); }
  // Nothing lives there any more. The handle is not given up.
  std::optional<Block> Take(std::uint64_t address) {
    const auto found = blocks_.find(address);
    if (found == blocks_.end()) return std::nullopt;
    const Block block = found->second;
    blocks_.erase(found);
    return block;
  }

  HandlePool& pool() { return pool_; }
  std::size_t size() const { return blocks_.size(); }
  // Of all live blocks, ascending.
  std::vector<std::uint32_t> Handles() const {
    std::vector<std::uint32_t> handles;
    handles.reserve(blocks_.size());
    for (const auto& [address, block] : blocks_) handles.push_back(block.handle);
    std::sort(handles.begin(), handles.end());
    return handles;
  }

  // As HandleNumbering's, with room for Handles().
  std::uint64_t host_bytes() const {
    return blocks_.capacity() * kEntryBytes + blocks_.size() * sizeof(std::uint32_t) + 3 * pool_.host_bytes();
  }
  std::uint64_t GrowthBytes(std::uint64_t) const {
    return blocks_.size() + 1 < blocks_.capacity() / 8 * 7 ? 0 : (2 * blocks_.capacity() + kEntriesMin) * kEntryBytes;
  }

 private:
  static constexpr std::uint64_t kEntriesMin = 16;
  static constexpr std::uint64_t kEntryBytes = sizeof(absl::flat_hash_map<std::uint64_t, Block>::value_type) + 1;

  absl::flat_hash_map<std::uint64_t, Block> blocks_;
  HandlePool pool_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_ADDRESS_TABLE_H_
