#include "allocators/heap/next_fit/next_fit_heap.h"

#include "absl/strings/str_format.h"
#include "allocators/heap/next_fit/ordered_chunks.h"

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

template <class Index>
NextFitHeap<Index>::NextFitHeap(AddressSpace& space, const ImplicitHeapOptions& options) : Base(space, options) {
  state_.rover = start();
}

template <class Index>
const Declaration& NextFitHeap<Index>::declaration() const {
  return kDeclaration;
}

template <class Index>
std::uint64_t NextFitHeap<Index>::host_bytes() const {
  if constexpr (kIndexed) return sizeof(*this) + heap_.index().host_bytes();
  return sizeof(*this);
}

template <class Index>
void NextFitHeap<Index>::RestoreOwn(const AllocatorState& saved) {
  Base::RestoreOwn(saved);
  if constexpr (kIndexed) heap_.index().Drop();
}

template <class Index>
std::vector<std::uint64_t> NextFitHeap<Index>::FigureValues() const {
  std::vector<std::uint64_t> values = Base::FigureValues();
  values.push_back(state_.rover - start());
  return values;
}

template <class Index>
VirtAddr NextFitHeap<Index>::FindFrom(VirtAddr first, VirtAddr end, std::uint32_t size, std::uint32_t& page) {
  if constexpr (kIndexed) {
    if (heap_.index().is_there()) return heap_.index().FindFrom(first, end, size, page, this->costs_);
  }
  return heap_.FindFrom(first, end, size, page);
}

template <class Index>
VirtAddr NextFitHeap<Index>::Search(std::uint32_t size) {
  const VirtAddr began = state_.rover;
  std::uint32_t page = heap_.kNoPage;
  VirtAddr chunk = FindFrom(began, brk(), size, page);
  if (chunk.is_null() && began > start()) {
    ++state_.counters.template Of<"wraps">();
    chunk = FindFrom(start(), began, size, page);
  }
  if (!chunk.is_null()) state_.rover = chunk;
  return chunk;
}

template <class Index>
HeapResult NextFitHeap<Index>::Malloc(std::uint32_t bytes) {
  if (bytes == 0) return {Outcome::kZeroSize, VirtAddr{}};
  if constexpr (kIndexed) heap_.index().Follow(this->costs_.search_steps, [this] { return Chain(); });
  const std::uint32_t size = tag::RoundUpToWord(bytes + kWordBytes);  // may wrap
  VirtAddr chunk = Search(size);
  this->EndSearch();
  if (chunk.is_null()) chunk = heap_.Grow(size);
  heap_.Place(chunk, size);
  return {Outcome::kOk, chunk + kWordBytes};
}

template <class Index>
HeapResult NextFitHeap<Index>::Free(VirtAddr block) {
  if (block.is_null()) return {};
  const VirtAddr chunk = block - kWordBytes;
  const std::uint32_t header = WordView(this->space_, this->costs_).Load(chunk);
  const FreeChunk freed = heap_.Release(chunk, header);
  if (state_.rover - freed.start < freed.bytes) state_.rover = freed.start;
  return {};
}

template <class Index>
std::vector<Violation> NextFitHeap<Index>::CheckInvariants(const Interrupt& interrupt) const {
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
  if constexpr (kIndexed) {
    if (std::string what = heap_.index().Difference(Chain()); !what.empty() && found.empty()) {
      found.push_back({"N2", start().raw(), std::move(what)});
    }
  }
  return found;
}

absl::StatusOr<std::unique_ptr<HeapGuard>> MakeNextFitHeap(AddressSpace& space, const ImplicitHeapOptions& options) {
  if (absl::Status status = PrepareRange(space, options); !status.ok()) return status;
  if (options.engine == Engine::kIndexed) {
    return std::make_unique<HeapGuard>(std::make_unique<NextFitHeap<OrderedChunks>>(space, options), HeapGuard::Mode::kGuarded);
  }
  return std::make_unique<HeapGuard>(std::make_unique<NextFitHeap<NoIndex>>(space, options),
                                     options.guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
}

HeapAllocatorInfo NextFitHeapInfo() {
  std::vector<ParameterInfo> parameters = {EngineParameter("heap.engine")};
  for (ParameterInfo& parameter : RangeParameters()) parameters.push_back(std::move(parameter));
  return {
      .name = "next-fit",
      .title = "Next fit",
      .description =
          "Boundary tags, first fit from where the last search ended, immediate coalescing; chunks and growth are those of "
          "the implicit heap.",
      .source =
          "Knuth, The Art of Computer Programming, vol. 1, 2.5; Bryant and O'Hallaron, Computer Systems, mm.c with NEXT_FIT",
      .declaration = &kDeclaration,
      .parameters = std::move(parameters),
      .make = [](const HeapServices& machine, bool guarded, const ParameterValues& values) {
        ImplicitHeapOptions options = RangeOptions(values, guarded);
        options.engine = EngineValue(values, "heap.engine");
        return MakeNextFitHeap(machine.space, options);
      }};
}

}  // namespace alloclab
