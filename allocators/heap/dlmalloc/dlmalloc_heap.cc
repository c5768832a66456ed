#include "allocators/heap/dlmalloc/dlmalloc_heap.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "allocators/heap/heap_guard.h"
#include "allocators/heap/heap_range.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kSmallRequestMax = 244;
constexpr std::uint32_t kRequestEnd = 0xFFFFFFC0;
constexpr std::uint32_t kRefused = 0xFFFFFFFF;  // the size of a chunk for a request from kRequestEnd on: never found
constexpr std::uint32_t kGrowthPad = 48;        // bytes of a growth beyond the chunk
constexpr std::uint32_t kGrowthEnd = 0x7FFFFFFF;
constexpr std::uint32_t kTrimThreshold = 2u << 20;

constexpr FigureInfo kFigures[] = {
    {"dv", "the designated victim, a free chunk that no bin has; 0: none", FigureInfo::Unit::kAddress},
    {"dvsize", "bytes of the designated victim", FigureInfo::Unit::kBytes},
    {"top", "the chunk at the end of the heap", FigureInfo::Unit::kAddress},
    {"topsize", "bytes of the chunk at the end of the heap", FigureInfo::Unit::kBytes},
    {"footprint", "bytes that the heap has from the system", FigureInfo::Unit::kBytes},
    {"max_footprint", "the most bytes that the heap had from the system", FigureInfo::Unit::kBytes},
    {"smallmap", "bit i: the small bin of chunks of 8 * i bytes is not empty", FigureInfo::Unit::kWord},
    {"treemap", "bit i: tree i is not empty", FigureInfo::Unit::kWord},
};
constexpr FieldInfo kFields[] = {
    {"head", "size in bytes; bit 0: the chunk before is in use; bit 1: this one is", FigureInfo::Unit::kWord},
    {"fd", "of a free chunk in a bin: the next of its ring", FigureInfo::Unit::kAddress},
    {"bk", "of a free chunk in a bin: the one before in its ring", FigureInfo::Unit::kAddress},
    {"foot", "of a free chunk: its size again, behind it", FigureInfo::Unit::kBytes},
};
constexpr Declaration kDeclaration{.counters = kDlmallocCounters,
                                   .figures = kFigures,
                                   .block_fields = kFields,
                                   .alignment = 8,
                                   .request_max = kRequestEnd - 1};

std::uint32_t ChunkSize(std::uint32_t bytes) {
  if (bytes >= kRequestEnd) return kRefused;
  return std::max(16u, (bytes + 11) & ~7u);
}

std::uint32_t WholePages(std::uint32_t bytes) { return (bytes + (kPageBytes - 1)) & ~(kPageBytes - 1); }  // wraps

}  // namespace

DlmallocHeap::DlmallocHeap(AddressSpace& space, std::uint32_t limit_bytes)
    : HeapAllocator(space, ProgramBreak(space, kHeapStart, kHeapStart + limit_bytes)) {}

const Declaration& DlmallocHeap::declaration() const { return kDeclaration; }

std::uint32_t DlmallocHeap::PayloadBytes(VirtAddr block) {
  AccessCosts uncounted;
  WordView words(space_, uncounted);
  return Size(words, block - kPayload) - kWordBytes;
}

std::uint32_t DlmallocHeap::BlockBytes(std::uint32_t bytes) const { return ChunkSize(bytes); }

std::vector<std::uint64_t> DlmallocHeap::FigureValues() const {
  return {state_.dv.raw(),  state_.dv_size,       state_.top.raw(), state_.top_size,
          state_.footprint, state_.max_footprint, state_.small_map, state_.tree_map};
}

void DlmallocHeap::Require(bool right) {
  if (!right) throw MachineStop{Outcome::kPanic};
}

void DlmallocHeap::MarkGiven(WordView& words, VirtAddr chunk, std::uint32_t size) {
  words.Store(chunk + kHead, size | kPreviousInUse | kInUse);
}

