#include "allocators/heap/newlib_nano/newlib_nano_heap.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "allocators/heap/heap_guard.h"
#include "allocators/heap/heap_range.h"
#include "allocators/machine/loop_watch.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kAlignment = 8;
constexpr std::uint32_t kChunkBytesMin = 12;
constexpr std::uint32_t kOverhead = 8;    // the size, and the word that there may be in front of the payload
constexpr std::uint32_t kNextOffset = 4;  // of a free chunk's next, and of a live one's -4; the size is the first word
constexpr std::uint32_t kBackToSize = 0u - kWordBytes;  // the -4

constexpr FigureInfo kFigures[] = {
    {"free_list", "the first chunk of the list of free ones; 0: none is free", FigureInfo::Unit::kAddress},
};
constexpr FieldInfo kFields[] = {
    {"size", "bytes, this word included", FigureInfo::Unit::kBytes},
    {"next", "of a free chunk: the next free one by address, 0 of the last", FigureInfo::Unit::kAddress},
    {"offset", "of a live chunk at a multiple of 8: -4, from the payload's place to the size", FigureInfo::Unit::kWord},
};
constexpr Declaration kDeclaration{
    .counters = kNewlibNanoCounters,
    .figures = kFigures,
    .block_fields = kFields,
    .alignment = kAlignment,
    .request_max = 0x7FFFFFF4,      // above, a chunk's size has bit 31
    .made_by_first_request = true,  // which notes where the break began, before it asks for memory
};

std::uint32_t SizeFor(std::uint32_t bytes) {
  return std::max(((bytes + (kWordBytes - 1)) & ~(kWordBytes - 1)) + kOverhead, kChunkBytesMin);  // the sums wrap
}

bool HasOffset(VirtAddr chunk) { return chunk.raw() % kAlignment == 0; }
VirtAddr PayloadOf(VirtAddr chunk) { return VirtAddr((chunk.raw() + kWordBytes + (kAlignment - 1)) & ~(kAlignment - 1)); }

}  // namespace

NewlibNanoHeap::NewlibNanoHeap(AddressSpace& space, std::uint32_t limit_bytes, Engine engine)
    : HeapAllocator(space, ProgramBreak(space, kHeapStart, kHeapStart + limit_bytes)), index_(engine) {}

const Declaration& NewlibNanoHeap::declaration() const { return kDeclaration; }

std::uint32_t NewlibNanoHeap::PayloadBytes(VirtAddr block) {
  AccessCosts uncounted;
  WordView words(space_, uncounted);
  const VirtAddr chunk = ChunkOf(words, block);
  return words.Load(chunk) - (block - chunk);
}

std::uint32_t NewlibNanoHeap::BlockBytes(std::uint32_t bytes) const { return SizeFor(bytes); }

HeapResult NewlibNanoHeap::Malloc(std::uint32_t bytes) {
  index_.Follow(costs_.search_steps, [this] { return Listed(); });
  const std::uint32_t size = SizeFor(bytes);
  if (size >> 31 != 0 || size < bytes) return {Outcome::kOutOfMemory, VirtAddr{}};
  const Found found = Search(size);
  EndSearch();
  const VirtAddr chunk = found.chunk.is_null() ? Grow(size) : Take(found, size);
  if (chunk.is_null()) return {Outcome::kOutOfMemory, VirtAddr{}};
  if (HasOffset(chunk)) WordView(space_, costs_).Store(chunk + kNextOffset, kBackToSize);
  return {Outcome::kOk, PayloadOf(chunk)};
}

NewlibNanoHeap::Found NewlibNanoHeap::Search(std::uint32_t size) {
  if (index_) return AskForFit(size);
  WordView words(space_, costs_);
  LoopWatch<VirtAddr> watch;
  std::uint32_t page = ~0u;
  VirtAddr before;
  for (VirtAddr chunk = state_.head; !chunk.is_null(); chunk = VirtAddr(words.Load(chunk + kNextOffset))) {
    watch.Check(chunk);
    ++costs_.search_steps;
    if (page != chunk.page()) ++costs_.search_pages, page = chunk.page();
    if (static_cast<std::int32_t>(words.Load(chunk) - size) >= 0) return {before, chunk};
    before = chunk;
  }
  return {};
}

