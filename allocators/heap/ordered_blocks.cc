#include "allocators/heap/ordered_blocks.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"

namespace alloclab {
namespace {

std::uint64_t Below(std::uint32_t slot) { return slot < 64 ? (std::uint64_t{1} << slot) - 1 : ~std::uint64_t{0}; }
std::uint64_t WithBit(std::uint64_t bits, std::uint32_t slot) { return (bits & Below(slot)) | (bits & ~Below(slot)) << 1; }
std::uint64_t WithoutBit(std::uint64_t bits, std::uint32_t slot) { return (bits & Below(slot)) | (bits >> 1 & ~Below(slot)); }
std::uint32_t First(std::uint64_t bits) { return static_cast<std::uint32_t>(std::countr_zero(bits)); }

}  // namespace

absl::Status CheckEngine(Engine engine, bool guarded) {
  if (engine == Engine::kLiteral || guarded) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "heap.engine: indexed; an unguarded instance needs literal, because the index trusts the blocks in RAM");
}

std::uint64_t OrderedBlocks::Row::AtLeast(std::uint32_t least, std::uint32_t slots) const {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; 16 * i < slots; ++i) bits |= std::uint64_t{parts[i].AtLeast(least)} << 16 * i;
  return bits;
}

std::uint32_t OrderedBlocks::Row::Max() const {
  return std::max(std::max(parts[0].Max(), parts[1].Max()), std::max(parts[2].Max(), parts[3].Max()));
}

std::uint32_t OrderedBlocks::LeafOf(std::uint32_t key) const {
  const auto leaves = static_cast<std::uint32_t>(first_keys_.size());
  if (found_ < leaves && (found_ == 0 || first_keys_[found_] < key) &&
      (found_ + 1 == leaves || first_keys_[found_ + 1] >= key)) {
    return found_;
  }
  std::uint32_t leaf = 0;
  for (std::uint32_t among = leaves; among > 1;) {
    const std::uint32_t half = among / 2;
    leaf = first_keys_[leaf + half] < key ? leaf + half : leaf;
    among -= half;
  }
  return found_ = leaf;
}

OrderedBlocks::Cursor OrderedBlocks::LowerBound(std::uint32_t key) const {
  const std::uint32_t leaf = LeafOf(key);
  const Leaf& at = *leaves_[leaf];
  const std::uint64_t not_below = key != 0 ? at.keys.AtLeast(key, at.count) : ~std::uint64_t{0};
  return Whole({leaf, std::min(not_below != 0 ? First(not_below) : kSlots, at.count)});
}

OrderedBlocks::Cursor OrderedBlocks::FirstFrom(Cursor from, std::uint32_t bytes) const {
  if (bytes >> 31 != 0) return end();
  if (sums_[from.leaf].largest >= bytes) {
    const Leaf& at = *leaves_[from.leaf];
    const std::uint64_t large = at.bytes.AtLeast(bytes, at.count) & ~Below(from.slot);
    if (large != 0) return {from.leaf, First(large)};
    if (from.slot == 0) Tighten(from.leaf);
  }
  for (auto leaf = from.leaf + 1; leaf < leaves_.size();) {
    if (leaf % kGroup == 0 && groups_[leaf / kGroup].largest < bytes) {
      leaf += kGroup;
    } else if (sums_[leaf].largest < bytes) {
      ++leaf;
    } else if (const std::uint64_t large = leaves_[leaf]->bytes.AtLeast(bytes, leaves_[leaf]->count); large != 0) {
      return {leaf, First(large)};
    } else {
      Tighten(leaf++);
    }
  }
  return end();
}

void OrderedBlocks::Tighten(std::uint32_t leaf) const {
  const std::uint32_t bound = sums_[leaf].largest;
  sums_[leaf].largest = leaves_[leaf]->bytes.Max();
  Sums& group = groups_[leaf / kGroup];
  if (bound == group.largest) group.largest = SumsOfGroup(leaf / kGroup).largest;
}

OrderedBlocks::Counts OrderedBlocks::InLeaf(std::uint32_t leaf, std::uint32_t from, std::uint32_t to) const {
  const std::uint64_t bits = Below(to) & ~Below(from);
  const Leaf& at = *leaves_[leaf];
  return {to - from, PopCount(at.changes & bits), PopCount(at.sized & bits)};
}