void DlmallocHeap::MarkGivenWhole(WordView& words, VirtAddr chunk, std::uint32_t size) {
  MarkGiven(words, chunk, size);
  const VirtAddr next = chunk + size;
  words.Store(next + kHead, words.Load(next + kHead) | kPreviousInUse);
}

void DlmallocHeap::MarkFree(WordView& words, VirtAddr chunk, std::uint32_t size) {
  words.Store(chunk + kHead, size | kPreviousInUse);
  words.Store(chunk + size, size);
}

void DlmallocHeap::MarkFreed(WordView& words, VirtAddr chunk, std::uint32_t size, VirtAddr next) {
  words.Store(next + kHead, words.Load(next + kHead) & ~kPreviousInUse);
  MarkFree(words, chunk, size);
}

HeapResult DlmallocHeap::Malloc(std::uint32_t bytes) {
  const std::uint32_t size = ChunkSize(bytes);
  VirtAddr chunk;
  if (bytes <= kSmallRequestMax) {
    chunk = TakeSmall(size);
  } else if (bytes < kRequestEnd && state_.tree_map != 0) {
    chunk = TakeLargeFromTree(size);
  }
  if (chunk.is_null()) chunk = TakeVictim(size);
  if (chunk.is_null() && size < state_.top_size) {
    chunk = TakeTop(size);
    ++state_.counters.Of<"top_split">();
  }
  if (chunk.is_null()) {
    if (!Grow(size)) return {Outcome::kOutOfMemory, VirtAddr{}};
    chunk = TakeTop(size);
    ++state_.counters.Of<"sys_alloc">();
  }
  return {Outcome::kOk, chunk + kPayload};
}

HeapResult DlmallocHeap::Calloc(std::uint32_t count, std::uint32_t bytes) {
  if (count > 0 && bytes > std::numeric_limits<std::uint32_t>::max() / count) return Malloc(kRefused);
  return HeapAllocator::Calloc(1, count * bytes);
}

VirtAddr DlmallocHeap::TakeSmall(std::uint32_t size) {
  const std::uint32_t index = size / 8, bits = state_.small_map >> index;
  if ((bits & 3) != 0) return TakeWholeOfBin(index + (~bits & 1));
  if (size <= state_.dv_size) return {};
  if (bits != 0) return TakePartOfBin(index + static_cast<std::uint32_t>(std::countr_zero(bits)), size);
  return state_.tree_map != 0 ? TakeSmallFromTree(size) : VirtAddr{};
}

VirtAddr DlmallocHeap::TakeWholeOfBin(std::uint32_t index) {
  WordView words(space_, costs_);
  const VirtAddr chunk = state_.bins[index].fd;
  UnlinkFirst(words, chunk, index);
  MarkGivenWhole(words, chunk, index * 8);
  ++state_.counters.Of<"small_exact">();
  return chunk;
}

VirtAddr DlmallocHeap::TakePartOfBin(std::uint32_t index, std::uint32_t size) {
  WordView words(space_, costs_);
  const VirtAddr chunk = state_.bins[index].fd;
  UnlinkFirst(words, chunk, index);
  MarkGiven(words, chunk, size);
  const std::uint32_t rest = index * 8 - size;
  MarkFree(words, chunk + size, rest);
  ReplaceVictim(words, chunk + size, rest);
  ++state_.counters.Of<"small_next_bin">();
  return chunk;
}

VirtAddr DlmallocHeap::TakeSmallFromTree(std::uint32_t size) {
  const Found found = SearchSmall(size);
  EndSearch();
  TakeFound(found, size, /*rest_is_victim=*/true);
  ++state_.counters.Of<"tree_small">();
  return found.chunk;
}