NewlibNanoHeap::Found NewlibNanoHeap::AskForFit(std::uint32_t size) {
  const OrderedBlocks& list = *index_;
  const OrderedBlocks::Cursor found = list.FirstFrom(list.begin(), size);
  const bool failed = found == list.end();
  const OrderedBlocks::Counts seen = list.Between(list.begin(), failed ? found : list.Next(found));
  costs_.search_steps += seen.blocks;
  costs_.search_pages += seen.pages;
  costs_.words_loaded += 2 * std::uint64_t{seen.blocks} - (failed ? 0 : 1);  // of the last one its size alone
  if (failed) return {};
  return {found == list.begin() ? VirtAddr{} : list.At(list.Previous(found)).address, list.At(found).address};
}

// The end of the chunk found, or all of it.
VirtAddr NewlibNanoHeap::Take(const Found& found, std::uint32_t size) {
  WordView words(space_, costs_);
  const std::uint32_t rest = words.Load(found.chunk) - size;
  if (rest >= kChunkBytesMin) {
    ++state_.counters.Of<"splits">();
    words.Store(found.chunk, rest);
    if (index_) index_->Resize(index_->LowerBound(found.chunk - start()), rest);
    words.Store(found.chunk + rest, size);
    return found.chunk + rest;
  }
  ++state_.counters.Of<"exact_fits">();
  if (index_) index_->Erase(index_->LowerBound(found.chunk - start()));
  const VirtAddr next(words.Load(found.chunk + kNextOffset));
  if (found.before.is_null()) {
    state_.head = next;
  } else {
    words.Store(found.before + kNextOffset, next.raw());
  }
  return found.chunk;
}

VirtAddr NewlibNanoHeap::Grow(std::uint32_t size) {
  if (state_.first_break.is_null()) state_.first_break = break_.current();
  const VirtAddr chunk = break_.Sbrk(static_cast<std::int32_t>(size));
  if (chunk == ProgramBreak::kFailed) return VirtAddr{};
  WordView(space_, costs_).Store(chunk, size);
  return chunk;
}

VirtAddr NewlibNanoHeap::ChunkOf(WordView& words, VirtAddr block) const {
  const VirtAddr chunk = block - kWordBytes;
  return words.Load(chunk) >> 31 == 0 ? chunk : chunk + words.Load(chunk);
}

HeapResult NewlibNanoHeap::Free(VirtAddr block) {
  index_.Follow(costs_.search_steps, [this] { return Listed(); });
  if (block.is_null()) return {};
  WordView words(space_, costs_);
  const VirtAddr chunk = ChunkOf(words, block);
  if (state_.head.is_null() || chunk < state_.head) {
    InsertAtHead(words, chunk);
  } else {
    InsertBehindHead(words, chunk);
  }
  return {};
}

void NewlibNanoHeap::InsertAtHead(WordView& words, VirtAddr chunk) {
  const VirtAddr head = state_.head;
  const bool above = !head.is_null() && chunk + words.Load(chunk) == head;
  if (above) {
    words.Store(chunk, words.Load(chunk) + words.Load(head));
    words.Store(chunk + kNextOffset, words.Load(head + kNextOffset));
  } else {
    words.Store(chunk + kNextOffset, head.raw());
  }
  state_.head = chunk;
  CountMerge(chunk, false, above);
}

