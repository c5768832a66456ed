// Numbers the blocks of a recorded trace by handles, the same way whatever names the file gives them: a block takes the handle
// that was given up last, or the next new one. So two files of the same operations give the same trace, and handles stay as few
// as blocks ever lived together.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_HANDLE_NUMBERING_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_HANDLE_NUMBERING_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "allocators/common/check.h"
#include "allocators/workload/operation.h"

namespace alloclab {

// Handles that are given up are taken again first, the last one first.
class HandlePool {
 public:
  std::uint32_t Take() {
    if (free_.empty()) return handles_++;
    const std::uint32_t handle = free_.back();
    free_.pop_back();
    return handle;
  }
  void GiveBack(std::uint32_t handle) { free_.push_back(handle); }

  // All handles ever taken are below this.
  std::uint32_t handles() const { return handles_; }
  std::uint64_t host_bytes() const { return free_.capacity() * sizeof(free_[0]); }

 private:
  std::vector<std::uint32_t> free_;
  std::uint32_t handles_ = 0;
};

class HandleNumbering {
 public:
  // The handle of the live block that the file calls `id`, or kNoBlock.
  std::uint32_t Find(std::uint64_t id) { return SlotOf(id).handle; }
  // Whether `id` ever named a block.
  bool Used(std::uint64_t id) { return SlotOf(id).used; }

  // A handle for a new block. REQUIRES: Find(id) == kNoBlock.
  std::uint32_t Add(std::uint64_t id) {
    ALLOCLAB_CHECK_EQ(Find(id), kNoBlock);
    const std::uint32_t handle = pool_.Take();
    SlotOf(id) = {handle, true};
    ++added_;
    return handle;
  }
  // The block of that handle is called `id` from now on. REQUIRES: Find(id) == kNoBlock. Its old name was removed.
  void Name(std::uint64_t id, std::uint32_t handle) {
    ALLOCLAB_CHECK_EQ(Find(id), kNoBlock);
    SlotOf(id) = {handle, true};
    ++added_;
  }
  // `id` names nothing any more; its handle is not given up.
  void Unname(std::uint64_t id) { SlotOf(id).handle = kNoBlock; }
  // The block is gone. REQUIRES: Find(id) != kNoBlock.
  void Remove(std::uint64_t id) {
    Slot& slot = SlotOf(id);
    ALLOCLAB_CHECK_NE(slot.handle, kNoBlock);
    pool_.GiveBack(slot.handle);
    slot.handle = kNoBlock;
  }

  // For handles that no id names.
  HandlePool& pool() { return pool_; }

  // Host memory; and what it may grow by for one more id, while the old tables are still there.
  std::uint64_t host_bytes() const {
    return dense_.capacity() * sizeof(Slot) + sparse_.capacity() * kEntryBytes + 3 * pool_.host_bytes();
  }
  std::uint64_t GrowthBytes(std::uint64_t id) const {
    if (id < dense_.size()) return 0;
    if (IsDense(id)) return (2 * dense_.size() + kDenseMin) * 2 * sizeof(Slot);
    return sparse_.size() + 1 < sparse_.capacity() / 8 * 7 ? 0 : (2 * sparse_.capacity() + kSparseMin) * kEntryBytes;
  }

 private:
  struct Slot {
    std::uint32_t handle = kNoBlock;
    bool used = false;
  };

  // Whether the array may grow for that id: it has a few slots for each id that was named, whatever the ids are.
  bool IsDense(std::uint64_t id) const {
    return id < 2 * dense_.size() + kDenseMin && dense_.size() <= 4 * (added_ + kDenseMin) && sparse_.empty();
  }
  // Ids that are used densely are in an array, which grows only as they do; the others in a map.
  Slot& SlotOf(std::uint64_t id) {
    if (id < dense_.size()) return dense_[id];
    if (IsDense(id)) {
      dense_.resize(2 * dense_.size() + kDenseMin);
      return dense_[id];
    }
    return sparse_[id];
  }
  static constexpr std::uint64_t kDenseMin = 4096, kSparseMin = 16;
  static constexpr std::uint64_t kEntryBytes = sizeof(absl::flat_hash_map<std::uint64_t, Slot>::value_type) + 1;

  std::vector<Slot> dense_;
  absl::flat_hash_map<std::uint64_t, Slot> sparse_;
  HandlePool pool_;
  std::uint64_t added_ = 0;  // ids that were given to blocks
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_HANDLE_NUMBERING_H_
