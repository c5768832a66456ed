// The addresses at which live blocks start: one bit per word of the heap, host memory only for pages in which a block has
// started.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_LIVE_STARTS_H_
#define ALLOCLAB_ALLOCATORS_HEAP_LIVE_STARTS_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "allocators/machine/address.h"

namespace alloclab {

class LiveStarts {
 public:
  LiveStarts() = default;
  LiveStarts(const LiveStarts& other) { *this = other; }
  LiveStarts& operator=(const LiveStarts& other);

  // Addresses are multiples of the word.
  void Add(VirtAddr block) { Touch(block.page())[Word(block)] |= Bit(block); }
  void Remove(VirtAddr block) { Touch(block.page())[Word(block)] &= ~Bit(block); }
  bool Contains(VirtAddr block) const {
    const Page* page = Find(block.page());
    return page != nullptr && ((*page)[Word(block)] & Bit(block)) != 0;
  }

  std::uint64_t host_bytes() const { return pages_.capacity() * sizeof(pages_[0]) + made_ * sizeof(Page); }

 private:
  using Page = std::array<std::uint64_t, kPageWords / 64>;

  static std::size_t Word(VirtAddr block) { return block.offset() / kWordBytes / 64; }
  static std::uint64_t Bit(VirtAddr block) { return std::uint64_t{1} << (block.offset() / kWordBytes % 64); }
  const Page* Find(std::uint32_t page) const {
    const std::uint32_t i = page - first_;
    return i < pages_.size() ? pages_[i].get() : nullptr;
  }
  Page& Touch(std::uint32_t page) {
    const std::uint32_t i = page - first_;
    return i < pages_.size() && pages_[i] ? *pages_[i] : MakePage(page);
  }
  Page& MakePage(std::uint32_t page);

  std::uint32_t first_ = 0;  // number of the page of pages_[0]
  std::vector<std::unique_ptr<Page>> pages_;
  std::uint64_t made_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_LIVE_STARTS_H_
