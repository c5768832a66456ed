// What stands between a heap allocator and whoever uses it: from here on nothing throws, and a machine that stops is an
// outcome.
//
// Guarded, any literal allocator is safe. The guard knows the live blocks, so an invalid free is refused before the allocator
// sees it: kDoubleFree inside a free block, kInteriorPointer inside a live block or metadata, kForeignPointer outside the heap,
// kMisalignedPointer. And what is refused changes nothing: near the edge, where the machine may run out of frames or the break
// reach its limit in the middle of an operation, the operation runs under a journal of the whole machine, and is undone when it
// does not come to its end; it then costs what its search cost. So does the first request of a heap that is made by it. Away
// from the edge an operation of an intact heap always ends, and the guard costs a bit per block.
//
// Unguarded, RAM changes as the original changes it, whatever the program does.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_HEAP_GUARD_H_
#define ALLOCLAB_ALLOCATORS_HEAP_HEAP_GUARD_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/live_starts.h"

namespace alloclab {

// Why an allocation was refused, in numbers; those that bear on it and that can be known.
struct Refusal {
  std::uint64_t needed_bytes = 0;  // by the block, metadata and rounding included; of too large a request the request
  std::optional<std::uint64_t> free_bytes = {}, largest_free_bytes = {};
  std::optional<std::uint64_t> frames_left = {};        // of the machine
  std::optional<std::uint64_t> growth_bytes = {};       // of a heap: how far the break may still move up
  std::optional<std::uint64_t> request_max_bytes = {};  // of a heap's kSizeOverflow
};

class HeapGuard {
 public:
  enum class Mode : std::uint8_t {
    kGuarded,
    kUnguarded,
    kTrusted,  // the engine refuses by itself exactly what a guard would refuse, so it is called directly
  };

  // `edge_pages`: how many pages an operation may touch beside the block itself, where that is more than headers and footers of
  // neighbours, heads of lists, and page tables.
  HeapGuard(std::unique_ptr<HeapAllocator> heap, Mode mode, std::uint32_t edge_pages = 8)
      : heap_(std::move(heap)),
        declaration_(heap_->declaration()),
        mode_(mode),
        edge_pages_(edge_pages),
        made_(!declaration_.made_by_first_request) {}

  HeapResult Malloc(std::uint32_t bytes) { return mode_ == Mode::kTrusted ? heap_->Malloc(bytes) : GuardedMalloc(bytes); }
  HeapResult Free(VirtAddr block) { return mode_ == Mode::kTrusted ? heap_->Free(block) : GuardedFree(block); }
  HeapResult Calloc(std::uint32_t count, std::uint32_t bytes);
  HeapResult Realloc(VirtAddr block, std::uint32_t bytes);

  // For looking; only the guard calls what changes something.
  const HeapAllocator& allocator() const { return *heap_; }
  // Of a request that was just refused with this outcome. Frames that are left are the page allocator's to know: the caller
  // fills them in.
  Refusal Explain(Outcome refused, std::uint64_t bytes) const;
  void ResetCosts() { heap_->ResetCosts(); }
  // Whether an operation on blocks of so many bytes may run under a journal, which takes host memory.
  bool MayJournal(std::uint32_t bytes) const { return mode_ == Mode::kGuarded && NearEdge(bytes); }

  // As HeapAllocator's, with the live blocks.
  std::unique_ptr<const AllocatorState> Save() const;
  void Restore(const AllocatorState& saved);
  std::uint64_t host_bytes() const { return sizeof(*this) + heap_->host_bytes() + live_.host_bytes(); }

 private:
  struct Saved;

  HeapResult GuardedMalloc(std::uint32_t bytes);
  HeapResult GuardedFree(VirtAddr block);
  // Calls what allocates; refuses or undoes what the machine cannot hold.
  template <class Call>
  HeapResult Allocate(std::uint32_t bytes, Call call);
  // Whether an operation that uses a block of that size, and perhaps copies another one into it, may run out of frames or of
  // address range.
  bool NearEdge(std::uint32_t bytes) const;
  template <class Call>
  HeapResult Journaled(std::uint32_t bytes, Call call);
  // Which word there is for a request that was refused.
  Outcome Reason(Outcome refused, std::uint32_t bytes) const;
  // What is wrong with freeing this address, or kOk.
  Outcome Misuse(VirtAddr block) const;

  const std::unique_ptr<HeapAllocator> heap_;
  const Declaration& declaration_;  // the heap's
  const Mode mode_;
  const std::uint32_t edge_pages_;
  LiveStarts live_;  // guarded only
  bool made_;        // guarded only: nothing of a refused request stays
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_HEAP_GUARD_H_