OrderedBlocks::Counts OrderedBlocks::Between(Cursor first, Cursor behind) const {
  if (first == behind) return {};
  Sums sums;
  if (first.leaf == behind.leaf) {
    sums.Add(InLeaf(first.leaf, first.slot, behind.slot));
  } else {
    sums.Add(InLeaf(first.leaf, first.slot, leaves_[first.leaf]->count));
    for (std::uint32_t leaf = first.leaf + 1; leaf < behind.leaf;) {
      const bool whole_group = leaf % kGroup == 0 && leaf + kGroup <= behind.leaf;
      sums.Add(whole_group ? groups_[leaf / kGroup].counts : sums_[leaf].counts);
      leaf += whole_group ? kGroup : 1;
    }
    sums.Add(InLeaf(behind.leaf, 0, behind.slot));
  }
  if ((leaves_[first.leaf]->changes >> first.slot & 1) == 0) ++sums.counts.pages;
  return sums.counts;
}

std::uint32_t OrderedBlocks::Distance(Cursor first, Cursor behind) const {
  if (first.leaf == behind.leaf) return behind.slot - first.slot;
  std::uint32_t blocks = leaves_[first.leaf]->count - first.slot + behind.slot;
  for (std::uint32_t leaf = first.leaf + 1; leaf < behind.leaf;) {
    const bool whole_group = leaf % kGroup == 0 && leaf + kGroup <= behind.leaf;
    blocks += (whole_group ? groups_[leaf / kGroup] : sums_[leaf]).counts.blocks;
    leaf += whole_group ? kGroup : 1;
  }
  return blocks;
}

void OrderedBlocks::Sums::Add(const Counts& more) {
  counts.blocks += more.blocks;
  counts.pages += more.pages;
  counts.sized += more.sized;
}

OrderedBlocks::Cursor OrderedBlocks::Insert(Cursor before, const Entry& entry) {
  ALLOCLAB_CHECK_LT(std::max(entry.key, entry.bytes), kNoKey);
  if (leaves_[before.leaf]->count == kSlots) {
    Split(before.leaf);
    const std::uint32_t left = leaves_[before.leaf]->count;
    if (before.slot > left) before = {before.leaf + 1, before.slot - left};
  }
  Leaf& leaf = *leaves_[before.leaf];
  const std::uint32_t slot = before.slot;
  const auto make_room = [&](auto* row) { std::copy_backward(row + slot, row + leaf.count, row + leaf.count + 1); };
  make_room(leaf.keys.begin());
  make_room(leaf.bytes.begin());
  make_room(leaf.addresses.data());
  leaf.keys.Set(slot, entry.key);
  leaf.bytes.Set(slot, entry.bytes);
  leaf.addresses[slot] = entry.address;
  if (slot == 0) first_keys_[before.leaf] = entry.key;
  ++leaf.count;
  ++size_;
  const bool changes = Changes(before), sized = entry.bytes != 0;
  leaf.changes = WithBit(leaf.changes, slot) | std::uint64_t{changes} << slot;
  leaf.sized = WithBit(leaf.sized, slot) | std::uint64_t{sized} << slot;
  Count(before.leaf, {.blocks = 1, .pages = changes, .sized = sized});
  Raise(before.leaf, entry.bytes);
  MarkChange(Next(before));
  return before;
}

void OrderedBlocks::Replace(Cursor at, const Entry& entry) {
  ALLOCLAB_CHECK_LT(entry.key, kNoKey);
  Leaf& leaf = *leaves_[at.leaf];
  leaf.keys.Set(at.slot, entry.key);
  leaf.addresses[at.slot] = entry.address;
  if (at.slot == 0) first_keys_[at.leaf] = entry.key;
  Resize(at, entry.bytes);
  MarkChange(at);
  MarkChange(Next(at));
}

void OrderedBlocks::Resize(Cursor at, std::uint32_t bytes) {
  ALLOCLAB_CHECK_LT(bytes, kNoKey);
  Leaf& leaf = *leaves_[at.leaf];
  const std::uint32_t was = leaf.bytes.Get(at.slot);
  leaf.bytes.Set(at.slot, bytes);
  if ((was != 0) != (bytes != 0)) {
    leaf.sized ^= std::uint64_t{1} << at.slot;
    Count(at.leaf, {.sized = bytes != 0 ? 1 : ~0u});
  }
  Raise(at.leaf, bytes);
}

void OrderedBlocks::Raise(std::uint32_t leaf, std::uint32_t bytes) {
  sums_[leaf].largest = std::max(sums_[leaf].largest, bytes);
  groups_[leaf / kGroup].largest = std::max(groups_[leaf / kGroup].largest, bytes);
}

