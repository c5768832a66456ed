#include "allocators/pages/best_fit/best_fit_runs.h"

#include "allocators/pages/runs/page_runs.h"

namespace alloclab {

PageAllocatorInfo BestFitRunsInfo() {
  PageAllocatorInfo info = PageRunsInfo();
  info.name = "best-fit-runs";
  info.title = "Best-fit runs";
  info.description =
      "Of the free blocks that are long enough the shortest, of equal ones the lowest; the list in the free pages, the cut "
      "from a block's tail and the merges are those of page-runs. Good at: long blocks stay whole for long requests. Bad "
      "at: a request without an exact fit looks at every free block, and leaves the shortest rest there can be.";
  info.source = "Knuth, The Art of Computer Programming, vol. 1, 2.5; the list of xv6 (MIT), kalloc.c of 2006";
  std::erase_if(info.parameters, [](const ParameterInfo& parameter) { return parameter.name == "pages.engine"; });
  info.make = [](PhysicalMemory& memory, bool guarded, const ParameterValues& values) {
    return MakePageRuns(memory, {.engine = Engine::kLiteral,
                                 .fit = RunFit::kBest,
                                 .guarded = guarded,
                                 .kernel_end = NumberValue(values, "pages.kernel_end"),
                                 .arena_pages = NumberValue(values, "pages.arena_pages")});
  };
  return info;
}

}  // namespace alloclab
