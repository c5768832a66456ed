#include "allocators/heap/zephyr/zephyr_sys_heap.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/heap/heap_guard.h"
#include "allocators/heap/heap_range.h"
#include "allocators/machine/loop_watch.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kTries = 3;

constexpr FigureInfo kFigures[] = {
    {"solo_free", "free chunks of one unit, which are in no list"},
    {"avail_buckets", "bit i: bucket i has free chunks", FigureInfo::Unit::kWord},
};
constexpr FieldInfo kFields[] = {
    {"left", "units of 8 bytes of the chunk in front", FigureInfo::Unit::kCount},
    {"size", "units of 8 bytes, header included, times 2; bit 0: in use", FigureInfo::Unit::kWord},
    {"prev", "of a free chunk: the one before it in its ring, in units from the start", FigureInfo::Unit::kCount},
    {"next", "of a free chunk: the one after it in its ring, in units from the start", FigureInfo::Unit::kCount},
};
constexpr Declaration kDeclaration{
    .counters = kZephyrCounters,
    .figures = kFigures,
    .block_fields = kFields,
    .alignment = 8,
    .request_max = 0xFFFFFFF0,  // above, header and rounding wrap
};

}  // namespace

ZephyrSysHeap::ZephyrSysHeap(AddressSpace& space, std::uint32_t arena_bytes, bool guarded)
    : HeapAllocator(space, ProgramBreak::Arena(space, kHeapStart, arena_bytes)),
      guarded_(guarded),
      end_(LenOf(arena_bytes)),
      buckets_(BucketOf(end_) + 1) {
  ALLOCLAB_CHECK_GE(arena_bytes, kArenaBytesMin);
  WordView words(space_, costs_);
  Init(words);
}

const Declaration& ZephyrSysHeap::declaration() const { return kDeclaration; }

std::uint32_t ZephyrSysHeap::PayloadBytes(VirtAddr block) {
  AccessCosts uncounted;
  WordView words(space_, uncounted);
  return Size(words, (block - kHeader - start()) / kUnit) * kUnit - kHeader;
}

std::uint32_t ZephyrSysHeap::BlockBytes(std::uint32_t bytes) const { return UnitsFor(bytes) * kUnit; }

VirtAddr ZephyrSysHeap::At(Chunk chunk) const { return start() + chunk * kUnit; }
VirtAddr ZephyrSysHeap::Entry(std::uint32_t bucket) const { return start() + kEntriesOffset + bucket * kWordBytes; }

std::uint32_t ZephyrSysHeap::Size(WordView& words, Chunk chunk) const { return words.Load(At(chunk) + kSizeOffset) >> 1; }
void ZephyrSysHeap::SetSize(WordView& words, Chunk chunk, std::uint32_t units) {
  words.Store(At(chunk) + kSizeOffset, units << 1);
}
bool ZephyrSysHeap::IsUsed(WordView& words, Chunk chunk) const { return (words.Load(At(chunk) + kSizeOffset) & kUsed) != 0; }
void ZephyrSysHeap::SetUsed(WordView& words, Chunk chunk, bool used) {
  const std::uint32_t size = words.Load(At(chunk) + kSizeOffset);
  words.Store(At(chunk) + kSizeOffset, used ? size | kUsed : size & ~kUsed);
}
void ZephyrSysHeap::SetLeft(WordView& words, Chunk chunk, std::uint32_t units) { words.Store(At(chunk) + kLeftOffset, units); }
ZephyrSysHeap::Chunk ZephyrSysHeap::Right(WordView& words, Chunk chunk) const { return chunk + Size(words, chunk); }

// sys_heap_init
void ZephyrSysHeap::Init(WordView& words) {
  const std::uint32_t first = (kEntriesOffset + buckets_ * kWordBytes + (kUnit - 1)) / kUnit;
  words.Store(start() + kLenOffset, end_);
  words.Store(start() + kAvailOffset, 0);
  for (std::uint32_t bucket = 0; bucket < buckets_; ++bucket) words.Store(Entry(bucket), 0);
  SetLeft(words, 0, 0);
  SetSize(words, 0, first);
  SetUsed(words, 0, true);
  SetLeft(words, first, first);
  SetSize(words, first, end_ - first);
  SetLeft(words, end_, end_ - first);
  SetSize(words, end_, 0);
  SetUsed(words, end_, true);
  Add(words, first);
}

