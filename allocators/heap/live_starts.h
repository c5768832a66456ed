// The addresses at which live blocks start: one bit per word of the heap, host memory only for pages in which a block has
// started.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_LIVE_STARTS_H_
#define ALLOCLAB_ALLOCATORS_HEAP_LIVE_STARTS_H_

#include <array>
#include <cstdint>

#include "allocators/heap/page_records.h"
#include "allocators/machine/address.h"

namespace alloclab {

class LiveStarts {
 public:
  // Addresses are multiples of the word.
  void Add(VirtAddr block) { pages_.Touch(block.page())[Word(block)] |= Bit(block); }
  void Remove(VirtAddr block) { pages_.Touch(block.page())[Word(block)] &= ~Bit(block); }
  bool Contains(VirtAddr block) const {
    const Page* page = pages_.Find(block.page());
    return page != nullptr && ((*page)[Word(block)] & Bit(block)) != 0;
  }

  std::uint64_t host_bytes() const { return pages_.host_bytes(); }

 private:
  using Page = std::array<std::uint64_t, kPageWords / 64>;

  static std::size_t Word(VirtAddr block) { return block.offset() / kWordBytes / 64; }
  static std::uint64_t Bit(VirtAddr block) { return std::uint64_t{1} << (block.offset() / kWordBytes % 64); }

  PageRecords<Page> pages_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_LIVE_STARTS_H_
