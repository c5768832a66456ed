// Best fit over runs of free pages: of all free blocks that are long enough the shortest serves a request, of several equal
// ones the lowest (Knuth, The Art of Computer Programming, vol. 1, 2.5). No kernel of note hands out pages so; it is the
// textbook's answer to first fit, on the same list. Good: long blocks stay whole, so that a large request late in a workload
// is served where first fit has cut them all up. Bad: every request without an exact fit looks at all free blocks, and what is
// left over is as short as can be, often a single page that serves nothing larger ever after. Robson (Information Processing
// Letters 11, 1980) shows that in the worst case best fit needs far more memory than first fit.
//
// List, headers in RAM, free with its fill and merges, unguarded use, digest and invariants P1 to P4 are those of
// ../runs/page_runs.h; the block is carved from the tail of its run, too. A search ends at an exact fit, else at the list's
// end. Unguarded, lengths are compared with their sign, as there.
//
// Costs (PageCosts) of Allocate: per run looked at a load of the link to it, unless that is the list head, and a load of its
// length; a load of the last link when the search comes to the list's end, unless that is the head. An exact fit then loads
// the run's link and stores the one to it, unless that is the head; a split stores the length. Free: as there.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_BEST_FIT_BEST_FIT_RUNS_H_
#define ALLOCLAB_ALLOCATORS_PAGES_BEST_FIT_BEST_FIT_RUNS_H_

#include "allocators/pages/page_allocator_info.h"

namespace alloclab {

PageAllocatorInfo BestFitRunsInfo();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_BEST_FIT_BEST_FIT_RUNS_H_
