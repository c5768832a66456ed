// Looking at the heap: all of it is safe on any contents of RAM.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "allocators/heap/zephyr/zephyr_sys_heap.h"
#include "allocators/machine/loop_watch.h"

namespace alloclab {

std::optional<BrokenWalk> ZephyrSysHeap::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  const VirtAddr wanted(from.address);
  for (Chunk chunk = from.exact ? (wanted - start()) / kUnit : 0;;) {
    const VirtAddr at = At(chunk);
    const std::optional<std::uint32_t> left = space_.Peek(at + kLeftOffset), size = space_.Peek(at + kSizeOffset);
    if (!left || !size) return BrokenWalk{at.raw(), absl::StrFormat("the chunk at %#010x is not mapped", at.raw())};
    if (chunk >= end_) {
      if (chunk == end_ && brk() > wanted) {
        visit({.address = at.raw(), .bytes = brk() - at, .kind = BlockKind::kMetadata, .fields = {*left, *size}});
      }
      return std::nullopt;
    }
    const std::uint32_t units = *size >> 1;
    if (units == 0 || units > end_ - chunk) {
      return BrokenWalk{
          at.raw(), absl::StrFormat("the chunk at %#010x has %d units of 8 bytes; up to the end marker there are %d", at.raw(),
                                    units, end_ - chunk)};
    }
    const bool is_free = (*size & kUsed) == 0;
    Block block{.address = at.raw(), .bytes = units * kUnit, .kind = BlockKind::kLive, .fields = {*left, *size}};
    if (chunk == 0) {
      block.kind = BlockKind::kMetadata;
    } else if (is_free) {
      block.kind = BlockKind::kFree;
      if (units > 1) block.fields = {*left, *size, Peek(at + kPrevOffset), Peek(at + kNextOffset)};
    } else {
      block.payload = (at + kHeader).raw();
    }
    chunk += units;
    if (At(chunk) > wanted && !visit(block)) return std::nullopt;
  }
}

std::vector<std::uint64_t> ZephyrSysHeap::FigureValues() const {
  std::uint64_t solo_free = 0;
  VisitBlocks({}, [&solo_free](const Block& block) {
    solo_free += block.kind == BlockKind::kFree && block.bytes == kUnit;
    return true;
  });
  return {solo_free, Peek(start() + kAvailOffset)};
}

void ZephyrSysHeap::VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const {
  for (VirtAddr word = start(); word < Entry(buckets_); word = word + kWordBytes) visit(Peek(word));
  InterruptPoll poll(interrupt);
  VisitBlocks({}, [&](const Block& block) {
    if (block.address == start().raw()) return true;
    visit(block.fields[0]);
    visit(block.fields[1]);
    if (block.kind == BlockKind::kFree && block.bytes > kUnit) visit(block.fields[2]), visit(block.fields[3]);
    return !poll.Step();
  });
}

std::vector<ZephyrSysHeap::Chunk> ZephyrSysHeap::CheckRings(std::vector<Violation>& found) const {
  const auto add = [&](const char* invariant, VirtAddr where, std::string what) {
    if (found.size() < kViolationsMax) found.push_back({invariant, where.raw(), std::move(what)});
  };
  const std::uint32_t avail = Peek(start() + kAvailOffset);
  std::vector<Chunk> listed;
  for (std::uint32_t bucket = 0; bucket < 32; ++bucket) {
    const Chunk entry = bucket < buckets_ ? Peek(Entry(bucket)) : 0;
    if ((avail >> bucket & 1) != (entry == 0 ? 0 : 1)) {
      add("Z4", start() + kAvailOffset,
          absl::StrFormat("avail is %#x, but the entry of bucket %d is %d", avail, bucket, entry));
    }
    LoopWatch<VirtAddr> watch;
    for (Chunk chunk = entry; chunk != 0;) {
      const std::uint32_t size = Peek(At(chunk) + kSizeOffset), next = Peek(At(chunk) + kNextOffset);
      if (chunk >= end_ || size < 2 * 2 || (size & kUsed) != 0 || BucketOf(size >> 1) != bucket) {
        add("Z3", At(chunk),
            absl::StrFormat("the ring of bucket %d has the chunk %d, which does not belong there", bucket, chunk));
        break;
      }
      listed.push_back(chunk);
      if (Peek(At(next) + kPrevOffset) != chunk || (next != entry && watch.Revisits(At(next)))) {
        add("Z3", At(chunk),
            absl::StrFormat("the ring of bucket %d has the chunk %d behind %d, and not the other way round", bucket, next,
                            chunk));
        break;
      }
      chunk = next == entry ? 0 : next;
    }
  }
  std::sort(listed.begin(), listed.end());
  return listed;
}

std::vector<Violation> ZephyrSysHeap::CheckInvariants(const Interrupt& interrupt) const {
  std::vector<Violation> found;
  const auto add = [&](const char* invariant, VirtAddr where, std::string what) {
    if (found.size() < kViolationsMax) found.push_back({invariant, where.raw(), std::move(what)});
  };
  const std::vector<Chunk> listed = CheckRings(found);
  InterruptPoll poll(interrupt);
  std::uint32_t before_units = 0;
  std::size_t ringed = 0;  // free chunks of 2 units or more
  bool before_free = false;
  const std::optional<BrokenWalk> broken = VisitBlocks({}, [&](const Block& block) {
    const VirtAddr at(block.address);
    const bool is_free = block.kind == BlockKind::kFree;
    if (block.fields[0] != before_units) {
      add("Z1", at,
          absl::StrFormat("chunk %#010x says that %d units are in front, not %d", at.raw(), block.fields[0], before_units));
    }
    if (is_free && before_free) add("Z2", at, absl::StrFormat("chunk %#010x is free and so is the one before", at.raw()));
    if (is_free && block.bytes > kUnit) {
      ++ringed;
      if (!std::binary_search(listed.begin(), listed.end(), (at - start()) / kUnit)) {
        add("Z3", at, absl::StrFormat("chunk %#010x is free and in no ring", at.raw()));
      }
    }
    before_units = block.fields[1] >> 1;
    before_free = is_free;
    return !poll.Step();
  });
  if (poll.interrupted()) return found;
  if (broken) {
    add("Z1", VirtAddr(broken->address), broken->what);
  } else if (ringed != listed.size()) {
    add("Z3", start(), absl::StrFormat("the rings have %d chunks; %d of 2 units or more are free", listed.size(), ringed));
  }
  if (!broken && Peek(At(end_) + kSizeOffset) != kUsed) {
    add("Z1", At(end_), absl::StrFormat("the end marker has the size %#x; expected 1", Peek(At(end_) + kSizeOffset)));
  }
  return found;
}

}  // namespace alloclab
