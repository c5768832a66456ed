// What every allocator is charged for, counted as the ORIGINAL code does it, whichever engine ran. Exact: the same on every
// machine, compiler and engine. All of it starts at zero when the instance is ready, so building it costs nothing here. What
// one allocator counts beside this it declares itself (declaration.h).
//
//   search_steps  blocks that a search looked at, for a fit or for a place in a list: how often the body of the original's loop
//                 runs
//   words_loaded  32-bit words of metadata that the original's source reads through a pointer, each textual dereference once,
//                 those inside macros included; words_stored likewise written. What the kernel keeps in variables is not in RAM
//                 and does not count; neither do payload copies, nor the old size that a realloc of the lab's looks up.
//   search_pages  distinct 4 KiB pages in a row whose blocks a search looked at: the page changes that a TLB of one entry sees
//
// A request that is refused after its search counts the search and nothing else. A walk that never ends (unguarded) counts
// until the lab notices that it came back to a block; a fault ends the count with the last word that was reached. The guard's
// own checks, page-table walks and the fault handler are not the allocator's work and are not counted here.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_COSTS_H_
#define ALLOCLAB_ALLOCATORS_COMMON_COSTS_H_

#include <array>
#include <cstdint>

#include "allocators/common/access_costs.h"
#include "allocators/common/declaration.h"

namespace alloclab {

struct HeapCosts : AccessCosts {
  std::uint64_t search_steps = 0;
  std::uint64_t search_pages = 0;
  std::uint64_t copied_bytes = 0;  // payload, by realloc
  std::uint64_t zeroed_bytes = 0;  // payload, by calloc

  friend bool operator==(const HeapCosts&, const HeapCosts&) = default;
};

struct PageCosts : AccessCosts {
  std::uint64_t search_steps = 0;

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

  std::uint64_t faults() const { return demand_faults + not_mapped_faults + protection_faults + refused_faults; }
  friend bool operator==(const VmCosts&, const VmCosts&) = default;
};

// The same as declared lists; the values are in the order of the lists.
inline constexpr CounterInfo kHeapCostInfos[] = {
    {"search_steps", "blocks that searches looked at"},
    {"search_pages", "changes of the page during searches: misses of a one-entry TLB"},
    {"words_loaded", "words of metadata read by the allocator"},
    {"words_stored", "words of metadata written by the allocator"},
    {"copied_bytes", "payload bytes that realloc copied"},
    {"zeroed_bytes", "payload bytes that calloc cleared"},
};
// Of the program break (program_break.h).
inline constexpr CounterInfo kBreakInfos[] = {
    {"grows", "moves of the break up"},
    {"grown_bytes", "bytes by which the break moved up"},
};
inline constexpr CounterInfo kPageCostInfos[] = {
    {"search_steps", "blocks that searches looked at, for page faults too"},
    {"words_loaded", "words of metadata read by the allocator"},
    {"words_stored", "words of metadata written by the allocator"},
};
inline constexpr CounterInfo kVmCostInfos[] = {
    {"page_faults", "page faults of the simulated processor", "kind", "demand"},
    {"page_faults", "page faults of the simulated processor", "kind", "not_mapped"},
    {"page_faults", "page faults of the simulated processor", "kind", "protection"},
    {"page_faults", "page faults of the simulated processor", "kind", "refused"},
};
inline constexpr FigureInfo kVmFigureInfos[] = {
    {"mapped_frames", "page frames that are mapped"},
    {"page_table_frames", "page frames of the page directory and the page tables"},
};
constexpr std::array<std::uint64_t, std::size(kHeapCostInfos)> Values(const HeapCosts& costs) {
  return {costs.search_steps, costs.search_pages, costs.words_loaded,
          costs.words_stored, costs.copied_bytes, costs.zeroed_bytes};
}
constexpr std::array<std::uint64_t, std::size(kPageCostInfos)> Values(const PageCosts& costs) {
  return {costs.search_steps, costs.words_loaded, costs.words_stored};
}
constexpr std::array<std::uint64_t, std::size(kVmCostInfos)> Values(const VmCosts& costs) {
  return {costs.demand_faults, costs.not_mapped_faults, costs.protection_faults, costs.refused_faults};
}
inline std::vector<Count> CountsOf(const VmCosts& costs) {
  std::vector<Count> counts;
  AppendCounts(kVmCostInfos, Values(costs), counts);
  return counts;
}
inline std::vector<Figure> FiguresOf(const VmCosts& costs) {
  return {{&kVmFigureInfos[0], costs.mapped_frames}, {&kVmFigureInfos[1], costs.page_table_frames}};
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_COSTS_H_