VirtAddr DlmallocHeap::TakeLargeFromTree(std::uint32_t size) {
  const Found found = SearchLarge(size);
  EndSearch();
  // The difference wraps when dv is too small, and then is larger than any rest.
  if (found.chunk.is_null() || found.rest >= state_.dv_size - size) return {};
  TakeFound(found, size, /*rest_is_victim=*/false);
  ++state_.counters.Of<"tree_large">();
  return found.chunk;
}

void DlmallocHeap::TakeFound(const Found& found, std::uint32_t size, bool rest_is_victim) {
  WordView words(space_, costs_);
  const VirtAddr chunk = found.chunk, rest = chunk + size;
  Require(InHeap(chunk) && chunk < rest);
  UnlinkLarge(words, chunk);
  if (found.rest < kChunkMin) return MarkGivenWhole(words, chunk, found.rest + size);
  MarkGiven(words, chunk, size);
  MarkFree(words, rest, found.rest);
  if (rest_is_victim) {
    ReplaceVictim(words, rest, found.rest);
  } else {
    Insert(words, rest, found.rest);
  }
}

VirtAddr DlmallocHeap::TakeVictim(std::uint32_t size) {
  if (size > state_.dv_size) return {};
  WordView words(space_, costs_);
  const VirtAddr chunk = state_.dv;
  const std::uint32_t whole = state_.dv_size, rest = whole - size;
  if (rest >= kChunkMin) {
    state_.dv = chunk + size;
    state_.dv_size = rest;
    MarkFree(words, state_.dv, rest);
    MarkGiven(words, chunk, size);
    ++state_.counters.Of<"dv_split">();
  } else {
    state_.dv = VirtAddr{};
    state_.dv_size = 0;
    MarkGivenWhole(words, chunk, whole);
    ++state_.counters.Of<"dv_whole">();
  }
  return chunk;
}

VirtAddr DlmallocHeap::TakeTop(std::uint32_t size) {
  WordView words(space_, costs_);
  const VirtAddr chunk = state_.top;
  state_.top_size -= size;
  state_.top = chunk + size;
  words.Store(state_.top + kHead, state_.top_size | kPreviousInUse);
  MarkGiven(words, chunk, size);
  return chunk;
}

// sys_alloc: makes top large enough.
bool DlmallocHeap::Grow(std::uint32_t size) {
  const std::uint32_t whole = WholePages(size + kGrowthPad);
  if (whole <= size) return false;  // wrapped
  std::uint32_t bytes = WholePages(size - state_.top_size + kGrowthPad);
  VirtAddr more = ProgramBreak::kFailed;
  if (state_.contiguous) {
    if (bytes < kGrowthEnd) more = break_.Sbrk(static_cast<std::int32_t>(bytes));
    state_.contiguous = more != ProgramBreak::kFailed;
  }
  if (more == ProgramBreak::kFailed) {
    bytes = whole;
    if (bytes < kGrowthEnd) more = break_.Sbrk(static_cast<std::int32_t>(bytes));
    if (more == ProgramBreak::kFailed) return false;
  }
  state_.footprint += bytes;
  state_.max_footprint = std::max(state_.max_footprint, state_.footprint);
  state_.segment_bytes += bytes;
  WordView words(space_, costs_);
  if (state_.base.is_null()) {
    state_.base = more;
    for (std::uint32_t i = 0; i < kBins; ++i) state_.bins[i] = {VirtAddr(kBinHeads + i), VirtAddr(kBinHeads + i)};
    SetTop(words, more, bytes - kTopFoot);
  } else {
    SetTop(words, state_.top, state_.top_size + bytes);
  }
  return true;
}

void DlmallocHeap::SetTop(WordView& words, VirtAddr top, std::uint32_t size) {
  state_.top = top;
  state_.top_size = size;
  words.Store(top + kHead, size | kPreviousInUse);
  words.Store(top + size + kHead, kTopFoot);
  state_.trim_check = kTrimThreshold;
}

