// Page runs: the physical memory allocator of early xv6 (MIT, kalloc.c of 2006). First fit over a singly linked list of free
// runs, sorted by address, no two of them adjacent; a run's header {next: u32, length: u32 in bytes} is the first 8 bytes of
// the run itself, in RAM. The block is carved from the tail of the first run that is long enough. A free fills the pages with
// 0x01.
//
// An allocation that no run can hold is kFragmented when that many bytes are free in all, otherwise kOutOfMemory.
//
// Unguarded use. RAM changes as the original changes it, with its 32-bit arithmetic and its signed lengths; an arena is smaller
// than 2 GiB then. The original panics where a length is not a multiple of the page (before anything else) and where a freed
// range starts inside a free run (after the fill); the list stays usable after that, as if the panic had been caught. An access
// beyond RAM ends the call with kMachineFault at that address, a walk in a circle with kMachineHang; what was written before
// stays written.
//
// Metadata, for the digest: address and length of every run in list order.
//
// Costs (PageCosts). A load is one evaluation of an expression of the original that reads a header word, with C's short
// circuits; reading or writing through the link to a run counts unless the link is the list head, which is not in RAM:
//   Allocate, per run passed      5 loads (first run: 2)
//             exact fit           + 4 loads, 1 store   (first run: 2 loads, 0 stores)
//             split               + 6 loads, 1 store   (first run: 4 loads, 1 store)
//             nothing fits        + 1 load             (no runs: 0)
//   Free, per run passed          8 loads (first run: 1)
//             put before a run    + 8 loads, 3 stores  (first run: 1 load, 2 stores)
//             put at the end      + 1 load, 3 stores   (no runs: 0 loads, 2 stores)
//             merged above        + 10 loads, 3 stores (first run: 3 loads, 2 stores)
//             merged below        + 13 loads, 1 store  (first run: 4 loads); below the last run 2 (first run: 1) loads less
//             merged with both    + 22 loads, 3 stores (first run: 9 loads, 3 stores)
//
// Invariants (CheckInvariants):
//   P1 every run lies inside the arena, page-aligned, with a length that is a positive multiple of the page
//   P2 the list is sorted by address and ends
//   P3 no two runs overlap or touch
//   P4 the list's bytes are the bytes the counters call free
//   P5 the index (if any) holds exactly the runs of the list
#ifndef ALLOCLAB_ALLOCATORS_PAGES_RUNS_PAGE_RUNS_H_
#define ALLOCLAB_ALLOCATORS_PAGES_RUNS_PAGE_RUNS_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "allocators/common/engine.h"
#include "allocators/machine/physical_memory.h"
#include "allocators/pages/page_allocator_info.h"
#include "allocators/pages/page_guard.h"
#include "allocators/pages/runs/run_list.h"

namespace alloclab {

struct PageRunsOptions {
  Engine engine = Engine::kIndexed;
  RunFit fit = RunFit::kFirst;  // kBest: by the literal engine only
  // Guarded: every invalid use is a distinct outcome and changes nothing. Unguarded: RAM changes as the original changes it.
  bool guarded = true;
  // The kernel's `end` symbol: the arena starts at (kernel_end + 4096) & ~4095, so an aligned value still skips one page.
  std::uint32_t kernel_end = 0;
  // Pages of the arena; 0 means all of RAM from its start.
  std::uint32_t arena_pages = 0;
};

// Gives the whole arena over by one free, as kinit does; its costs are not counted. INVALID_ARGUMENT: the arena does not fit
// RAM, is empty, or unguarded use was asked of the indexed engine or of an arena of 2 GiB or more. REQUIRES: kBest is asked of
// the literal engine.
absl::StatusOr<std::unique_ptr<PageGuard>> MakePageRuns(PhysicalMemory& memory, const PageRunsOptions& options);

PageAllocatorInfo PageRunsInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_RUNS_PAGE_RUNS_H_
