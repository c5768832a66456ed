// Allocators of a virtual-memory heap: malloc and its family on the simulated machine.
//
// An allocator is the literal code of its paper or kernel: it reads and writes simulated memory through a WordView, which
// throws MachineStop where the machine would have stopped, and it may be misused as the original may. HeapGuard
// (heap_guard.h) stands between it and the rest of the lab, which calls nothing here that changes something. What an allocator
// cannot tell about itself it leaves out: every function below that is not pure has an answer for that case, and every caller
// copes with it.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_HEAP_ALLOCATOR_H_
#define ALLOCLAB_ALLOCATORS_HEAP_HEAP_ALLOCATOR_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "allocators/common/allocator_state.h"
#include "allocators/common/block.h"
#include "allocators/common/costs.h"
#include "allocators/common/declaration.h"
#include "allocators/common/interrupt.h"
#include "allocators/common/outcome.h"
#include "allocators/common/pow2_histogram.h"
#include "allocators/common/violation.h"
#include "allocators/machine/address_space.h"
#include "allocators/machine/program_break.h"

namespace alloclab {

struct HeapResult {
  Outcome outcome = Outcome::kOk;
  VirtAddr address;  // what the call returned (null for free); for kMachineFault the address that was touched
  friend bool operator==(const HeapResult&, const HeapResult&) = default;
};

// The heap as it is now. Sizes include the blocks' own metadata.
struct HeapShape {
  VirtAddr start, brk, limit;  // limit: one past the last address the heap may ever use
  std::uint32_t blocks = 0;    // every block that VisitBlocks shows: live, free and metadata
  std::uint32_t live_blocks = 0;
  std::uint64_t live_block_bytes = 0;
  std::uint32_t free_blocks = 0;
  std::uint64_t free_bytes = 0;
  std::uint32_t largest_free_bytes = 0;
  // Free blocks by Pow2Histogram::BucketOf(bytes).
  std::array<std::uint32_t, Pow2Histogram::kBuckets> free_blocks_by_size{};
  // The chain is broken: what is said of the blocks is true of those in front of that place only.
  std::optional<BrokenWalk> broken = std::nullopt;

  std::uint32_t size_bytes() const { return brk - start; }
  void Add(const Block& block);
  friend bool operator==(const HeapShape&, const HeapShape&) = default;
};

class HeapAllocator {
 public:
  virtual ~HeapAllocator() = default;
  HeapAllocator(const HeapAllocator&) = delete;
  HeapAllocator& operator=(const HeapAllocator&) = delete;

  // The original's null is kOutOfMemory, or kZeroSize for a request of no bytes.
  virtual HeapResult Malloc(std::uint32_t bytes) = 0;
  // Unless the original has its own: malloc of the product, which wraps at 32 bits, and zeroes.
  virtual HeapResult Calloc(std::uint32_t count, std::uint32_t bytes);
  // Unless the original has its own, the lab's reference rule: malloc the new block, copy min(old payload, bytes), free the
  // old. On failure the old block stays. A null `block` is malloc; `bytes` of 0 is kZeroSize and frees nothing.
  virtual HeapResult Realloc(VirtAddr block, std::uint32_t bytes);
  // A null block is ignored, unless the original crashes on it.
  virtual HeapResult Free(VirtAddr block) = 0;

  // Always the same.
  virtual const Declaration& declaration() const = 0;

  // How many bytes the program may use of a live block, as its metadata says; not counted as a cost.
  virtual std::uint32_t PayloadBytes(VirtAddr block) = 0;
  // The size of the block that serves a request of `bytes`, metadata and rounding included.
  virtual std::uint32_t BlockBytes(std::uint32_t bytes) const { return bytes; }

  // Values in the order of declaration().counters and .figures.
  virtual std::span<const std::uint64_t> own_counters() const { return {}; }
  virtual std::vector<std::uint64_t> FigureValues() const { return {}; }
  // All counters and figures, with their names.
  std::vector<Count> Counts() const;
  std::vector<Figure> Figures() const;

  // Made by a walk, unless there is an index. Without VisitBlocks only start, brk and limit are known.
  virtual HeapShape Shape() const;
  // The blocks in address order; from the default cursor on these tile [start, brk). Safe on any contents of RAM.
  virtual std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const;
  // The words that the digest of the metadata covers, in the order that the allocator's header defines.
  // Both leave off when they are interrupted.
  virtual void VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt = {}) const;
  virtual std::vector<Violation> CheckInvariants(const Interrupt& /*interrupt*/ = {}) const { return {}; }

  // Brings what a Free of this address will look at into the host's caches. Changes nothing, for any address; worth its while a
  // few operations ahead on heaps larger than those caches.
  virtual void Prefetch(VirtAddr /*block*/) const {}
  // Host bytes held beside simulated RAM.
  virtual std::uint64_t host_bytes() const = 0;

  // What is kept outside RAM, to go on from exactly here later, on RAM as it is now. Restore takes what this allocator, or one
  // made with the same parameters, has saved.
  std::unique_ptr<const AllocatorState> Save() const;
  void Restore(const AllocatorState& saved);

  const HeapCosts& costs() const { return costs_; }
  // Forgets what building the heap has cost.
  void ResetCosts();
  // Where the range of the heap begins; the break: one past its last byte; and one past the last byte it may ever use. Plain
  // reads, for callers that follow the heap's size.
  VirtAddr start() const { return break_.start(); }
  VirtAddr brk() const { return break_.current(); }
  VirtAddr limit() const { return break_.limit(); }
  const ProgramBreak& program_break() const { return break_; }
  AddressSpace& space() const { return space_; }
  // For the guard, which undoes operations: what one costs that is refused is what its search cost. Between BeginOperation and
  // the refusal search_costs() is that; after Restore the charge is laid on again.
  void BeginOperation() { search_costs_ = costs_; }
  const HeapCosts& search_costs() const { return search_costs_; }
  void ChargeSearch(const HeapCosts& costs) { costs_ = costs; }

 protected:
  HeapAllocator(AddressSpace& space, const ProgramBreak& brk) : space_(space), break_(brk) {}

  // What calloc and realloc do to payloads, counted as such. MachineStop where the machine would stop.
  void Zero(VirtAddr block, std::uint32_t bytes);
  void CopyPayload(VirtAddr to, VirtAddr from, std::uint32_t bytes);

  // Says that the search of the operation under way has ended. What was stored before it, by a heap that its first request
  // makes, is undone with a refusal and no part of its cost.
  void EndSearch() {
    const std::uint64_t words_stored = search_costs_.words_stored;
    search_costs_ = costs_;
    search_costs_.words_stored = words_stored;
  }

  // The allocator's own variables: a copy, and back (SaveState, RestoreState). An index is not saved: it is made again from
  // RAM.
  virtual std::unique_ptr<const AllocatorState> SaveOwn() const = 0;
  virtual void RestoreOwn(const AllocatorState& saved) = 0;
  virtual void ResetOwnCounters() = 0;

  AddressSpace& space_;
  ProgramBreak break_;
  HeapCosts costs_;

 private:
  struct Saved;
  HeapCosts search_costs_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_HEAP_ALLOCATOR_H_
