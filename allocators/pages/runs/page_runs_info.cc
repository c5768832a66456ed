#include "allocators/pages/runs/page_runs.h"
#include "allocators/pages/runs/run_list.h"

namespace alloclab {

PageAllocatorInfo PageRunsInfo() {
  return {
      .name = "page-runs",
      .title = "Page runs",
      .description =
          "First fit over an address-sorted list of free runs kept in the free pages; blocks are carved from a run's "
          "tail, frees fill with 0x01 and merge with both neighbours.",
      .source = "xv6 (MIT), kalloc.c of 2006",
      .declaration = &kPageRunsDeclaration,
      .parameters = {EngineParameter("pages.engine"),
                     QuantityParameter("pages.kernel_end",
                                       "address where the kernel ends; the arena starts at the next page border above it",
                                       "a physical address", 0),
                     QuantityParameter("pages.arena_pages", "pages of the arena; 0 takes all of RAM from its start",
                                       "a number of 4096-byte pages that fits RAM", 0, PhysicalMemory::kBytesMax / kPageBytes)},
      .make = [](PhysicalMemory& memory, bool guarded, const ParameterValues& values) {
        return MakePageRuns(memory, {.engine = EngineValue(values, "pages.engine"),
                                     .guarded = guarded,
                                     .kernel_end = NumberValue(values, "pages.kernel_end"),
                                     .arena_pages = NumberValue(values, "pages.arena_pages")});
      }};
}

}  // namespace alloclab