HeapResult ZephyrSysHeap::Malloc(std::uint32_t bytes) {
  if (bytes == 0) return {Outcome::kZeroSize, VirtAddr{}};
  const std::uint32_t units = UnitsFor(bytes);
  const Found found = Search(bytes, units);
  // Of a request that is refused what its search has stored is undone.
  costs_.words_stored -= found.moves;
  EndSearch();
  if (found.chunk == 0 && guarded_) {
    AccessCosts uncounted;
    if (found.moves != 0) WordView(space_, uncounted).Store(Entry(BucketOf(units)), found.first);
    return {Outcome::kOutOfMemory, VirtAddr{}};
  }
  costs_.words_stored += found.moves;
  if (found.chunk == 0) return {Outcome::kOutOfMemory, VirtAddr{}};
  return {Outcome::kOk, Take(found, units)};
}

ZephyrSysHeap::Found ZephyrSysHeap::Search(std::uint32_t bytes, std::uint32_t units) {
  WordView words(space_, costs_);
  Found found;
  if (bytes / kUnit >= words.Load(start() + kLenOffset)) return found;
  found.bucket = BucketOf(units);
  if (found.bucket > BucketOf(words.Load(start() + kLenOffset))) return found;
  SearchBucket(words, units, found);
  if (found.chunk != 0) return found;
  const std::uint32_t below = (1u << (found.bucket + 1) % 32) - 1;  // the processor shifts modulo 32
  const std::uint32_t larger = words.Load(start() + kAvailOffset) & ~below;
  if (larger == 0) return found;
  found.bucket = static_cast<std::uint32_t>(std::countr_zero(larger));
  found.chunk = words.Load(Entry(found.bucket));
  found.is_larger = true;
  return found;
}

void ZephyrSysHeap::SearchBucket(WordView& words, std::uint32_t units, Found& found) {
  const VirtAddr entry = Entry(found.bucket);
  found.first = words.Load(entry);
  if (found.first == 0) return;
  std::uint32_t page = ~0u;
  do {
    const Chunk chunk = words.Load(entry);
    ++costs_.search_steps;
    if (page != At(chunk).page()) ++costs_.search_pages, page = At(chunk).page();
    if (Size(words, chunk) >= units) {
      found.chunk = chunk;
      return;
    }
    words.Store(entry, words.Load(At(chunk) + kNextOffset));
    ++found.moves;
  } while (found.moves < kTries && words.Load(entry) != found.first);
}

// Out of its ring, and cut.
VirtAddr ZephyrSysHeap::Take(const Found& found, std::uint32_t units) {
  WordView words(space_, costs_);
  const Chunk chunk = found.chunk;
  if (found.is_larger) {
    ++counters_.Of<"higher_bucket">();
  } else {
    ++counters_.Of<"probe_hits">();
  }
  RemoveFrom(words, chunk, found.bucket);
  if (Size(words, chunk) > units) {
    ++counters_.Of<"splits">();
    Split(words, chunk, chunk + units);
    Add(words, chunk + units);
  }
  SetUsed(words, chunk, true);
  return At(chunk) + kHeader;
}

void ZephyrSysHeap::Split(WordView& words, Chunk chunk, Chunk rest) {
  const std::uint32_t size = Size(words, chunk), left = rest - chunk;
  SetSize(words, chunk, left);
  SetSize(words, rest, size - left);
  SetLeft(words, rest, left);
  SetLeft(words, Right(words, rest), size - left);
}

void ZephyrSysHeap::Merge(WordView& words, Chunk chunk, Chunk right) {
  const std::uint32_t size = Size(words, chunk) + Size(words, right);
  SetSize(words, chunk, size);
  SetLeft(words, Right(words, chunk), size);
}

