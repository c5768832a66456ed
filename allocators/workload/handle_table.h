// The blocks that handles name: a sparse array, host memory only around the handles in use.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_HANDLE_TABLE_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_HANDLE_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "allocators/common/check.h"

namespace alloclab {

// A pointer variable of the simulated program and the bytes that were asked for.
struct NamedBlock {
  std::uint32_t address = 0;  // 0 is null
  std::uint32_t bytes = 0;
};

class HandleTable {
 public:
  static constexpr std::uint32_t kHandlesMax = 1u << 26;

 private:
  static constexpr std::uint32_t kPageBlocks = 512;
  using Page = std::array<NamedBlock, kPageBlocks>;

 public:
  // All blocks at one moment. Tables share the pages that did not change since.
  using Image = std::vector<std::shared_ptr<const Page>>;

  // Makes room for one handle. REQUIRES: handle < kHandlesMax.
  void Reserve(std::uint32_t handle) {
    ALLOCLAB_CHECK_LT(handle, kHandlesMax);
    const std::uint32_t page = handle / kPageBlocks;
    if (page >= pages_.size()) pages_.resize(page + 1);
    if (!pages_[page]) MakePage(page);
  }

  // The handle was reserved.
  NamedBlock& operator[](std::uint32_t handle) {
    Page* page = pages_[handle / kPageBlocks].get();
    if (page == nullptr) [[unlikely]]
      page = &MakePage(handle / kPageBlocks);
    return (*page)[handle % kPageBlocks];
  }

  // Null for a handle that has no room.
  NamedBlock Peek(std::uint32_t handle) const {
    const std::size_t page = handle / kPageBlocks;
    if (page >= pages_.size()) return {};
    const Page* blocks = pages_[page] ? pages_[page].get() : Saved(page);
    return blocks != nullptr ? (*blocks)[handle % kPageBlocks] : NamedBlock{};
  }

  // Calls visit(handle, block) for every handle that has room.
  template <class Visit>
  void ForEach(Visit visit) const {
    for (std::size_t page = 0; page < pages_.size(); ++page) {
      const Page* blocks = pages_[page] ? pages_[page].get() : Saved(page);
      for (std::size_t i = 0; blocks != nullptr && i < kPageBlocks; ++i) {
        visit(static_cast<std::uint32_t>(page * kPageBlocks + i), (*blocks)[i]);
      }
    }
  }

  // Gives the pages to the image; each is copied when it is touched again.
  Image Save() {
    if (saved_.size() < pages_.size()) saved_.resize(pages_.size());
    for (std::size_t page = 0; page < pages_.size(); ++page) {
      if (pages_[page]) saved_[page] = std::move(pages_[page]);
    }
    page_count_ = 0;
    return saved_;
  }
  void Restore(const Image& image) {
    saved_ = image;
    pages_.clear();
    pages_.resize(image.size());
    page_count_ = 0;
  }

  // Of the pages of an image that are not in `counted`, and puts them in.
  static std::uint64_t HostBytes(const Image& image, absl::flat_hash_set<const void*>& counted) {
    std::uint64_t bytes = image.capacity() * sizeof(image[0]);
    for (const auto& page : image) bytes += page != nullptr && counted.insert(page.get()).second ? sizeof(Page) : 0;
    return bytes;
  }
  // Of pages that only this table has.
  std::uint64_t host_bytes() const {
    return pages_.capacity() * sizeof(pages_[0]) + saved_.capacity() * sizeof(saved_[0]) + page_count_ * sizeof(Page);
  }

 private:
  const Page* Saved(std::size_t page) const { return page < saved_.size() ? saved_[page].get() : nullptr; }
  [[gnu::cold, gnu::noinline]] Page& MakePage(std::uint32_t page) {
    pages_[page] = Saved(page) != nullptr ? std::make_unique<Page>(*Saved(page)) : std::make_unique<Page>();
    ++page_count_;
    return *pages_[page];
  }

  std::vector<std::unique_ptr<Page>> pages_;  // null: as saved, or no room
  Image saved_;
  std::uint64_t page_count_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_HANDLE_TABLE_H_
