#include "allocators/testing/walk_checks.h"

#include <algorithm>
#include <optional>
#include <span>

#include "absl/strings/str_format.h"
#include "allocators/common/violation.h"

namespace alloclab {
namespace {

std::string FirstViolation(const std::vector<Violation>& found) {
  if (found.empty()) return {};
  return absl::StrFormat("breaks %s at %#x: %s", found.front().invariant, found.front().address, found.front().what);
}

// The blocks from the cursor on; `wrong` says where the walk is broken.
template <class Allocator>
std::vector<Block> Walk(const Allocator& allocator, BlockCursor from, std::string& wrong) {
  std::vector<Block> walk;
  const std::optional<BrokenWalk> broken = allocator.VisitBlocks(from, [&walk](const Block& block) {
    walk.push_back(block);
    return true;
  });
  if (broken) wrong = absl::StrFormat("shows a broken chain of blocks at %#x: %s", broken->address, broken->what);
  return walk;
}

std::string CheckTiling(const HeapAllocator& heap, const std::vector<Block>& walk) {
  std::uint64_t at = heap.start().raw();
  for (const Block& block : walk) {
    if (block.address != at) return absl::StrFormat("shows a block at %#x, but the one before ends at %#x", block.address, at);
    if (block.bytes == 0) return absl::StrFormat("shows a block of no bytes at %#x", block.address);
    at += block.bytes;
    if (block.kind != BlockKind::kLive && block.payload != 0) {
      return absl::StrFormat("shows a payload at %#x in the block at %#x, which is not live", block.payload, block.address);
    }
  }
  if (at != heap.brk().raw()) return absl::StrFormat("shows blocks up to %#x, but the break is %#x", at, heap.brk().raw());
  return {};
}

std::string CheckLiveBlocks(const HeapShadow& shadow, const std::vector<Block>& walk) {
  auto expected = shadow.blocks().begin();
  for (const Block& block : walk) {
    if (block.kind != BlockKind::kLive) continue;
    if (expected == shadow.blocks().end() || block.payload < expected->first) {
      return absl::StrFormat("shows a live block with a payload at %#x, which the program does not hold", block.payload);
    }
    if (block.payload != expected->first) return absl::StrFormat("does not show the live block at %#x", expected->first);
    if (block.payload < block.address || block.payload + std::uint64_t{expected->second.bytes} > block.address + block.bytes) {
      return absl::StrFormat("shows a block from %#x to %#x for %d bytes at %#x", block.address, block.address + block.bytes,
                             expected->second.bytes, block.payload);
    }
    ++expected;
  }
  if (expected != shadow.blocks().end()) return absl::StrFormat("does not show the live block at %#x", expected->first);
  return {};
}

std::string CheckShape(const HeapAllocator& heap, const std::vector<Block>& walk) {
  const HeapShape shape = heap.Shape();
  HeapShape counted{.start = heap.start(), .brk = heap.brk(), .limit = heap.limit()};
  std::uint64_t metadata_bytes = 0;
  for (const Block& block : walk) {
    counted.Add(block);
    if (block.kind == BlockKind::kMetadata) metadata_bytes += block.bytes;
  }
  const std::uint64_t sum = shape.live_block_bytes + shape.free_bytes + metadata_bytes;
  if (sum != shape.size_bytes()) {
    return absl::StrFormat("has %d live, %d free and %d metadata bytes: %d of a heap of %d", shape.live_block_bytes,
                           shape.free_bytes, metadata_bytes, sum, shape.size_bytes());
  }
  if (shape == counted) return {};
  return absl::StrFormat(
      "has a shape of %d blocks, %d live, %d free, the largest of %d bytes, but shows %d, %d, %d, and %d bytes", shape.blocks,
      shape.live_blocks, shape.free_blocks, shape.largest_free_bytes, counted.blocks, counted.live_blocks, counted.free_blocks,
      counted.largest_free_bytes);
}

std::string CheckFreePages(const Instance& instance, const PageShadow& shadow, const std::vector<Block>& walk) {
  const PageShape shape = instance.pages().Shape();
  std::uint64_t free_bytes = 0, largest = 0;
  std::uint32_t free_blocks = 0;
  for (const Block& block : walk) {
    if (block.kind != BlockKind::kFree) continue;
    const PhysAddr first(block.address);
    const auto bytes = static_cast<std::uint32_t>(block.bytes);
    if (first.offset() != 0 || bytes % kPageBytes != 0 || !shape.arena.Contains(first, bytes)) {
      return absl::StrFormat("shows %d free bytes at %#x: no whole pages of the arena", bytes, block.address);
    }
    if (shadow.HeldBytes(first, bytes) != 0) return absl::StrFormat("shows pages as free at %#x that are held", block.address);
    if (instance.memory().AnyPinned(FrameOf(first), bytes >> kPageShift)) {
      return absl::StrFormat("shows pages as free at %#x that the machine uses", block.address);
    }
    free_bytes += block.bytes;
    largest = std::max(largest, block.bytes);
    ++free_blocks;
  }
  if (shape.free_bytes != free_bytes || shape.free_blocks != free_blocks || shape.largest_free_bytes != largest) {
    return absl::StrFormat("has a shape of %d free bytes in %d blocks, the largest of %d, but shows %d in %d, and %d",
                           shape.free_bytes, shape.free_blocks, shape.largest_free_bytes, free_bytes, free_blocks, largest);
  }
  if (free_bytes + shadow.HeldBytes() > shape.arena.bytes) {
    return absl::StrFormat("has %d free bytes, and %d are held, of %d", free_bytes, shadow.HeldBytes(), shape.arena.bytes);
  }
  return {};
}

template <class Allocator>
std::string CheckResumed(const Allocator& allocator, const std::vector<Block>& walk, std::size_t at, BlockCursor from) {
  std::string wrong;
  const std::vector<Block> rest = Walk(allocator, from, wrong);
  if (!wrong.empty()) return wrong;
  if (!std::ranges::equal(rest, std::span(walk).subspan(at))) {
    return absl::StrFormat("a walk that goes on %s %#x shows %d blocks, not the last %d of %d",
                           from.exact ? "exactly at" : "at", from.address, rest.size(), walk.size() - at, walk.size());
  }
  std::size_t shown = 0;
  const bool broken = allocator.VisitBlocks(from, [&shown](const Block&) { return ++shown < 2; }).has_value();
  if (broken || shown != std::min<std::size_t>(2, walk.size() - at)) {
    return absl::StrFormat("a walk from %#x that is told to stop at the second block shows %d", from.address, shown);
  }
  return {};
}

}  // namespace

std::string CheckHeap(const HeapAllocator& heap, const HeapShadow& shadow, std::vector<Block>& walk) {
  std::string wrong = FirstViolation(heap.CheckInvariants());
  walk = Walk(heap, {}, wrong);
  if (!wrong.empty() || !heap.declaration().shows_blocks) return wrong;
  wrong = CheckTiling(heap, walk);
  if (wrong.empty()) wrong = CheckLiveBlocks(shadow, walk);
  return wrong.empty() ? CheckShape(heap, walk) : wrong;
}

std::string CheckPages(const Instance& instance, const PageShadow& shadow, std::vector<Block>& walk) {
  std::string wrong = FirstViolation(instance.pages().CheckInvariants());
  walk = Walk(instance.pages(), {}, wrong);
  return wrong.empty() ? CheckFreePages(instance, shadow, walk) : wrong;
}

std::string CheckResumedWalk(const HeapAllocator& heap, const std::vector<Block>& walk, std::size_t at) {
  std::string wrong = CheckResumed(heap, walk, at, {.address = walk[at].address, .exact = true});
  const auto last_byte = static_cast<std::uint32_t>(walk[at].address + walk[at].bytes - 1);
  return wrong.empty() ? CheckResumed(heap, walk, at, {.address = last_byte}) : wrong;
}

std::string CheckResumedWalk(const PageAllocator& pages, const std::vector<Block>& walk, std::size_t at) {
  return CheckResumed(pages, walk, at, {.address = walk[at].address, .exact = true});
}

}  // namespace alloclab