// The last of its ring: in front of the entry. Alone it is the entry.
void ZephyrSysHeap::Add(WordView& words, Chunk chunk) {
  const std::uint32_t size = Size(words, chunk);
  if (size == 1) return;
  const std::uint32_t bucket = BucketOf(size);
  const Chunk entry = words.Load(Entry(bucket));
  if (entry == 0) {
    words.Store(start() + kAvailOffset, words.Load(start() + kAvailOffset) | 1u << bucket);
    words.Store(Entry(bucket), chunk);
    words.Store(At(chunk) + kPrevOffset, chunk);
    words.Store(At(chunk) + kNextOffset, chunk);
    return;
  }
  const Chunk last = words.Load(At(entry) + kPrevOffset);
  words.Store(At(chunk) + kPrevOffset, last);
  words.Store(At(chunk) + kNextOffset, entry);
  words.Store(At(last) + kNextOffset, chunk);
  words.Store(At(entry) + kPrevOffset, chunk);
}

void ZephyrSysHeap::Remove(WordView& words, Chunk chunk) {
  const std::uint32_t size = Size(words, chunk);
  if (size != 1) RemoveFrom(words, chunk, BucketOf(size));
}

// The entry becomes the next one, whichever it was.
void ZephyrSysHeap::RemoveFrom(WordView& words, Chunk chunk, std::uint32_t bucket) {
  const Chunk next = words.Load(At(chunk) + kNextOffset);
  if (next == chunk) {
    words.Store(start() + kAvailOffset, words.Load(start() + kAvailOffset) & ~(1u << bucket));
    words.Store(Entry(bucket), 0);
    return;
  }
  const Chunk prev = words.Load(At(chunk) + kPrevOffset);
  words.Store(Entry(bucket), next);
  words.Store(At(prev) + kNextOffset, next);
  words.Store(At(next) + kPrevOffset, prev);
}

HeapResult ZephyrSysHeap::Free(VirtAddr block) {
  if (block.is_null()) return {};
  WordView words(space_, costs_);
  Chunk chunk = (block - kHeader - start()) / kUnit;
  SetUsed(words, chunk, false);
  const Chunk right = Right(words, chunk);
  const bool above = !IsUsed(words, right);
  if (above) {
    Remove(words, right);
    Merge(words, chunk, right);
  }
  const Chunk left = chunk - words.Load(At(chunk) + kLeftOffset);
  const bool below = !IsUsed(words, left);
  if (below) {
    Remove(words, left);
    Merge(words, left, chunk);
    chunk = left;
  }
  Add(words, chunk);
  ++counters_.Of<"merges">(MergedWith(below, above));
  return {};
}

HeapAllocatorInfo ZephyrSysHeapInfo() {
  return {.name = "zephyr-sys-heap",
          .title = "Zephyr sys_heap",
          .description =
              "Rings of free chunks by powers of two in one array: three tries in the request's own, then the next "
              "larger one; a free merges at once with both neighbours.",
          .source = "Zephyr 2.5, lib/os/heap.c",
          .declaration = &kDeclaration,
          .parameters = {ArenaParameter(64u << 20)},
          .make = [](const HeapServices& machine, bool guarded,
                     const ParameterValues& values) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
            const std::uint32_t arena = NumberValue(values, "heap.arena_bytes");
            if (arena < ZephyrSysHeap::kArenaBytesMin) {
              return absl::InvalidArgumentError(absl::StrFormat(
                  "heap.arena_bytes: %d; expected at least %d bytes: the 4-byte headers of smaller ones are not there", arena,
                  ZephyrSysHeap::kArenaBytesMin));
            }
            if (absl::Status status = ReserveHeapRange(machine.space, "heap.arena_bytes", arena); !status.ok()) return status;
            if (!machine.space.CanBringPages(2)) {
              return absl::ResourceExhaustedError(
                  "no page frames left for the heap's first and last page: give the machine more RAM");
            }
            return std::make_unique<HeapGuard>(std::make_unique<ZephyrSysHeap>(machine.space, arena, guarded),
                                               guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
          }};
}

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