NewlibNanoHeap::Place NewlibNanoHeap::AskForPlace(VirtAddr chunk) {
  const OrderedBlocks::Cursor place = index_->LowerBound(chunk - start() + 1);
  const std::uint64_t steps = index_->Distance(index_->begin(), place);
  costs_.search_steps += steps;
  costs_.words_loaded += steps;
  state_.counters.Of<"place_steps">() += steps;
  return {index_->At(index_->Previous(place)).address, place == index_->end() ? VirtAddr{} : index_->At(place).address};
}

NewlibNanoHeap::Place NewlibNanoHeap::FindPlace(WordView& words, VirtAddr chunk) {
  if (index_) return AskForPlace(chunk);
  LoopWatch<VirtAddr> watch;
  VirtAddr before, after = state_.head;
  do {
    watch.Check(after);
    ++costs_.search_steps;
    ++state_.counters.Of<"place_steps">();
    before = after;
    after = VirtAddr(words.Load(before + kNextOffset));
  } while (!after.is_null() && after <= chunk);
  return {before, after};
}

void NewlibNanoHeap::CountMerge(VirtAddr whole, bool below, bool above) {
  ++state_.counters.Of<"merges">(MergedWith(below, above));
  if (index_) index_->Join(EntryOf(whole), below, above);
}

void NewlibNanoHeap::InsertBehindHead(WordView& words, VirtAddr chunk) {
  const auto [before, after] = FindPlace(words, chunk);
  const VirtAddr before_end = before + words.Load(before);
  bool below = false, above = false;
  if (before_end == chunk) {
    below = true;
    words.Store(before, words.Load(before) + words.Load(chunk));
    above = before + words.Load(before) == after;
    if (above) {
      words.Store(before, words.Load(before) + words.Load(after));
      words.Store(before + kNextOffset, words.Load(after + kNextOffset));
    }
  } else if (before_end > chunk) {
    ++state_.counters.Of<"double_frees_noticed">();
    return;
  } else {
    above = chunk + words.Load(chunk) == after;
    if (above) {
      words.Store(chunk, words.Load(chunk) + words.Load(after));
      words.Store(chunk + kNextOffset, words.Load(after + kNextOffset));
    } else {
      words.Store(chunk + kNextOffset, after.raw());
    }
    words.Store(before + kNextOffset, chunk.raw());
  }
  CountMerge(below ? before : chunk, below, above);
}

std::vector<VirtAddr> NewlibNanoHeap::List() const {
  std::vector<VirtAddr> list;
  LoopWatch<VirtAddr> watch;
  for (VirtAddr at = state_.head; at >= start() && at < brk() && !watch.Revisits(at);) {
    list.push_back(at);
    const std::optional<std::uint32_t> next = space_.Peek(at + kNextOffset);
    if (!next) break;
    at = VirtAddr(*next);
  }
  return list;
}

std::vector<OrderedBlocks::Entry> NewlibNanoHeap::Listed() const {
  std::vector<OrderedBlocks::Entry> listed;
  for (const VirtAddr at : List()) listed.push_back(EntryOf(at));
  return listed;
}

std::optional<BrokenWalk> NewlibNanoHeap::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  std::vector<VirtAddr> free = List();
  std::sort(free.begin(), free.end());
  const VirtAddr wanted(from.address);
  for (VirtAddr at = from.exact ? wanted : start(); at < brk();) {
    const bool is_free = std::binary_search(free.begin(), free.end(), at);
    const bool has_second = is_free || HasOffset(at);  // else it is payload, in a page perhaps that was not touched
    const std::optional<std::uint32_t> size = space_.Peek(at);
    const std::optional<std::uint32_t> second = has_second ? space_.Peek(at + kNextOffset) : 0;
    if (!size || !second) return BrokenWalk{at.raw(), absl::StrFormat("the chunk at %#010x is not mapped", at.raw())};
    if (*size < kChunkBytesMin || *size % kWordBytes != 0 || *size > brk() - at) {
      return BrokenWalk{
          at.raw(), absl::StrFormat("the chunk at %#010x has the size %#x; expected a multiple of 4 from 12 to %d, where the "
                                    "break is",
                                    at.raw(), *size, brk() - at)};
    }
    const VirtAddr end = at + *size;
    if (end > wanted && !visit({.address = at.raw(),
                                .bytes = *size,
                                .kind = is_free ? BlockKind::kFree : BlockKind::kLive,
                                .payload = is_free ? 0 : PayloadOf(at).raw(),
                                .fields = {*size, is_free ? *second : 0, is_free ? 0 : *second}})) {
      return std::nullopt;
    }
    at = end;
  }
  return std::nullopt;
}

