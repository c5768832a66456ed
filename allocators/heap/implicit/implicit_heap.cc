#include "allocators/heap/implicit/implicit_heap.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "allocators/heap/implicit/chunk_index.h"
#include "allocators/heap/implicit/footprint.h"
#include "allocators/heap/implicit/indexed_implicit_heap.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kTableSpan = 4u << 20;                                   // what one page table maps
constexpr std::uint64_t kLimitBytesMax = (std::uint64_t{2} << 30) - kTableSpan;  // the index counts on chunks below 2 GiB

absl::Status Validate(const ImplicitHeapOptions& options) {
  if (options.engine == Engine::kIndexed && !options.guarded) {
    return absl::InvalidArgumentError("engine: only the literal engine runs unguarded, because the index trusts the chunks");
  }
  if (options.start.raw() % kTableSpan != 0 || options.start.is_null()) {
    return absl::InvalidArgumentError(absl::StrFormat("start: %#x is not a multiple of 4 MiB above 0", options.start.raw()));
  }
  const std::uint64_t room = std::min((std::uint64_t{1} << 32) - kTableSpan - options.start.raw(),
                                      kLimitBytesMax);  // the last 4 MiB stay free: ends never wrap
  if (options.limit_bytes == 0 || options.limit_bytes % kTableSpan != 0 || options.limit_bytes > room) {
    return absl::InvalidArgumentError(
        absl::StrFormat("limit_bytes: %d is not a multiple of 4 MiB from %d to %d", options.limit_bytes, kTableSpan, room));
  }
  // The break passes prologue and initial chunk, and sbrk wants one more word below the limit.
  const std::uint32_t initial_max = options.limit_bytes - 3 * kWordBytes;
  if (options.initial_bytes < 2 * kWordBytes || options.initial_bytes % kWordBytes != 0 ||
      options.initial_bytes > initial_max) {
    return absl::InvalidArgumentError(
        absl::StrFormat("initial_bytes: %d is not a multiple of 4 from 8 to %d", options.initial_bytes, initial_max));
  }
  return absl::OkStatus();
}

}  // namespace

const Declaration kImplicitHeapDeclaration{
    .counters = kFirstFitCounters,
    .figures = kChunkFigures,
    .block_fields = kChunkFields,
    .alignment = kWordBytes,
    .request_max = kChunkRequestMax,
};

