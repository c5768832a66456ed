// Allocators of physical page frames. Metadata lives in simulated RAM where the original keeps it there.
//
// Lengths are 32-bit byte counts as in the kernels' C code, so that every misuse can be asked for: 0, negative (sign bit set),
// not a multiple of the page.
//
// As with heaps, an allocator is the literal code of its paper or kernel: it may be misused as the original may, and throws
// MachineStop where the machine would have stopped. PageGuard (page_guard.h) stands between it and the rest of the lab.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_PAGE_ALLOCATOR_H_
#define ALLOCLAB_ALLOCATORS_PAGES_PAGE_ALLOCATOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "allocators/common/allocator_state.h"
#include "allocators/common/block.h"
#include "allocators/common/costs.h"
#include "allocators/common/declaration.h"
#include "allocators/common/interrupt.h"
#include "allocators/common/outcome.h"
#include "allocators/common/violation.h"
#include "allocators/machine/address.h"

namespace alloclab {

struct PageResult {
  Outcome outcome = Outcome::kOk;
  PhysAddr address;  // what the call returned; kMachineFault: the address touched; kMachineHang: a block on the circle
  friend bool operator==(const PageResult&, const PageResult&) = default;
};

// The memory that an allocator manages.
struct Arena {
  PhysAddr first;
  std::uint32_t bytes = 0;

  std::uint64_t end() const { return std::uint64_t{first.raw()} + bytes; }  // may be 2^32
  bool Contains(PhysAddr from, std::uint32_t count) const {
    return from >= first && from.raw() + std::uint64_t{count} <= end();
  }
};

// Free memory as it is now.
struct PageShape {
  Arena arena;
  std::uint64_t free_bytes = 0;
  std::uint32_t free_blocks = 0;
  std::uint64_t largest_free_bytes = 0;
  // The list of free blocks is broken, or its blocks are not all apart and in the arena: their sums mean nothing.
  std::optional<BrokenWalk> broken = std::nullopt;
};

class PageAllocator {
 public:
  virtual ~PageAllocator() = default;
  PageAllocator(const PageAllocator&) = delete;
  PageAllocator& operator=(const PageAllocator&) = delete;

  // The original's null is kOutOfMemory, or kFragmented when so many bytes are free.
  virtual PageResult Allocate(std::uint32_t bytes) = 0;
  virtual PageResult Free(PhysAddr first, std::uint32_t bytes) = 0;
  // Whether the next `count` calls of Allocate(kPageBytes) would all succeed. Safe on any contents of RAM.
  virtual bool HoldsPages(std::uint32_t count) const = 0;

  virtual const Declaration& declaration() const = 0;
  virtual std::span<const std::uint64_t> own_counters() const { return {}; }
  virtual std::vector<std::uint64_t> FigureValues() const { return {}; }
  std::vector<Count> Counts() const;
  std::vector<Figure> Figures() const;

  // Made by a walk over the free blocks, unless the allocator knows better.
  virtual PageShape Shape() const;
  // The free blocks in the allocator's own order, and live ones if it keeps a record of them.
  virtual std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const = 0;
  // The words that the digest of the metadata covers, in the order that the allocator's header defines.
  virtual void VisitMetadata(const std::function<void(std::uint32_t word)>& visit) const = 0;
  // Leaves off when it is interrupted.
  virtual std::vector<Violation> CheckInvariants(const Interrupt& interrupt = {}) const = 0;
  virtual std::uint64_t host_bytes() const = 0;

  // As HeapAllocator's.
  std::unique_ptr<const AllocatorState> Save() const;
  void Restore(const AllocatorState& saved);

  const PageCosts& costs() const { return costs_; }
  void ResetCosts();
  const Arena& arena() const { return arena_; }

 protected:
  explicit PageAllocator(const Arena& arena) : arena_(arena) {}

  virtual std::unique_ptr<const AllocatorState> SaveOwn() const = 0;
  virtual void RestoreOwn(const AllocatorState& saved) = 0;
  virtual void ResetOwnCounters() = 0;

  const Arena arena_;
  PageCosts costs_;

 private:
  struct Saved;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_PAGE_ALLOCATOR_H_
