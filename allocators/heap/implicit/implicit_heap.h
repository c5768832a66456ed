// Implicit heap: the kernel heap of LunaixOS (2022, kernel/mm/kalloc.c and dmm.c). Boundary tags, first fit from the start
// over all chunks, immediate coalescing (Knuth, The Art of Computer Programming, vol. 1, 2.5; the layout with a previous-free
// bit is that of Bryant and O'Hallaron, Computer Systems, 9.9).
//
//   | 4|1 | size|flags ...payload... | size|flags ...free... size|flags | ... | 0|1 |
//   ^start: prologue                  header            footer                 ^brk: epilogue
//
//   header   size of the chunk in bytes, header included, multiple of 4; bit 0: allocated; bit 1: the previous chunk is FREE
//   footer   the header again, in the last word of a free chunk; an allocated chunk has none
//
// That is the original, "heap.fit" first and "heap.coalesce" immediate. The textbook's other policies over the same chunks,
// with the same growth (Knuth, 2.5; Wilson, Johnstone, Neely and Boles, Dynamic Storage Allocation: A Survey and Critical
// Review, IWMM 1995), by the walk only, whatever "heap.engine" says:
//
//   next       first fit from the chunk that the last search found up to the break, then from the start up to there; a free
//              chunk that swallows that one takes its place
//   best       the smallest chunk that is large enough, the lowest of equal ones; the walk ends at an exact fit
//   worst      the largest chunk, the lowest of equal ones
//   deferred   a free chunk is left as it is; when a search fails, one pass over the heap makes one chunk of all free
//              neighbours, and the search is made once more before the heap grows. The pass reads each header once, and the
//              one behind each free chunk; it stores header and footer of chunks that grow. merges{with="above"} counts the
//              chunks swallowed
//   never      nothing is ever merged
//
// Good and bad: best keeps large chunks whole and litters the heap with small ones, worst the opposite; both look at every
// chunk. Deferred makes frees cheap where sizes repeat; never shows what coalescing is good for.
//
// Metadata, for the digest: the header of every chunk in address order, the prologue's included. The epilogue is a figure.
//
// Costs: which words of the source count, part by part:
//   search    the header, at each visit; the prologue is visited, the epilogue is not
//   place     loads own header, and the next one when the fit is exact; stores own and next header, or own header and the
//             remainder's header and footer
//   grow      loads the old epilogue, and the new header, by which it finds where the epilogue goes; stores header, footer,
//             epilogue
//   free      loads own header and the next; stores header, footer, next header
//   coalesce  loads own header, next header, and the footer before when the previous chunk is free; stores header and footer
//             of the merged chunk
//
// Invariants (CheckInvariants):
//   H1 the chunks tile [start, brk) exactly, from the prologue 4|1 to the epilogue 0|1 at brk
//   H2 the footer of every free chunk equals its header's size
//   H3 bit 1 of every header, the epilogue's included, says whether the chunk before is free
//   H4 no two neighbours are free, where they are merged at once
//   H5 the index (if any) and the counters agree with the words in RAM
#ifndef ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_IMPLICIT_HEAP_H_
#define ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_IMPLICIT_HEAP_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/common/engine.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/heap_allocator_info.h"
#include "allocators/heap/heap_guard.h"
#include "allocators/heap/implicit/chunk_chain.h"
#include "allocators/heap/implicit/first_fit.h"
#include "allocators/machine/address_space.h"