void OrderedBlocks::Erase(Cursor at) {
  Leaf& leaf = *leaves_[at.leaf];
  const std::uint32_t slot = at.slot;
  const auto less_if = [slot](std::uint64_t bits) { return (bits >> slot & 1) != 0 ? ~0u : 0; };
  Count(at.leaf, {.blocks = ~0u, .pages = less_if(leaf.changes), .sized = less_if(leaf.sized)});
  const auto close = [&](auto* row) { std::copy(row + slot + 1, row + leaf.count, row + slot); };
  close(leaf.keys.begin());
  close(leaf.bytes.begin());
  close(leaf.addresses.data());
  leaf.changes = WithoutBit(leaf.changes, slot);
  leaf.sized = WithoutBit(leaf.sized, slot);
  --leaf.count;
  --size_;
  leaf.keys.Set(leaf.count, kNoKey);
  leaf.bytes.Set(leaf.count, 0);
  if (leaf.count != 0) {
    if (slot == 0) first_keys_[at.leaf] = leaf.keys.Get(0);
    MarkChange(Whole(at));
  } else if (leaves_.size() > 1) {
    leaves_.erase(leaves_.begin() + at.leaf);
    first_keys_.erase(first_keys_.begin() + at.leaf);
    sums_.erase(sums_.begin() + at.leaf);
    SumGroups(at.leaf);
    if (at.leaf < leaves_.size()) MarkChange(at);
  }
}

void OrderedBlocks::Split(std::uint32_t leaf) {
  constexpr std::uint32_t kHalf = kSlots / 2;
  auto made = std::make_unique<Leaf>();
  Leaf &left = *leaves_[leaf], &right = *made;
  std::copy(left.keys.begin() + kHalf, left.keys.begin() + kSlots, right.keys.begin());
  std::copy(left.bytes.begin() + kHalf, left.bytes.begin() + kSlots, right.bytes.begin());
  std::copy(left.addresses.begin() + kHalf, left.addresses.end(), right.addresses.begin());
  for (Leaf* half : {&left, &right}) {
    std::fill(half->keys.begin() + kHalf, half->keys.begin() + kSlots, kNoKey);
    std::fill(half->bytes.begin() + kHalf, half->bytes.begin() + kSlots, 0);
    half->count = kHalf;
  }
  right.changes = left.changes >> kHalf;
  right.sized = left.sized >> kHalf;
  left.changes &= Below(kHalf);
  left.sized &= Below(kHalf);
  sums_[leaf] = SumsOf(left);
  sums_.insert(sums_.begin() + leaf + 1, SumsOf(right));
  first_keys_.insert(first_keys_.begin() + leaf + 1, right.keys.Get(0));
  leaves_.insert(leaves_.begin() + leaf + 1, std::move(made));
  SumGroups(leaf);
}

bool OrderedBlocks::Changes(Cursor at) const {
  const auto page = [&](Cursor of) { return leaves_[of.leaf]->addresses[of.slot].page(); };
  return at == begin() || page(at) != page(Previous(at));
}

void OrderedBlocks::MarkChange(Cursor at) {
  if (at == end()) return;
  const bool changes = Changes(at);
  Leaf& leaf = *leaves_[at.leaf];
  if (changes == ((leaf.changes >> at.slot & 1) != 0)) return;
  leaf.changes ^= std::uint64_t{1} << at.slot;
  Count(at.leaf, {.pages = changes ? 1 : ~0u});
}

void OrderedBlocks::Count(std::uint32_t leaf, const Counts& change) {
  sums_[leaf].Add(change);
  groups_[leaf / kGroup].Add(change);
}

OrderedBlocks::Sums OrderedBlocks::SumsOf(const Leaf& leaf) {
  return {{leaf.count, PopCount(leaf.changes), PopCount(leaf.sized)}, leaf.bytes.Max()};
}

OrderedBlocks::Sums OrderedBlocks::SumsOfGroup(std::uint32_t group) const {
  Sums sums;
  const auto end = std::min<std::size_t>((group + 1) * kGroup, sums_.size());
  for (std::size_t leaf = group * kGroup; leaf < end; ++leaf) {
    sums.Add(sums_[leaf].counts);
    sums.largest = std::max(sums.largest, sums_[leaf].largest);
  }
  return sums;
}

void OrderedBlocks::SumGroups(std::uint32_t leaf) {
  groups_.resize((sums_.size() + kGroup - 1) / kGroup);
  for (std::uint32_t group = leaf / kGroup; group < groups_.size(); ++group) groups_[group] = SumsOfGroup(group);
}

