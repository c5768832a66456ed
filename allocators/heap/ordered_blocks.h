// The index of the classic heaps: blocks in the order in which a heap's list has them, kept on the host. What the original
// finds by walking the list it finds without: the next block that is large enough, the place of a key, and how many blocks,
// in how many pages, the walk would have looked at. Simulated RAM stays the truth; an index is made again from there at any
// time.
//
// The order is that of a key: the offset of the block, or its size; blocks of one key are in the order in which they were put.
//
//   leaf    up to 64 blocks side by side, compared 16 at a time; a full one is cut in two, an empty one goes
//   sums    of each leaf, and of each 16 leaves: how many blocks, in how many pages, and a bound of the largest, which a
//           search makes exact where it was misled
//
// A search takes a binary search over leaves, some looks at sums, and one leaf; a leaf that is cut costs a pass over the sums.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_ORDERED_BLOCKS_H_
#define ALLOCLAB_ALLOCATORS_HEAP_ORDERED_BLOCKS_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "allocators/common/engine.h"
#include "allocators/common/lanes.h"
#include "allocators/machine/address.h"

namespace alloclab {

// Of "heap.engine". INVALID_ARGUMENT: the indexed one, which trusts the blocks in RAM, in an unguarded instance.
absl::Status CheckEngine(Engine engine, bool guarded);

class OrderedBlocks {
 public:
  struct Entry {
    std::uint32_t key, bytes;  // both below 2^31 - 1, the size in any unit; of size 0 no search finds the block
    VirtAddr address;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  // A place in the order, until the next change.
  struct Cursor {
    std::uint32_t leaf, slot;
    friend bool operator==(const Cursor&, const Cursor&) = default;
  };
  struct Counts {
    std::uint32_t blocks = 0;
    std::uint32_t pages = 0;  // changes of the page on a walk over the blocks, the first one included
    std::uint32_t sized = 0;  // blocks with bytes
    friend bool operator==(const Counts&, const Counts&) = default;
  };

  OrderedBlocks() { Assign({}); }

  std::uint32_t size() const { return size_; }
  Cursor begin() const { return {0, 0}; }
  Cursor end() const { return {static_cast<std::uint32_t>(leaves_.size()) - 1, leaves_.back()->count}; }
  // Here and below a cursor is that of a block, where `end` is not named.
  Entry At(Cursor at) const {
    const Leaf& leaf = *leaves_[at.leaf];
    return {leaf.keys.Get(at.slot), leaf.bytes.Get(at.slot), leaf.addresses[at.slot]};
  }
  Cursor Next(Cursor at) const { return Whole({at.leaf, at.slot + 1}); }
  // Of any but the first, end() too.
  Cursor Previous(Cursor at) const {
    return at.slot != 0 ? Cursor{at.leaf, at.slot - 1} : Cursor{at.leaf - 1, leaves_[at.leaf - 1]->count - 1};
  }

  // The first block with this key or a greater one, or end().
  Cursor LowerBound(std::uint32_t key) const;
  // The first block of at least `bytes` bytes from there on, or end(); `from` may be end(). REQUIRES: bytes > 0.
  Cursor FirstFrom(Cursor from, std::uint32_t bytes) const;
  // What a walk looks at that goes from `first` up to `behind`, which is not before it; both may be end().
  Counts Between(Cursor first, Cursor behind) const;
  std::uint32_t Distance(Cursor first, Cursor behind) const;  // the blocks of that alone

  // In front of `before`, which may be end(). Returns where it is. REQUIRES: the key is in order there.
  Cursor Insert(Cursor before, const Entry& entry);
  void Erase(Cursor at);
  void Resize(Cursor at, std::uint32_t bytes);
  // Another block in its place. REQUIRES: the key is in order there.
  void Replace(Cursor at, const Entry& entry);
  // `block` came to be free, and has swallowed the one before it (whose key it has) or the one above it, or both.
  void Join(const Entry& block, bool below, bool above);
  // All anew, in order.
  void Assign(const std::vector<Entry>& blocks);

  // What sets the index apart from a list, or where it is not what it says of itself; empty if nothing does.
  std::string Difference(const std::vector<Entry>& blocks) const;

  std::uint64_t host_bytes() const;

 private:
  static constexpr std::uint32_t kSlots = 64, kGroup = 16;
  static constexpr std::uint32_t kNoKey = (1u << 31) - 1;  // of a slot behind the last block

  // A number for each slot.
  struct Row {
    std::array<Sixteen, kSlots / 16> parts;

    std::uint32_t* begin() { return static_cast<std::uint32_t*>(static_cast<void*>(this)); }
    std::uint32_t Get(std::uint32_t slot) const { return parts[slot / 16].values[slot % 16]; }
    void Set(std::uint32_t slot, std::uint32_t value) { parts[slot / 16].values[slot % 16] = value; }
    std::uint64_t AtLeast(std::uint32_t least, std::uint32_t slots) const;  // of the first so many slots, or a few more
    std::uint32_t Max() const;
  };
  struct Leaf {
    Row keys, bytes;
    std::array<VirtAddr, kSlots> addresses;
    std::uint64_t changes = 0;  // bit s: the block of slot s is in another page than the one before it
    std::uint64_t sized = 0;    // bit s: it has bytes
    std::uint32_t count = 0;
  };
  struct Sums {
    Counts counts;
    std::uint32_t largest = 0;  // no block is larger
    void Add(const Counts& more);
  };

  // The same place, named by the block that is there.
  Cursor Whole(Cursor at) const {
    return at.slot == leaves_[at.leaf]->count && at.leaf + 1 < leaves_.size() ? Cursor{at.leaf + 1, 0} : at;
  }
  Counts InLeaf(std::uint32_t leaf, std::uint32_t from, std::uint32_t to) const;
  // A full leaf becomes two.
  void Split(std::uint32_t leaf);
  // Whether the page of a block is another one than that of the block before.
  bool Changes(Cursor at) const;
  // Finds that out anew; nothing at end().
  void MarkChange(Cursor at);
  // Adds to the counts of a leaf, modulo 2^32.
  void Count(std::uint32_t leaf, const Counts& change);
  // A block of that size came to a leaf.
  void Raise(std::uint32_t leaf, std::uint32_t bytes);
  // The leaf in which the first block with this key or a greater one is, if it is not the first of the next leaf.
  std::uint32_t LeafOf(std::uint32_t key) const;
  // Makes the bound of a leaf, and that of its group, exact.
  void Tighten(std::uint32_t leaf) const;
  static Sums SumsOf(const Leaf& leaf);
  Sums SumsOfGroup(std::uint32_t group) const;
  // When leaves came or went, from this one on.
  void SumGroups(std::uint32_t leaf);
  // Where the index is not what it says of itself.
  std::string Check() const;

  std::vector<std::unique_ptr<Leaf>> leaves_;  // one at least; none of several is empty
  std::vector<std::uint32_t> first_keys_;      // of the leaves
  mutable std::vector<Sums> sums_;             // of the leaves
  mutable std::vector<Sums> groups_;           // of each kGroup leaves
  mutable std::uint32_t found_ = 0;            // the leaf that was found last
  std::uint32_t size_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_ORDERED_BLOCKS_H_
