// The story that the catalogue tells.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_BEST_FIT_STORY_H_
#define ALLOCLAB_ALLOCATORS_PAGES_BEST_FIT_STORY_H_

#include "allocators/common/story.h"

namespace alloclab {

inline constexpr Story kBestFitRunsStory{
    .ran =
        "No kernel of note hands out pages so: it is the textbook's answer to first fit, on the same list, and here to be "
        "compared with it. Best fit itself was measured against first fit from the 1960s on, in Knuth's simulations and "
        "many after them, for the core memory of batch systems whose jobs asked for a few large regions.",
    .good =
        "Long runs stay whole, so a large request late in a workload is served where first fit has cut them all up. A "
        "request for which there is an exact fit costs nothing in fragmentation. As in page-runs the list needs no memory "
        "of its own and a free merges at once.",
    .bad =
        "Every request without an exact fit looks at all free runs. What is left over is as short as can be, often a "
        "single page that serves nothing larger ever after. Robson (1980) shows that in the worst case best fit needs far "
        "more memory than first fit; on real workloads the two are close.",
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_BEST_FIT_STORY_H_