void OrderedBlocks::Join(const Entry& block, bool below, bool above) {
  const Cursor at = LowerBound(block.key);
  if (below) {
    if (above) Erase(Next(at));
    Resize(at, block.bytes);
  } else if (above) {
    Replace(at, block);
  } else {
    Insert(at, block);
  }
}

void OrderedBlocks::Assign(const std::vector<Entry>& blocks) {
  constexpr std::uint32_t kFilled = kSlots * 3 / 4;
  leaves_.clear();
  first_keys_.clear();
  sums_.clear();
  size_ = static_cast<std::uint32_t>(blocks.size());
  std::uint32_t page = ~0u;
  auto next = blocks.begin();
  do {
    Leaf& leaf = *leaves_.emplace_back(std::make_unique<Leaf>());
    std::fill(leaf.keys.begin(), leaf.keys.begin() + kSlots, kNoKey);
    first_keys_.push_back(next != blocks.end() ? next->key : 0);
    for (; next != blocks.end() && leaf.count < kFilled; ++next, ++leaf.count) {
      ALLOCLAB_CHECK_LT(std::max(next->key, next->bytes), kNoKey);
      leaf.keys.Set(leaf.count, next->key);
      leaf.bytes.Set(leaf.count, next->bytes);
      leaf.addresses[leaf.count] = next->address;
      leaf.changes |= std::uint64_t{next->address.page() != page} << leaf.count;
      leaf.sized |= std::uint64_t{next->bytes != 0} << leaf.count;
      page = next->address.page();
    }
    sums_.push_back(SumsOf(leaf));
  } while (next != blocks.end());
  SumGroups(0);
}

std::string OrderedBlocks::Difference(const std::vector<Entry>& blocks) const {
  if (std::string wrong = Check(); !wrong.empty()) return wrong;
  if (blocks.size() != size_) return absl::StrFormat("the index has %d blocks; in RAM are %d", size_, blocks.size());
  Cursor at = begin();
  for (const Entry& block : blocks) {
    const Entry here = At(at);
    if (here != block) {
      return absl::StrFormat("the index has the block %#010x of size %d where in RAM %#010x of size %d is", here.address.raw(),
                             here.bytes, block.address.raw(), block.bytes);
    }
    at = Next(at);
  }
  return {};
}

std::string OrderedBlocks::Check() const {
  std::uint32_t size = 0, key = 0;
  for (std::uint32_t leaf = 0; leaf < leaves_.size(); ++leaf) {
    const Sums sums = SumsOf(*leaves_[leaf]);
    if (sums_[leaf].counts != sums.counts || sums_[leaf].largest < sums.largest)
      return absl::StrFormat("the sums of leaf %d are not those of its blocks", leaf);
    if (leaves_[leaf]->count == 0 && leaves_.size() > 1) return absl::StrFormat("leaf %d is empty", leaf);
    size += leaves_[leaf]->count;
  }
  for (std::uint32_t group = 0; group < groups_.size(); ++group) {
    const Sums sums = SumsOfGroup(group);
    if (groups_[group].counts != sums.counts || groups_[group].largest != sums.largest)
      return absl::StrFormat("the sums of group %d are not those of its leaves", group);
  }
  if (size != size_) return absl::StrFormat("there are %d blocks, not %d", size, size_);
  std::uint32_t page = ~0u;
  for (Cursor at = begin(); at != end(); at = Next(at)) {
    const Entry entry = At(at);
    const Leaf& leaf = *leaves_[at.leaf];
    if (entry.key < key) return absl::StrFormat("the key %d is behind %d", entry.key, key);
    if (at.slot == 0 && first_keys_[at.leaf] != entry.key) return absl::StrFormat("leaf %d begins with another key", at.leaf);
    if (((leaf.changes >> at.slot & 1) != 0) != (entry.address.page() != page) ||
        ((leaf.sized >> at.slot & 1) != 0) != (entry.bytes != 0)) {
      return absl::StrFormat("the bits of the block %#010x are wrong", entry.address.raw());
    }
    key = entry.key;
    page = entry.address.page();
  }
  return {};
}

std::uint64_t OrderedBlocks::host_bytes() const {
  return leaves_.size() * sizeof(Leaf) + leaves_.capacity() * sizeof(leaves_[0]) +
         first_keys_.capacity() * sizeof(first_keys_[0]) + (sums_.capacity() + groups_.capacity()) * sizeof(Sums);
}

}  // namespace alloclab