HeapResult DlmallocHeap::Free(VirtAddr block) {
  if (block.is_null()) return {};
  WordView words(space_, costs_);
  VirtAddr chunk = block - kPayload;
  Require(InHeap(chunk) && (words.Load(chunk + kHead) & (kPreviousInUse | kInUse)) != kPreviousInUse);
  std::uint32_t size = Size(words, chunk);
  const VirtAddr next = chunk + size;
  if ((words.Load(chunk + kHead) & kPreviousInUse) == 0) {
    const std::uint32_t before = words.Load(chunk);
    // Neither bit: a block of mmap, which this system takes back no more than it gives one.
    if ((words.Load(chunk + kHead) & kInUse) == 0) return {};
    chunk = chunk - before;
    size += before;
    Require(InHeap(chunk));
    if (chunk != state_.dv) {
      Unlink(words, chunk, before);
    } else if ((words.Load(next + kHead) & (kPreviousInUse | kInUse)) == (kPreviousInUse | kInUse)) {
      state_.dv_size = size;
      MarkFreed(words, chunk, size, next);
      return {};
    }
  }
  Require(chunk < next && (words.Load(next + kHead) & kPreviousInUse) != 0);
  JoinAbove(words, chunk, size, next);
  return {};
}

// The chunk was not joined with `next` yet, and is in no bin.
void DlmallocHeap::JoinAbove(WordView& words, VirtAddr chunk, std::uint32_t size, VirtAddr next) {
  if ((words.Load(next + kHead) & kInUse) != 0) {
    MarkFreed(words, chunk, size, next);
  } else if (next == state_.top) {
    return JoinTop(words, chunk, size);
  } else if (next == state_.dv) {
    state_.dv = chunk;
    state_.dv_size += size;
    return MarkFree(words, chunk, state_.dv_size);
  } else {
    const std::uint32_t above = Size(words, next);
    size += above;
    Unlink(words, next, above);
    MarkFree(words, chunk, size);
    if (chunk == state_.dv) {
      state_.dv_size = size;
      return;
    }
  }
  Insert(words, chunk, size);
}

void DlmallocHeap::JoinTop(WordView& words, VirtAddr chunk, std::uint32_t size) {
  state_.top = chunk;
  state_.top_size += size;
  words.Store(chunk + kHead, state_.top_size | kPreviousInUse);
  if (chunk == state_.dv) {
    state_.dv = VirtAddr{};
    state_.dv_size = 0;
  }
  if (state_.top_size > state_.trim_check) Trim(words);
}

// sys_trim
void DlmallocHeap::Trim(WordView& words) {
  std::uint32_t released = 0;
  if (state_.top_size > kTopFoot) {
    const std::uint32_t pages = (state_.top_size - kTopFoot - 1) / kPageBytes;  // whole ones, but for the last
    const std::uint32_t bytes = std::min(pages * kPageBytes, kGrowthEnd + 1 - kPageBytes);
    const VirtAddr end = break_.current();
    if (end == state_.base + state_.segment_bytes) {
      break_.Sbrk(-static_cast<std::int32_t>(bytes), /*shrinks=*/true);
      released = end - break_.current();
    }
  }
  if (released == 0) {
    if (state_.top_size > state_.trim_check) state_.trim_check = ~0u;
    return;
  }
  state_.segment_bytes -= released;
  state_.footprint -= released;
  SetTop(words, state_.top, state_.top_size - released);
  ++state_.counters.Of<"trims">();
}

HeapAllocatorInfo DlmallocHeapInfo() {
  return {.name = "dlmalloc",
          .title = "Doug Lea's malloc",
          .description =
              "Best fit from bins of equal sizes and trees of larger ones, the latest remainder first for small "
              "requests; merges at once, and gives memory at the end of the heap back.",
          .source = "D. Lea, A memory allocator (1996 to 2012), malloc-2.8.6.c",
          .declaration = &kDeclaration,
          .parameters = {LimitParameter()},
          .make = MakeGrowingHeap<DlmallocHeap>};
}

}  // namespace alloclab
