// What sets the two heaps apart, and their entries in the catalogue.
#include "absl/strings/str_format.h"
#include "allocators/heap/freertos/freertos_heap.h"
#include "allocators/heap/heap_guard.h"
#include "allocators/heap/heap_range.h"
#include "allocators/machine/loop_watch.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kArenaBytesMin = 64;
constexpr std::uint32_t kRequestMax = 0x7FFFFFF0;  // above, a block's size has bit 31

constexpr FigureInfo kHeap4Figures[] = {
    {"used_bytes", "bytes of live blocks, headers included", FigureInfo::Unit::kBytes},
    {"min_ever_free", "the fewest bytes that ever were free: xPortGetMinimumEverFreeHeapSize", FigureInfo::Unit::kBytes},
};
constexpr FigureInfo kHeap2Figures[] = {kHeap4Figures[0]};
constexpr FieldInfo kFields[] = {
    {"next", "of a free block: the next one of the list", FigureInfo::Unit::kAddress},
    {"size", "bytes, header included; bit 31: allocated", FigureInfo::Unit::kWord},
};
constexpr Declaration kHeap4Declaration{.counters = kFreeRtosCounters,
                                        .figures = kHeap4Figures,
                                        .block_fields = kFields,
                                        .alignment = 8,
                                        .request_max = kRequestMax,
                                        .made_by_first_request = true};
constexpr Declaration kHeap2Declaration{.counters = kFreeRtosCounters,
                                        .figures = kHeap2Figures,
                                        .block_fields = kFields,
                                        .alignment = 8,
                                        .request_max = kRequestMax,
                                        .made_by_first_request = true};

// Where heap4 puts its end: the last 8 bytes of the arena at a multiple of 8.
VirtAddr EndOf(std::uint32_t arena_bytes) { return VirtAddr((kHeapStart.raw() + arena_bytes - 8) & ~7u); }

template <class Heap>
HeapAllocatorInfo InfoOf(std::string name, std::string title, std::string description, std::string source,
                         const Declaration& declaration) {
  return {.name = std::move(name),
          .title = std::move(title),
          .description = std::move(description),
          .source = std::move(source),
          .declaration = &declaration,
          .parameters = {EngineParameter("heap.engine"), ArenaParameter(64u << 20)},
          .make = [](const HeapServices& machine, bool guarded,
                     const ParameterValues& values) -> absl::StatusOr<std::unique_ptr<HeapGuard>> {
            const Engine engine = EngineValue(values, "heap.engine");
            if (absl::Status status = CheckEngine(engine, guarded); !status.ok()) return status;
            const std::uint32_t arena = NumberValue(values, "heap.arena_bytes");
            if (arena < kArenaBytesMin) {
              return absl::InvalidArgumentError(
                  absl::StrFormat("heap.arena_bytes: %d; expected at least %d bytes", arena, kArenaBytesMin));
            }
            if (absl::Status status = ReserveHeapRange(machine.space, "heap.arena_bytes", arena); !status.ok()) return status;
            return std::make_unique<HeapGuard>(std::make_unique<Heap>(machine.space, arena, engine),
                                               guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
          }};
}

}  // namespace

FreeRtosHeap4::FreeRtosHeap4(AddressSpace& space, std::uint32_t arena_bytes, Engine engine)
    : FreeRtosHeap(space, arena_bytes, EndOf(arena_bytes), EndOf(arena_bytes) - kHeapStart, true, engine) {}

const Declaration& FreeRtosHeap4::declaration() const { return kHeap4Declaration; }

std::vector<std::uint64_t> FreeRtosHeap4::FigureValues() const {
  if (!state_.initialised) return {0, 0};
  return {usable_bytes_ - state_.free_bytes, state_.fewest_free_bytes};
}

void FreeRtosHeap4::Init(WordView& words) {
  words.Store(end_ + kSizeOffset, 0);
  words.Store(end_, 0);
  words.Store(start() + kSizeOffset, usable_bytes_);
  words.Store(start(), end_.raw());
  state_.first = start();
  state_.free_bytes = state_.fewest_free_bytes = usable_bytes_;
}

// Where `block` belongs.
FreeRtosHeap::Place FreeRtosHeap4::FindPlace(WordView& words, VirtAddr block) {
  if (index_) {
    const OrderedBlocks::Cursor place = index_->LowerBound(block - start());
    const std::uint64_t steps = index_->Distance(index_->begin(), place);
    CountPlaceSteps(steps);
    costs_.words_loaded += steps;
    return {Before(place), place};
  }
  VirtAddr before = kStartVariable;
  LoopWatch<VirtAddr> watch;
  for (VirtAddr next = state_.first; next < block; next = Next(words, before)) {
    watch.Check(next);
    CountPlaceSteps(1);
    before = next;
  }
  return {before};
}

