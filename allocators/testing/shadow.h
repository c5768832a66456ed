// What a program knows of its memory beside the allocator: which blocks it holds, how many bytes of each are its own, and what
// it wrote into them.
//
// Thread safety: values.
#ifndef ALLOCLAB_ALLOCATORS_TESTING_SHADOW_H_
#define ALLOCLAB_ALLOCATORS_TESTING_SHADOW_H_

#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "allocators/catalog/instance.h"
#include "allocators/common/check.h"
#include "allocators/machine/address.h"

namespace alloclab {

// The live blocks of a heap.
class HeapShadow {
 public:
  struct Block {
    std::uint32_t bytes = 0;   // as asked for
    std::uint32_t serial = 0;  // what is written in it
    // How many bytes of that are written at its start and at its end: not all of large ones, none where no frame was left.
    std::uint32_t head = 0, tail = 0;
  };
  using Blocks = std::map<std::uint32_t, Block>;  // by address

  const Blocks& blocks() const { return blocks_; }
  bool empty() const { return blocks_.empty(); }
  bool Holds(VirtAddr address) const { return blocks_.contains(address.raw()); }
  // The block of that number, counted by address, modulo how many there are. REQUIRES: there is one.
  VirtAddr At(std::uint32_t number) const {
    ALLOCLAB_CHECK_GT(blocks_.size(), 0u);
    return VirtAddr(std::next(blocks_.begin(), static_cast<std::ptrdiff_t>(number % blocks_.size()))->first);
  }

  // A block that an allocator gave; fills it with a pattern. What is wrong with it, or nothing: it overlaps a live block, or
  // the heap's end.
  std::string Add(Instance& instance, VirtAddr address, std::uint32_t bytes);
  void Remove(VirtAddr address) { blocks_.erase(address.raw()); }
  // Whether all blocks hold what was written; what is wrong with the first that does not.
  std::string CheckContents(const Instance& instance) const;
  // Whether the first bytes at `address` are those of a block that was moved there; of at most `bytes`.
  static std::string CheckMoved(const Instance& instance, const Block& block, VirtAddr address, std::uint32_t bytes);
  const Block& BlockAt(VirtAddr address) const { return blocks_.at(address.raw()); }

 private:
  Blocks blocks_;
  std::uint32_t serial_ = 0;
};

// Whether `bytes` bytes from there on read as zero, without touching them.
bool ReadsAsZero(const Instance& instance, VirtAddr address, std::uint32_t bytes);

// The pages that a program holds.
class PageShadow {
 public:
  using Blocks = std::map<std::uint32_t, std::uint64_t>;  // first byte to the end of the block

  const Blocks& blocks() const { return blocks_; }
  bool empty() const { return blocks_.empty(); }
  struct Block {
    PhysAddr first;
    std::uint32_t bytes = 0;
  };
  // As HeapShadow's. REQUIRES: there is one.
  Block At(std::uint32_t number) const {
    ALLOCLAB_CHECK_GT(blocks_.size(), 0u);
    const auto it = std::next(blocks_.begin(), static_cast<std::ptrdiff_t>(number % blocks_.size()));
    return {PhysAddr(it->first), static_cast<std::uint32_t>(it->second - it->first)};
  }
  // Of a range of pages: how many of its bytes are held.
  std::uint64_t HeldBytes(PhysAddr first, std::uint64_t bytes) const;
  std::uint64_t HeldBytes() const;
  bool IsBlock(PhysAddr first, std::uint32_t bytes) const {
    const auto it = blocks_.find(first.raw());
    return it != blocks_.end() && it->second == first.raw() + std::uint64_t{bytes};
  }

  // A block that an allocator gave; writes into each page. What is wrong with it, or nothing.
  std::string Add(Instance& instance, PhysAddr first, std::uint32_t bytes);
  // Takes a range away, whichever blocks it is of.
  void Remove(PhysAddr first, std::uint32_t bytes);
  std::string CheckContents(const Instance& instance) const;

 private:
  Blocks blocks_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_TESTING_SHADOW_H_
