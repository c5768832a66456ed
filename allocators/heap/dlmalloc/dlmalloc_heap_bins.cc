// Small bins and trees: insertion, removal, search.
#include <bit>

#include "allocators/heap/dlmalloc/dlmalloc_heap.h"
#include "allocators/machine/loop_watch.h"

namespace alloclab {

std::uint32_t DlmallocHeap::TreeIndex(std::uint32_t size) {
  const std::uint32_t high = size >> 8;
  if (high == 0) return 0;
  if (high > 0xFFFF) return kBins - 1;
  const auto octave = static_cast<std::uint32_t>(std::bit_width(high)) - 1;
  return 2 * octave + (size >> (octave + 7) & 1);
}

std::uint32_t DlmallocHeap::TreeBits(std::uint32_t size, std::uint32_t index) {
  return index == kBins - 1 ? size : size << (31 - (index / 2 + 6));
}

VirtAddr& DlmallocHeap::Root(std::uint32_t index) {
  if (index >= kBins) throw MachineStop{.outcome = Outcome::kMachineFault, .address = kTreeRoots + index};
  return state_.trees[index];
}

void DlmallocHeap::Insert(WordView& words, VirtAddr chunk, std::uint32_t size) {
  if (size < kTreeMin) {
    InsertSmall(words, chunk, size);
  } else {
    InsertLarge(words, chunk, size);
  }
}

void DlmallocHeap::Unlink(WordView& words, VirtAddr chunk, std::uint32_t size) {
  if (size < kTreeMin) {
    UnlinkSmall(words, chunk, size / 8);
  } else {
    UnlinkLarge(words, chunk);
  }
}

void DlmallocHeap::ReplaceVictim(WordView& words, VirtAddr chunk, std::uint32_t size) {
  if (state_.dv_size != 0) InsertSmall(words, state_.dv, state_.dv_size);
  state_.dv = chunk;
  state_.dv_size = size;
}

void DlmallocHeap::InsertSmall(WordView& words, VirtAddr chunk, std::uint32_t size) {
  const std::uint32_t index = size / 8;
  const VirtAddr head(kBinHeads + index);
  State::Links& bin = state_.bins[index];
  VirtAddr next = head;
  if ((state_.small_map >> index & 1) == 0) {
    state_.small_map |= 1u << index;
  } else {
    Require(InHeap(bin.fd));
    next = bin.fd;
  }
  bin.fd = chunk;
  if (next == head) {
    bin.bk = chunk;
  } else {
    words.Store(next + kBk, chunk.raw());
  }
  words.Store(chunk + kFd, next.raw());
  words.Store(chunk + kBk, head.raw());
}

void DlmallocHeap::UnlinkSmall(WordView& words, VirtAddr chunk, std::uint32_t index) {
  const VirtAddr next(words.Load(chunk + kFd)), before(words.Load(chunk + kBk)), head(kBinHeads + index);
  Require(next == head || (InHeap(next) && words.Load(next + kBk) == chunk.raw()));
  if (before == next) {
    state_.small_map &= ~(1u << index);
    return;
  }
  Require(before == head || (InHeap(before) && words.Load(before + kFd) == chunk.raw()));
  Link(words, before, next, index);
}

void DlmallocHeap::UnlinkFirst(WordView& words, VirtAddr chunk, std::uint32_t index) {
  const VirtAddr next(words.Load(chunk + kFd)), head(kBinHeads + index);
  if (next == head) {
    state_.small_map &= ~(1u << index);
    return;
  }
  Require(InHeap(next) && words.Load(next + kBk) == chunk.raw());
  Link(words, head, next, index);
}

// Makes them neighbours in the ring of a small bin; each may be its head.
void DlmallocHeap::Link(WordView& words, VirtAddr before, VirtAddr next, std::uint32_t index) {
  const VirtAddr head(kBinHeads + index);
  if (next == head) {
    state_.bins[index].bk = before;
  } else {
    words.Store(next + kBk, before.raw());
  }
  if (before == head) {
    state_.bins[index].fd = next;
  } else {
    words.Store(before + kFd, next.raw());
  }
}

void DlmallocHeap::InsertLarge(WordView& words, VirtAddr chunk, std::uint32_t size) {
  const std::uint32_t index = TreeIndex(size);
  words.Store(chunk + kIndex, index);
  words.Store(chunk + kChild0, 0);
  words.Store(chunk + kChild1, 0);
  if ((state_.tree_map >> index & 1) != 0) return InsertInTree(words, chunk, size, state_.trees[index], TreeBits(size, index));
  state_.tree_map |= 1u << index;
  state_.trees[index] = chunk;
  words.Store(chunk + kParent, kTreeRoots + index);
  words.Store(chunk + kFd, chunk.raw());
  words.Store(chunk + kBk, chunk.raw());
}

void DlmallocHeap::InsertInTree(WordView& words, VirtAddr chunk, std::uint32_t size, VirtAddr root, std::uint32_t bits) {
  LoopWatch<VirtAddr> watch;
  for (VirtAddr node = root;;) {
    if (bits == 0) watch.Check(node);  // from here on the way depends on the node alone
    ++costs_.search_steps;
    ++state_.counters.Of<"place_steps">();
    if (Size(words, node) == size) return JoinRing(words, chunk, node);
    const VirtAddr slot = node + (bits >> 31 != 0 ? kChild1 : kChild0);
    bits <<= 1;
    const VirtAddr child(words.Load(slot));
    if (child.is_null()) {
      Require(InHeap(slot));
      words.Store(slot, chunk.raw());
      words.Store(chunk + kParent, node.raw());
      words.Store(chunk + kFd, chunk.raw());
      words.Store(chunk + kBk, chunk.raw());
      return;
    }
    node = child;
  }
}

// Behind a node of the same size.
void DlmallocHeap::JoinRing(WordView& words, VirtAddr chunk, VirtAddr node) {
  const VirtAddr next(words.Load(node + kFd));
  Require(InHeap(node) && InHeap(next));
  words.Store(node + kFd, chunk.raw());
  words.Store(next + kBk, chunk.raw());
  words.Store(chunk + kFd, next.raw());
  words.Store(chunk + kBk, node.raw());
  words.Store(chunk + kParent, 0);
}

void DlmallocHeap::UnlinkLarge(WordView& words, VirtAddr chunk) {
  const VirtAddr parent(words.Load(chunk + kParent));
  const VirtAddr heir = TakeHeir(words, chunk);
  if (parent.is_null()) return;  // it was one of a ring, not its node
  VirtAddr& root = Root(words.Load(chunk + kIndex));
  if (chunk == root) {
    root = heir;
    if (heir.is_null()) state_.tree_map &= ~(1u << words.Load(chunk + kIndex));
  } else {
    Require(InHeap(parent));
    const bool first = words.Load(parent + kChild0) == chunk.raw();
    words.Store(parent + (first ? kChild0 : kChild1), heir.raw());
  }
  if (heir.is_null()) return;
  Require(InHeap(heir));
  words.Store(heir + kParent, parent.raw());
  for (const std::uint32_t slot : {kChild0, kChild1}) {
    const VirtAddr child(words.Load(chunk + slot));
    if (child.is_null()) continue;
    Require(InHeap(child));
    words.Store(heir + slot, child.raw());
    words.Store(child + kParent, heir.raw());
  }
}

// What takes the chunk's place, taken from its own: the one before in its ring, else the deepest below it, else null.
VirtAddr DlmallocHeap::TakeHeir(WordView& words, VirtAddr chunk) {
  if (words.Load(chunk + kBk) != chunk.raw()) {
    const VirtAddr next(words.Load(chunk + kFd)), before(words.Load(chunk + kBk));
    Require(InHeap(next) && words.Load(next + kBk) == chunk.raw() && words.Load(before + kFd) == chunk.raw());
    words.Store(next + kBk, before.raw());
    words.Store(before + kFd, next.raw());
    return before;
  }
  VirtAddr heir, place;
  LoopWatch<VirtAddr> watch;
  for (VirtAddr node = chunk;; node = heir) {
    watch.Check(node);
    VirtAddr slot = node + kChild1;
    VirtAddr child(words.Load(slot));
    if (child.is_null()) {
      slot = node + kChild0;
      child = VirtAddr(words.Load(slot));
    }
    if (child.is_null()) break;
    heir = child, place = slot;
  }
  if (!heir.is_null()) {
    Require(InHeap(place));
    words.Store(place, 0);
  }
  return heir;
}

DlmallocHeap::Found DlmallocHeap::SearchSmall(std::uint32_t size) {
  WordView words(space_, costs_);
  const VirtAddr root = state_.trees[static_cast<std::size_t>(std::countr_zero(state_.tree_map))];
  ++costs_.search_pages;
  Found found{.chunk = root, .rest = Size(words, root) - size, .page = root.page()};
  SearchLeftmost(words, LeftmostChild(words, root), size, found);
  return found;
}

DlmallocHeap::Found DlmallocHeap::SearchLarge(std::uint32_t size) {
  WordView words(space_, costs_);
  const std::uint32_t index = TreeIndex(size);
  Found found{.rest = 0 - size};
  VirtAddr rest = SearchPath(words, state_.trees[index], size, TreeBits(size, index), found);
  if (rest.is_null() && found.chunk.is_null()) {
    const std::uint32_t above = state_.tree_map & (0u - (2u << index));
    if (above != 0) rest = state_.trees[static_cast<std::size_t>(std::countr_zero(above))];
  }
  SearchLeftmost(words, rest, size, found);
  return found;
}

// Along the bits of the size. Gives where the search goes on: the last subtree of larger sizes beside the path, or an exact
// fit.
VirtAddr DlmallocHeap::SearchPath(WordView& words, VirtAddr node, std::uint32_t size, std::uint32_t bits, Found& found) {
  VirtAddr larger;
  LoopWatch<VirtAddr> watch;
  while (!node.is_null()) {
    if (bits == 0) watch.Check(node);  // from here on the way depends on the node alone
    LookAt(words, node, size, found);
    if (found.rest == 0) return node;
    const VirtAddr right(words.Load(node + kChild1));
    node = VirtAddr(words.Load(node + (bits >> 31 != 0 ? kChild1 : kChild0)));
    if (!right.is_null() && right != node) larger = right;
    bits <<= 1;
  }
  return larger;
}

void DlmallocHeap::SearchLeftmost(WordView& words, VirtAddr node, std::uint32_t size, Found& found) {
  LoopWatch<VirtAddr> watch;
  for (; !node.is_null(); node = LeftmostChild(words, node)) {
    watch.Check(node);
    LookAt(words, node, size, found);
  }
}

VirtAddr DlmallocHeap::LeftmostChild(WordView& words, VirtAddr node) {
  const VirtAddr left(words.Load(node + kChild0));
  return left.is_null() ? VirtAddr(words.Load(node + kChild1)) : left;
}

void DlmallocHeap::LookAt(WordView& words, VirtAddr node, std::uint32_t size, Found& found) {
  ++costs_.search_steps;
  if (found.page != node.page()) ++costs_.search_pages, found.page = node.page();
  const std::uint32_t rest = Size(words, node) - size;
  if (rest < found.rest) found.chunk = node, found.rest = rest;
}

}  // namespace alloclab
