#include "allocators/heap/tlsf/tlsf_heap.h"

#include <algorithm>
#include <bit>

#include "allocators/common/check.h"
#include "allocators/heap/heap_range.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kColumnsLog2 = 5;
constexpr std::uint32_t kSmall = 128;  // sizes below are in row 0
constexpr std::uint32_t kSizeMin = 12, kSizeEnd = 1u << 30;
constexpr std::uint32_t kLeastRest = 16;  // with its size word and the prev_phys behind it
constexpr std::uint32_t kOverhead = 4;    // of a block beside its payload
constexpr std::uint32_t kFirstLevelOffset = 16, kSecondLevelOffset = 20, kHeadsOffset = 116;

constexpr std::uint32_t HighestBit(std::uint32_t word) { return 31 - static_cast<std::uint32_t>(std::countl_zero(word)); }
// Of no bit it is -1, as in the original, which comes to that where bitmaps are broken.
constexpr std::uint32_t LowestBit(std::uint32_t word) {
  return word == 0 ? ~0u : static_cast<std::uint32_t>(std::countr_zero(word));
}
// i386 shifts by the lowest five bits.
constexpr std::uint32_t Bit(std::uint32_t number) { return 1u << (number & 31); }

constexpr std::uint32_t RoundUp(std::uint32_t bytes) { return (bytes + 3) & ~3u; }  // wraps

}  // namespace

TlsfHeap::TlsfHeap(AddressSpace& space, std::uint32_t arena_bytes)
    : HeapAllocator(space, ProgramBreak::Arena(space, kHeapStart, arena_bytes)),
      pool_bytes_((arena_bytes - kControlBytes - 8) & ~3u),
      pool_(kHeapStart + kControlBytes),
      sentinel_(pool_ + pool_bytes_) {
  ALLOCLAB_CHECK_GE(arena_bytes, kArenaBytesMin);
  Init();
}

void TlsfHeap::Init() {
  WordView words(space_, costs_);
  words.Store(null_block(), 0);
  words.Store(null_block() + kSize, 0);
  words.Store(null_block() + kNextFree, null_block().raw());
  words.Store(null_block() + kPrevFree, null_block().raw());
  words.Store(FirstLevel(), 0);
  for (std::uint32_t row = 0; row < kRows; ++row) {
    words.Store(SecondLevel(row), 0);
    for (std::uint32_t column = 0; column < kColumns; ++column) words.Store(HeadOf({row, column}), null_block().raw());
  }
  const VirtAddr block = pool_ - kSize;
  words.Store(block + kSize, pool_bytes_ | kFree);
  Insert(words, block);
  LinkAfter(words, block);
  words.Store(sentinel_ + kSize, kPrevIsFree);
}

std::uint32_t TlsfHeap::PayloadBytes(VirtAddr block) {
  AccessCosts uncounted;
  WordView words(space_, uncounted);
  return Size(words, block - kPayload);
}

std::uint32_t TlsfHeap::BlockBytes(std::uint32_t bytes) const { return std::max(RoundUp(bytes), kSizeMin) + kOverhead; }

TlsfHeap::List TlsfHeap::ListOf(std::uint32_t size) {
  if (size < kSmall) return {0, size / (kSmall / kColumns)};
  const std::uint32_t highest = HighestBit(size);
  return {highest - HighestBit(kSmall) + 1, size >> (highest - kColumnsLog2) ^ kColumns};
}

VirtAddr TlsfHeap::FirstLevel() const { return start() + kFirstLevelOffset; }
VirtAddr TlsfHeap::SecondLevel(std::uint32_t row) const { return start() + kSecondLevelOffset + row * kWordBytes; }
VirtAddr TlsfHeap::HeadOf(List list) const { return start() + kHeadsOffset + (list.row * kColumns + list.column) * kWordBytes; }

void TlsfHeap::SetSize(WordView& words, VirtAddr block, std::uint32_t size) {
  words.Store(block + kSize, size | (words.Load(block + kSize) & kFlags));
}

void TlsfHeap::SetFlag(WordView& words, VirtAddr block, std::uint32_t flag, bool on) {
  const std::uint32_t size = words.Load(block + kSize);
  words.Store(block + kSize, on ? size | flag : size & ~flag);
}

VirtAddr TlsfHeap::LinkAfter(WordView& words, VirtAddr block) {
  const VirtAddr after = After(words, block);
  words.Store(after, block.raw());
  return after;
}