absl::Status PrepareRange(AddressSpace& space, const ImplicitHeapOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  if (absl::Status status = space.AddPageTables(options.start, options.limit_bytes / kTableSpan); !status.ok()) return status;
  Footprint first_words;
  first_words.AddWord(options.start);                                       // prologue
  first_words.AddWord(options.start + options.initial_bytes);               // first chunk's footer
  first_words.AddWord(options.start + options.initial_bytes + kWordBytes);  // epilogue
  if (!space.CanBringPages(first_words.AbsentPages(space))) {
    return absl::ResourceExhaustedError("no page frames left for the heap's first pages: give the machine more RAM");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<HeapGuard>> MakeImplicitHeap(AddressSpace& space, const ImplicitHeapOptions& options) {
  if (absl::Status status = PrepareRange(space, options); !status.ok()) return status;
  const bool original = options.fit == ImplicitFit::kFirst && options.coalesce == ImplicitCoalesce::kImmediate;
  if (options.engine == Engine::kIndexed && original) {
    return std::make_unique<HeapGuard>(std::make_unique<IndexedImplicitHeap>(space, options), HeapGuard::Mode::kTrusted);
  }
  return std::make_unique<HeapGuard>(std::make_unique<ImplicitHeap>(space, options),
                                     options.guarded ? HeapGuard::Mode::kGuarded : HeapGuard::Mode::kUnguarded);
}

// lx_malloc_internal.
HeapResult ImplicitHeap::Malloc(std::uint32_t bytes) {
  if (state_.mutex_left_locked) return {Outcome::kMachineHang, VirtAddr{}};
  if (bytes == 0) return {Outcome::kZeroSize, VirtAddr{}};
  const std::uint32_t size = tag::RoundUpToWord(bytes + kWordBytes);  // may wrap
  VirtAddr chunk = Search(size);
  EndSearch();
  if (chunk.is_null() && coalesce_ == ImplicitCoalesce::kDeferred) {
    heap_.CoalesceAll([this](const FreeChunk& joined) { MoveRover(joined); });
    chunk = Search(size);
  }
  if (chunk.is_null()) chunk = heap_.Grow(size);  // never null: a failed sbrk is -1
  heap_.Place(chunk, size);
  return {Outcome::kOk, chunk + kWordBytes};
}

HeapResult ImplicitHeap::Calloc(std::uint32_t count, std::uint32_t bytes) {
  const std::uint32_t product = count * bytes;  // wraps
  if (product < bytes || product < count) {
    return {count == 0 || bytes == 0 ? Outcome::kZeroSize : Outcome::kSizeOverflow, VirtAddr{}};
  }
  return HeapAllocator::Calloc(1, product);
}

// lxfree.
HeapResult ImplicitHeap::Free(VirtAddr block) {
  if (block.is_null()) return {};
  if (state_.mutex_left_locked) return {Outcome::kMachineHang, VirtAddr{}};
  const VirtAddr chunk = block - kWordBytes;
  const std::uint32_t header = WordView(space_, costs_).Load(chunk);
  const std::uint32_t size = tag::Size(header);
  const bool valid_pointer = block < VirtAddr(0u - size) && block.raw() % kWordBytes == 0;
  if (assertions_ && (!valid_pointer || size <= kWordBytes)) {
    state_.mutex_left_locked = true;
    return {Outcome::kAssertionFailed, block};
  }
  MoveRover(heap_.Release(chunk, header));
  return {};
}

VirtAddr ImplicitHeap::Search(std::uint32_t size) {
  switch (fit_) {
    case ImplicitFit::kFirst:
      return heap_.Search(size);
    case ImplicitFit::kNext:
      return SearchNext(size);
    case ImplicitFit::kBest:
    case ImplicitFit::kWorst:
      break;
  }
  return SearchAll(size);
}

VirtAddr ImplicitHeap::SearchNext(std::uint32_t size) {
  const VirtAddr began = state_.rover.is_null() ? start() : state_.rover;
  std::uint32_t page = heap_.kNoPage;
  VirtAddr chunk = heap_.FindFrom(began, brk(), size, page);
  if (chunk.is_null() && began > start()) chunk = heap_.FindFrom(start(), began, size, page);
  if (!chunk.is_null()) state_.rover = chunk;
  return chunk;
}

// Best and worst fit.
VirtAddr ImplicitHeap::SearchAll(std::uint32_t size) {
  WordView words(space_, costs_);
  VirtAddr found;
  std::uint32_t found_bytes = 0, page = heap_.kNoPage;
  LandmarkWatch<VirtAddr> watch(start());
  for (VirtAddr chunk = start(); chunk < brk();) {
    const std::uint32_t header = words.Load(chunk), bytes = tag::Size(header);
    ++costs_.search_steps;
    if (page != chunk.page()) ++costs_.search_pages;
    page = chunk.page();
    if (bytes == 0 && tag::Allocated(header)) break;
    const bool better = found.is_null() || (fit_ == ImplicitFit::kBest ? bytes < found_bytes : bytes > found_bytes);
    if (!tag::Allocated(header) && bytes >= size && better) {
      found = chunk;
      found_bytes = bytes;
      if (fit_ == ImplicitFit::kBest && bytes == size) break;
    }
    watch.Check(chunk + bytes);
    chunk = chunk + bytes;
  }
  return found;
}

std::vector<ParameterInfo> RangeParameters() {
  const ImplicitHeapOptions defaults;
  return {QuantityParameter("heap.limit_bytes", "address range reserved for the heap, from 0xC0400000 up",
                            "bytes, a multiple of 4Mi, at most 1016Mi", defaults.limit_bytes),
          QuantityParameter("heap.initial_bytes", "size of the first free chunk, made when the heap is",
                            "bytes, a multiple of 4", defaults.initial_bytes)};
}

ImplicitHeapOptions RangeOptions(const ParameterValues& values, bool guarded) {
  return {.engine = Engine::kLiteral,
          .guarded = guarded,
          .limit_bytes = NumberValue(values, "heap.limit_bytes"),
          .initial_bytes = NumberValue(values, "heap.initial_bytes")};
}

HeapAllocatorInfo ImplicitHeapInfo() {
  std::vector<ParameterInfo> parameters = {
      EngineParameter("heap.engine"),
      WordParameter("heap.assertions",
                    "in an unguarded instance: whether free checks its pointer as the original's debug build does",
                    {"true", "false"}),
      WordParameter("heap.fit",
                    "which free chunk a request takes; the indexed engine is that of first with heap.coalesce immediate",
                    {"first", "next", "best", "worst"}),
      WordParameter("heap.coalesce", "when free neighbours become one chunk: at once, when a search has failed, or not at all",
                    {"immediate", "deferred", "never"})};
  for (ParameterInfo& parameter : RangeParameters()) parameters.push_back(std::move(parameter));
  return {.name = "implicit-heap",
          .title = "Implicit heap",
          .description =
              "Boundary tags, first fit from the start over all chunks, immediate coalescing; the heap grows by the break "
              "and its pages are taken at the first touch. heap.fit and heap.coalesce make of it the textbook's other policies "
              "over the same chunks.",
          .source = "LunaixOS (2022), kernel/mm/kalloc.c and dmm.c",
          .declaration = &kImplicitHeapDeclaration,
          .parameters = std::move(parameters),
          .make = [](const HeapServices& machine, bool guarded, const ParameterValues& values) {
            ImplicitHeapOptions options = RangeOptions(values, guarded);
            options.engine = EngineValue(values, "heap.engine");
            options.assertions = WordValue(values, "heap.assertions") == "true";
            const std::string &fit = WordValue(values, "heap.fit"), &coalesce = WordValue(values, "heap.coalesce");
            options.fit = fit == "next"    ? ImplicitFit::kNext
                          : fit == "best"  ? ImplicitFit::kBest
                          : fit == "worst" ? ImplicitFit::kWorst
                                           : ImplicitFit::kFirst;
            options.coalesce = coalesce == "deferred" ? ImplicitCoalesce::kDeferred
                               : coalesce == "never"  ? ImplicitCoalesce::kNever
                                                      : ImplicitCoalesce::kImmediate;
            return MakeImplicitHeap(machine.space, options);
          }};
}

}  // namespace alloclab
