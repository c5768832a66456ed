// Page runs: the physical memory allocator of early xv6 (MIT, kalloc.c of 2006). First fit over a singly linked list of free
// runs, sorted by address, no two of them adjacent; a run's header {next: u32, length: u32 in bytes} is the first 8 bytes of the
// run itself, in RAM. The block is carved from the tail of the first run that is long enough. A free fills the pages with 0x01.
//
// Invariants (CheckInvariants):
//   P1 every run lies inside the arena, page-aligned, with a length that is a positive multiple of the page
//   P2 the list is sorted by address and ends
//   P3 no two runs overlap or touch
//   P4 the list's bytes are the bytes the counters call free
#ifndef ALLOCLAB_ALLOCATORS_PAGES_PAGE_RUNS_H_
#define ALLOCLAB_ALLOCATORS_PAGES_PAGE_RUNS_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "allocators/common/engine.h"
#include "allocators/machine/physical_memory.h"
#include "allocators/pages/page_allocator.h"

namespace alloclab {

struct PageRunsOptions {
  Engine engine = Engine::kIndexed;
  // Guarded: every invalid use is a distinct outcome and changes nothing. Unguarded: RAM changes as the original changes it.
  bool guarded = true;
  // The kernel's `end` symbol: the arena starts at (kernel_end + 4096) & ~4095, so an aligned value still skips one page.
  std::uint32_t kernel_end = 0;
  // Pages of the arena; 0 means all of RAM from its start.
  std::uint32_t arena_pages = 0;
};

// Gives the whole arena over by one free, as kinit does; its costs are not counted. INVALID_ARGUMENT: the arena does not fit
// RAM, is empty, or the engine cannot run unguarded (only the literal engine can).
absl::StatusOr<std::unique_ptr<PageAllocator>> MakePageRuns(PhysicalMemory& memory, const PageRunsOptions& options);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_PAGE_RUNS_H_
