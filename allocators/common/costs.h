// What an allocator did, counted as the ORIGINAL code does it, whichever engine ran. Exact: the same on every machine,
// compiler and engine. All counters start at zero when the instance is ready, so building it costs nothing here.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_COSTS_H_
#define ALLOCLAB_ALLOCATORS_COMMON_COSTS_H_

#include <array>
#include <cstdint>

namespace alloclab {

// Costs of a heap allocator.
//
// What counts, for ImplicitHeap:
//   headers_visited  times the body of the original's search loop runs: the prologue counts, the epilogue at the break
//                    does not.
//   words_loaded     every 32-bit word that the original's source reads from the heap through a pointer (headers and footers),
//                    each textual dereference once, those inside macros included:
//                      search    the header, at each visit
//                      place     own header; and the next one when the fit is exact
//                      grow      the old epilogue; and the new header, by which it finds where the epilogue goes
//                      free      own header, next header
//                      coalesce  own header, next header; and the footer before when the previous chunk is free
//                    Payload copies are not in it, nor the old size that a realloc looks up: realloc is the lab's rule.
//   words_stored     likewise every word written: place own and next header, or own header and the remainder's header and
//                    footer; grow header, footer, epilogue; free header, footer, next header; coalesce header and footer of the
//                    merged chunk.
//   search_pages     distinct 4 KiB pages whose headers a search visited; a first-fit walk goes upwards, so this is the
//                    number of page changes a one-entry TLB would see.
//   splits           placements that left a remainder, of 4 bytes or more.
//   coalesces[k-1]   calls of coalesce that took case k: 1 previous free, 2 next free, 3 both, 4 neither (place's and grow's
//                    calls included).
//   grows            successful extensions of the break; grown_bytes is how far they moved it.
//   copied_bytes     payload bytes copied by realloc; zeroed_bytes by calloc.
// A request that is refused after its search counts the search and nothing else. A walk that never ends (unguarded) counts until
// the lab notices that it came back to a chunk; a fault ends the count with the last word that was reached.
// Guarded checks, page-table walks and the fault handler are not the allocator's work and are not counted here.
struct HeapCosts {
  std::uint64_t headers_visited = 0;
  std::uint64_t words_loaded = 0;
  std::uint64_t words_stored = 0;
  std::uint64_t search_pages = 0;
  std::uint64_t splits = 0;
  std::array<std::uint64_t, 4> coalesces{};
  std::uint64_t grows = 0;
  std::uint64_t grown_bytes = 0;
  std::uint64_t copied_bytes = 0;
  std::uint64_t zeroed_bytes = 0;

  friend bool operator==(const HeapCosts&, const HeapCosts&) = default;
};

// Costs of a page allocator.
//
// What counts, for PageRuns:
//   runs_visited  times the body of a list walk runs, in allocations and in frees.
//   words_loaded  words of run headers (next, length) that the original's source reads; words_stored likewise written.
//                 The list head is a global of the kernel and not in RAM: it does not count.
//   splits        allocations carved from the tail of a longer run.
//   merges[k]     frees that merged with 0 nothing, 1 the run below, 2 the run above, 3 both.
//   filled_bytes  junk bytes that the original writes on a free.
struct PageCosts {
  std::uint64_t runs_visited = 0;
  std::uint64_t words_loaded = 0;
  std::uint64_t words_stored = 0;
  std::uint64_t splits = 0;
  std::array<std::uint64_t, 4> merges{};
  std::uint64_t filled_bytes = 0;

  friend bool operator==(const PageCosts&, const PageCosts&) = default;
};

// What the simulated MMU and the kernel's fault handler did.
struct VmCosts {
  std::uint64_t demand_faults = 0;      // first touch of a page promised by the break: a frame was taken
  std::uint64_t not_mapped_faults = 0;  // no mapping and no promise
  std::uint64_t protection_faults = 0;  // write to a read-only page
  std::uint64_t refused_faults = 0;     // a demand fault for which no frame was left
  std::uint32_t mapped_frames = 0;      // present pages now
  std::uint32_t page_table_frames = 0;  // page directory and page tables now

  friend bool operator==(const VmCosts&, const VmCosts&) = default;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_COSTS_H_
