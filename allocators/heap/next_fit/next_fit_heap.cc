#include "allocators/heap/next_fit/next_fit_heap.h"

#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

constexpr FigureInfo kFigures[] = {
    kChunkFigures[0],
    {"rover_offset_bytes", "where the next search begins, from the heap's start", FigureInfo::Unit::kBytes},
};

constexpr Declaration kDeclaration{
    .counters = kNextFitCounters,
    .figures = kFigures,
    .block_fields = kChunkFields,
    .alignment = kWordBytes,
    .request_max = kChunkRequestMax,
};

}  // namespace

NextFitHeap::NextFitHeap(AddressSpace& space, const ImplicitHeapOptions& options) : ChunkHeap(space, options) {
  state_.rover = start();
}

const Declaration& NextFitHeap::declaration() const { return kDeclaration; }

std::vector<std::uint64_t> NextFitHeap::FigureValues() const {
  std::vector<std::uint64_t> values = ChunkHeap::FigureValues();
  values.push_back(state_.rover - start());
  return values;
}

VirtAddr NextFitHeap::Search(std::uint32_t size) {
  const VirtAddr began = state_.rover;
  std::uint32_t page = heap_.kNoPage;
  VirtAddr chunk = heap_.FindFrom(began, brk(), size, page);
  if (chunk.is_null() && began > start()) {
    ++state_.counters.Of<"wraps">();
    chunk = heap_.FindFrom(start(), began, size, page);
  }
  if (!chunk.is_null()) state_.rover = chunk;
  return chunk;
}

HeapResult NextFitHeap::Malloc(std::uint32_t bytes) {
  if (bytes == 0) return {Outcome::kZeroSize, VirtAddr{}};
  const std::uint32_t size = tag::RoundUpToWord(bytes + kWordBytes);  // may wrap
  VirtAddr chunk = Search(size);
  EndSearch();
  if (chunk.is_null()) chunk = heap_.Grow(size);
  heap_.Place(chunk, size);
  return {Outcome::kOk, chunk + kWordBytes};
}

HeapResult NextFitHeap::Free(VirtAddr block) {
  if (block.is_null()) return {};
  const VirtAddr chunk = block - kWordBytes;
  const std::uint32_t header = WordView(space_, costs_).Load(chunk);
  const FreeChunk freed = heap_.Release(chunk, header);
  if (state_.rover - freed.start < freed.bytes) state_.rover = freed.start;
  return {};
}

std::vector<Violation> NextFitHeap::CheckInvariants(const Interrupt& interrupt) const {
  std::vector<Violation> found = Chain().Check(interrupt);
  bool begins = false;
  InterruptPoll poll(interrupt);
  Chain().Walk([&](const Chunk& chunk) {
    begins = chunk.header == state_.rover;
    return chunk.header < state_.rover && !poll.Step();
  });
  if (!begins && !Interrupted(interrupt) && found.size() < kViolationsMax) {
    found.push_back({"N1", state_.rover.raw(), absl::StrFormat("no chunk begins at the rover %#010x", state_.rover.raw())});
  }
  return found;
}

absl::StatusOr<std::unique_ptr<HeapGuard>> MakeNextFitHeap(AddressSpace& space, const ImplicitHeapOptions& options) {
  if (absl::Status status = PrepareRange(space, options); !status.ok()) return status;
  return std::make_unique<HeapGuard>(std::make_unique<NextFitHeap>(space, options),
                                     options.guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
}

HeapAllocatorInfo NextFitHeapInfo() {
  return {
      .name = "next-fit",
      .title = "Next fit",
      .description =
          "Boundary tags, first fit from where the last search ended, immediate coalescing; chunks and growth are those of "
          "the implicit heap.",
      .source =
          "Knuth, The Art of Computer Programming, vol. 1, 2.5; Bryant and O'Hallaron, Computer Systems, mm.c with NEXT_FIT",
      .declaration = &kDeclaration,
      .parameters = RangeParameters(),
      .make = [](const HeapServices& machine, bool guarded, const ParameterValues& values) {
        return MakeNextFitHeap(machine.space, RangeOptions(values, guarded));
      }};
}

}  // namespace alloclab