namespace alloclab {

enum class ImplicitFit : std::uint8_t { kFirst, kNext, kBest, kWorst };
enum class ImplicitCoalesce : std::uint8_t { kImmediate, kDeferred, kNever };

struct ImplicitHeapOptions {
  Engine engine = Engine::kIndexed;
  // Guarded: every invalid use is a distinct outcome and changes nothing. Unguarded: RAM changes as the original changes it.
  bool guarded = true;
  // Unguarded only: the original's debug build checks pointers in free (assert_msg); its release build does not.
  bool assertions = true;
  VirtAddr start{0xC0400000};
  std::uint32_t limit_bytes = 256u << 20;  // the address range reserved for the heap; a multiple of 4 MiB
  std::uint32_t initial_bytes = 4096;      // HEAP_INIT_SIZE
  // The indexed engine answers the first of each; the others are walked.
  ImplicitFit fit = ImplicitFit::kFirst;
  ImplicitCoalesce coalesce = ImplicitCoalesce::kImmediate;
};

// Takes the page tables of the whole range from `space`, touches the first pages, and grows by initial_bytes; the costs of that
// are not counted. INVALID_ARGUMENT: bad options, or the indexed engine unguarded. RESOURCE_EXHAUSTED: RAM too small.
absl::StatusOr<std::unique_ptr<HeapGuard>> MakeImplicitHeap(AddressSpace& space, const ImplicitHeapOptions& options);

extern const Declaration kImplicitHeapDeclaration;
HeapAllocatorInfo ImplicitHeapInfo();

// For another heap over these chunks: the parameters of the range, and what they say; and the range made ready for the heap's
// constructor, with the errors of MakeImplicitHeap.
std::vector<ParameterInfo> RangeParameters();
ImplicitHeapOptions RangeOptions(const ParameterValues& values, bool guarded);
absl::Status PrepareRange(AddressSpace& space, const ImplicitHeapOptions& options);
// The largest request: more wraps when header and epilogue are added.
inline constexpr std::uint32_t kChunkRequestMax = ~0u - (2 * kWordBytes + kWordBytes - 1);

// What the heap keeps in variables.
struct ImplicitHeapState {
  FirstFitCounters counters;
  // A failed assertion leaves the kernel's mutex locked: whoever asks for it next spins for ever.
  bool mutex_left_locked = false;
  VirtAddr rover;  // next fit: what the last search found; null: none has yet
};

// What heaps over these chunks have in common, those of another policy included: everything but the calls and the declaration.
// State: all that the heap keeps in variables, `counters` (first_fit.h) among it; it can be copied.
template <class Index, class State>
class ChunkHeap : public HeapAllocator {
 public:
  // Of an allocated chunk.
  std::uint32_t PayloadBytes(VirtAddr block) override {
    AccessCosts uncounted;
    return tag::Size(WordView(space_, uncounted).Load(block - kWordBytes)) - kWordBytes;
  }
  std::uint32_t BlockBytes(std::uint32_t bytes) const override { return tag::RoundUpToWord(bytes + kWordBytes); }
  std::span<const std::uint64_t> own_counters() const override { return state_.counters.values(); }
  // Of kChunkFigures.
  std::vector<std::uint64_t> FigureValues() const override { return {space_.Peek(brk()).value_or(0)}; }
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const override {
    InterruptPoll poll(interrupt);
    Chain().Walk([&](const Chunk& chunk) {
      visit(chunk.header_word);
      return !poll.Step();
    });
  }

  HeapShape Shape() const override { return Chain().Shape(limit()); }
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override {
    return Chain().VisitBlocks(from, visit);
  }
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override { return Chain().Check(interrupt); }

 protected:
  ChunkHeap(AddressSpace& space, const ImplicitHeapOptions& options)
      : HeapAllocator(space, ProgramBreak(space, options.start, options.start + options.limit_bytes)),
        heap_(space, break_, costs_, state_.counters) {
    heap_.Init(options.initial_bytes);
  }

  ChunkChain Chain() const { return ChunkChain(space_, start(), brk()); }
  std::unique_ptr<const AllocatorState> SaveOwn() const override { return SaveState(state_); }
  void RestoreOwn(const AllocatorState& saved) override { RestoreState(saved, state_); }
  void ResetOwnCounters() override { state_.counters.Reset(); }

  State state_;
  FirstFit<Index, decltype(State::counters)> heap_;
};

// The original: lx_malloc, lx_calloc, lx_free over the walk. Unguarded, simulated RAM changes as the original would change it,
// and where the original would crash or leave its RAM the operation ends in a MachineStop.
class ImplicitHeap final : public ChunkHeap<NoIndex, ImplicitHeapState> {
 public:
  ImplicitHeap(AddressSpace& space, const ImplicitHeapOptions& options)
      : ChunkHeap(space, options), assertions_(options.assertions), fit_(options.fit), coalesce_(options.coalesce) {
    heap_.set_coalesces(coalesce_ == ImplicitCoalesce::kImmediate);
  }

  HeapResult Malloc(std::uint32_t bytes) override;
  HeapResult Calloc(std::uint32_t count, std::uint32_t bytes) override;
  HeapResult Free(VirtAddr block) override;

  const Declaration& declaration() const override { return kImplicitHeapDeclaration; }
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override {
    return Chain().Check(interrupt, coalesce_ == ImplicitCoalesce::kImmediate);
  }
  std::uint64_t host_bytes() const override { return sizeof(*this); }

 private:
  // A free chunk of at least `size` bytes, or null.
  VirtAddr Search(std::uint32_t size);
  VirtAddr SearchNext(std::uint32_t size);
  VirtAddr SearchAll(std::uint32_t size);
  // The rover is where chunks begin.
  void MoveRover(const FreeChunk& chunk) {
    if (state_.rover - chunk.start < chunk.bytes) state_.rover = chunk.start;
  }

  const bool assertions_;
  const ImplicitFit fit_;
  const ImplicitCoalesce coalesce_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_IMPLICIT_IMPLICIT_HEAP_H_