void FreeRtosHeap4::Insert(WordView& words, VirtAddr block) {
  const VirtAddr before = FindPlace(words, block).before;
  const VirtAddr after = Next(words, before);
  const bool below = before != kStartVariable && before + Size(words, before) == block;
  if (below) {
    words.Store(before + kSizeOffset, Size(words, before) + Size(words, block));
    block = before;
  }
  const bool above = block + Size(words, block) == after && after != end_;
  if (above) {
    words.Store(block + kSizeOffset, Size(words, block) + Size(words, after));
    words.Store(block, Next(words, after).raw());
  } else {
    words.Store(block, after.raw());
  }
  if (!below) SetNext(words, before, block);
  ++state_.counters.Of<"merges">(MergedWith(below, above));
  if (index_) index_->Join(EntryOf(block, *space_.Peek(block + kSizeOffset)), below, above);
}

// In the place that the whole block had.
void FreeRtosHeap4::InsertRest(WordView& words, const Place& place, VirtAddr rest) {
  words.Store(rest, Next(words, place.before).raw());
  SetNext(words, place.before, rest);
  if (index_) index_->Replace(place.at, EntryOf(rest, *space_.Peek(rest + kSizeOffset)));
}

void FreeRtosHeap4::VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const {
  if (state_.initialised) {
    InterruptPoll poll(interrupt);
    VisitBlocks({}, [&](const Block& block) {
      if (block.kind != BlockKind::kMetadata) visit(block.fields[0]), visit(block.fields[1]);
      return !poll.Step();
    });
    for (const VirtAddr word : {end_, end_ + kSizeOffset}) visit(space_.Peek(word).value_or(0));
  }
  visit(state_.first.raw());
  visit(0);
  visit(state_.initialised ? end_.raw() : 0);
  visit(state_.free_bytes);
  visit(state_.fewest_free_bytes);
}

HeapAllocatorInfo FreeRtosHeap4Info() {
  return InfoOf<FreeRtosHeap4>(
      "freertos-heap4", "FreeRTOS heap_4",
      "First fit over a list of free blocks by address in one array; a free walks to its place and merges "
      "at once with both neighbours.",
      "FreeRTOS kernel, portable/MemMang/heap_4.c", kHeap4Declaration);
}

FreeRtosHeap2::FreeRtosHeap2(AddressSpace& space, std::uint32_t arena_bytes, Engine engine)
    : FreeRtosHeap(space, arena_bytes, kEndVariable, (arena_bytes - 8) & ~7u, false, engine) {
  state_.free_bytes = state_.fewest_free_bytes = usable_bytes_;
}

const Declaration& FreeRtosHeap2::declaration() const { return kHeap2Declaration; }

std::vector<std::uint64_t> FreeRtosHeap2::FigureValues() const { return {usable_bytes_ - state_.free_bytes}; }

void FreeRtosHeap2::Init(WordView& words) {
  words.Store(start() + kSizeOffset, usable_bytes_);
  words.Store(start(), end_.raw());
  state_.first = start();
}

// Where a block of that size belongs: in front of the first one that is as large.
FreeRtosHeap::Place FreeRtosHeap2::FindPlace(WordView& words, std::uint32_t size) {
  if (index_) {
    const OrderedBlocks::Cursor place = index_->LowerBound(size);
    const std::uint64_t steps = index_->Distance(index_->begin(), place);
    CountPlaceSteps(steps);
    costs_.words_loaded += 2 * steps + (place == index_->end() ? 0 : 1);
    return {Before(place), place};
  }
  VirtAddr before = kStartVariable;
  LoopWatch<VirtAddr> watch;
  for (VirtAddr next = state_.first; Size(words, next) < size; next = Next(words, before)) {
    watch.Check(next);
    CountPlaceSteps(1);
    before = next;
  }
  return {before};
}

void FreeRtosHeap2::Insert(WordView& words, VirtAddr block) {
  const std::uint32_t size = Size(words, block);
  const Place place = FindPlace(words, size);
  if (index_) index_->Insert(place.at, EntryOf(block, size));
  words.Store(block, Next(words, place.before).raw());
  SetNext(words, place.before, block);
}

void FreeRtosHeap2::InsertRest(WordView& words, const Place& place, VirtAddr rest) {
  if (index_) index_->Erase(place.at);
  Insert(words, rest);
}

bool FreeRtosHeap2::InOrder(VirtAddr block, VirtAddr next) const {
  return space_.Peek(block + kSizeOffset).value_or(0) <= space_.Peek(next + kSizeOffset).value_or(0);
}

void FreeRtosHeap2::VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const {
  if (state_.initialised) {
    InterruptPoll poll(interrupt);
    VisitBlocks({}, [&](const Block& block) {
      if (block.kind != BlockKind::kMetadata) visit(block.fields[0]), visit(block.fields[1]);
      return !poll.Step();
    });
  }
  for (const std::uint32_t word : {state_.first.raw(), 0u, 0u, usable_bytes_, state_.free_bytes}) visit(word);
}

HeapAllocatorInfo FreeRtosHeap2Info() {
  return InfoOf<FreeRtosHeap2>("freertos-heap2", "FreeRTOS heap_2",
                               "Best fit over a list of free blocks by size in one array; what was cut is never merged.",
                               "FreeRTOS kernel, portable/MemMang/heap_2.c", kHeap2Declaration);
}

}  // namespace alloclab