HeapResult TlsfHeap::Malloc(std::uint32_t bytes) {
  if (bytes == 0) return {Outcome::kZeroSize, VirtAddr{}};
  if (RoundUp(bytes) >= kSizeEnd) return {Outcome::kOutOfMemory, VirtAddr{}};
  const std::uint32_t size = std::max(RoundUp(bytes), kSizeMin);
  const Found found = Search(size);
  EndSearch();
  if (found.block.is_null()) return {Outcome::kOutOfMemory, VirtAddr{}};
  ++state_.counters.Of<"found_rows">(found.higher_row ? 1 : 0);
  WordView words(space_, costs_);
  Remove(words, found.block, found.list);
  if (Size(words, found.block) >= size + kLeastRest) CutRest(words, found.block, size);
  SetFlag(words, After(words, found.block), kPrevIsFree, false);
  SetFlag(words, found.block, kFree, false);
  return {Outcome::kOk, found.block + kPayload};
}

TlsfHeap::Found TlsfHeap::Search(std::uint32_t size) {
  WordView words(space_, costs_);
  if (size >= kSmall) size += Bit(HighestBit(size) - kColumnsLog2) - 1;
  List list = ListOf(size);
  if (list.row >= kRows) return {};
  std::uint32_t columns = words.Load(SecondLevel(list.row)) & (~0u << list.column);
  const bool higher_row = columns == 0;
  if (higher_row) {
    const std::uint32_t rows = words.Load(FirstLevel()) & (~0u << (list.row + 1));
    if (rows == 0) return {};
    list.row = LowestBit(rows);
    columns = words.Load(SecondLevel(list.row));
  }
  list.column = LowestBit(columns);
  return {list, higher_row, VirtAddr(words.Load(HeadOf(list)))};
}

void TlsfHeap::Remove(WordView& words, VirtAddr block, List list) {
  const VirtAddr before(words.Load(block + kPrevFree)), next(words.Load(block + kNextFree));
  words.Store(next + kPrevFree, before.raw());
  words.Store(before + kNextFree, next.raw());
  if (words.Load(HeadOf(list)) != block.raw()) return;
  words.Store(HeadOf(list), next.raw());
  if (next != null_block()) return;
  const VirtAddr columns = SecondLevel(list.row);
  words.Store(columns, words.Load(columns) & ~Bit(list.column));
  if (words.Load(columns) == 0) words.Store(FirstLevel(), words.Load(FirstLevel()) & ~Bit(list.row));
}

void TlsfHeap::Insert(WordView& words, VirtAddr block) {
  const List list = ListOf(Size(words, block));
  const VirtAddr head(words.Load(HeadOf(list)));
  words.Store(block + kNextFree, head.raw());
  words.Store(block + kPrevFree, null_block().raw());
  words.Store(head + kPrevFree, block.raw());
  words.Store(HeadOf(list), block.raw());
  words.Store(FirstLevel(), words.Load(FirstLevel()) | Bit(list.row));
  words.Store(SecondLevel(list.row), words.Load(SecondLevel(list.row)) | Bit(list.column));
}

void TlsfHeap::MarkFree(WordView& words, VirtAddr block) {
  SetFlag(words, LinkAfter(words, block), kPrevIsFree, true);
  SetFlag(words, block, kFree, true);
}

// What remains behind the first `size` bytes becomes a block of its own. The flag that the one before it is free holds until
// that one is marked as used.
void TlsfHeap::CutRest(WordView& words, VirtAddr block, std::uint32_t size) {
  ++state_.counters.Of<"splits">();
  const VirtAddr rest = block + (kSize + size);
  SetSize(words, rest, Size(words, block) - (size + kOverhead));
  SetSize(words, block, size);
  MarkFree(words, rest);
  LinkAfter(words, block);
  SetFlag(words, rest, kPrevIsFree, true);
  Insert(words, rest);
}

void TlsfHeap::Absorb(WordView& words, VirtAddr before, VirtAddr block) {
  words.Store(before + kSize, words.Load(before + kSize) + Size(words, block) + kOverhead);
  LinkAfter(words, before);
}

HeapResult TlsfHeap::Free(VirtAddr payload) {
  if (payload.is_null()) return {};
  WordView words(space_, costs_);
  VirtAddr block = payload - kPayload;
  MarkFree(words, block);
  const bool below = (words.Load(block + kSize) & kPrevIsFree) != 0;
  if (below) {
    const VirtAddr before(words.Load(block));
    Remove(words, before, ListOf(Size(words, before)));
    Absorb(words, before, block);
    block = before;
  }
  const VirtAddr after = After(words, block);
  const bool above = (words.Load(after + kSize) & kFree) != 0;
  if (above) {
    Remove(words, after, ListOf(Size(words, after)));
    Absorb(words, block, after);
  }
  Insert(words, block);
  ++state_.counters.Of<"merges">(MergedWith(below, above));
  return {};
}

}  // namespace alloclab
