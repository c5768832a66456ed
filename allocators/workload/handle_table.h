// The blocks that handles name: a sparse array, host memory only around the handles in use.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_HANDLE_TABLE_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_HANDLE_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace alloclab {

// A pointer variable of the simulated program and the bytes that were asked for.
struct NamedBlock {
  std::uint32_t address = 0;  // 0 is null
  std::uint32_t bytes = 0;
};

class HandleTable {
 public:
  static constexpr std::uint32_t kHandlesMax = 1u << 26;

  // Makes room for one handle. REQUIRES: handle < kHandlesMax.
  void Reserve(std::uint32_t handle) {
    const std::uint32_t page = handle / kPageBlocks;
    if (page >= pages_.size()) pages_.resize(page + 1);
    if (!pages_[page]) AddPage(page);
  }

  // REQUIRES: reserved.
  NamedBlock& operator[](std::uint32_t handle) { return (*pages_[handle / kPageBlocks])[handle % kPageBlocks]; }

  // Calls visit(handle, block) for every handle that has room.
  template <class Visit>
  void ForEach(Visit visit) {
    for (std::size_t page = 0; page < pages_.size(); ++page) {
      for (std::size_t i = 0; pages_[page] && i < kPageBlocks; ++i) {
        visit(static_cast<std::uint32_t>(page * kPageBlocks + i), (*pages_[page])[i]);
      }
    }
  }

  std::uint64_t host_bytes() const { return pages_.capacity() * sizeof(pages_[0]) + page_count_ * sizeof(Page); }

 private:
  static constexpr std::uint32_t kPageBlocks = 512;
  using Page = std::array<NamedBlock, kPageBlocks>;

  void AddPage(std::uint32_t page) {
    pages_[page] = std::make_unique<Page>();
    ++page_count_;
  }

  std::vector<std::unique_ptr<Page>> pages_;
  std::uint64_t page_count_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_HANDLE_TABLE_H_