void NewlibNanoHeap::VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const {
  InterruptPoll poll(interrupt);
  VisitBlocks({}, [&](const Block& block) {
    const auto [size, next, offset, none] = block.fields;
    visit(size);
    if (block.kind == BlockKind::kFree) {
      visit(next);
    } else if (HasOffset(VirtAddr(block.address))) {
      visit(offset);
    }
    return !poll.Step();
  });
  visit(state_.head.raw());
  visit(state_.first_break.raw());
}

std::vector<Violation> NewlibNanoHeap::CheckInvariants(const Interrupt& interrupt) const {
  std::vector<Violation> found;
  const auto add = [&](const char* invariant, VirtAddr where, std::string what) {
    if (found.size() < kViolationsMax) found.push_back({invariant, where.raw(), std::move(what)});
  };
  const std::vector<VirtAddr> list = List();
  if (const auto down = std::is_sorted_until(list.begin(), list.end()); down != list.end()) {
    add("N2", *down, absl::StrFormat("the free chunk %#010x follows one above it", down->raw()));
  }
  InterruptPoll poll(interrupt);
  std::size_t begun = 0;
  bool before_free = false;
  const std::optional<BrokenWalk> broken = VisitBlocks({}, [&](const Block& block) {
    const VirtAddr at(block.address);
    const bool is_free = block.kind == BlockKind::kFree;
    begun += is_free;
    if (is_free && before_free) {
      add("N3", at, absl::StrFormat("chunk %#010x is free and so is the one before", at.raw()));
    }
    if (!is_free && HasOffset(at) && block.fields[2] != kBackToSize) {
      add("N4", at, absl::StrFormat("chunk %#010x has %#x behind its size; expected -4", at.raw(), block.fields[2]));
    }
    before_free = is_free;
    return !poll.Step();
  });
  if (poll.interrupted()) return found;
  if (broken) {
    add("N1", VirtAddr(broken->address), broken->what);
    return found;
  }
  if (std::string differs = index_.Difference([this] { return Listed(); }); !differs.empty()) add("N5", start(), differs);
  if (begun != list.size()) {
    add("N2", start(), absl::StrFormat("the list has %d chunks, but %d chunks begin at them", list.size(), begun));
  }
  return found;
}

HeapAllocatorInfo NewlibNanoHeapInfo() {
  return {.name = "newlib-nano",
          .title = "newlib-nano",
          .description =
              "First fit over a list of free chunks by address, blocks cut from a chunk's end; a free walks to its place "
              "and merges at once; the break grows by each request that nothing fits.",
          .source = "newlib, newlib/libc/stdlib/nano-mallocr.c",
          .declaration = &kDeclaration,
          .parameters = {EngineParameter("heap.engine"), LimitParameter()},
          .make = [](const HeapServices& machine, bool guarded,
                     const ParameterValues& values) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
            const Engine engine = EngineValue(values, "heap.engine");
            if (absl::Status status = CheckEngine(engine, guarded); !status.ok()) return status;
            const std::uint32_t limit = NumberValue(values, "heap.limit_bytes");
            if (absl::Status status = ReserveHeapRange(machine.space, "heap.limit_bytes", limit); !status.ok()) return status;
            return std::make_unique<HeapGuard>(std::make_unique<NewlibNanoHeap>(machine.space, limit, engine),
                                               guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
          }};
}

}  // namespace alloclab
